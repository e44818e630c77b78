import { alteredObjects } from './altered-objects.js'
import { everyBit } from './every-bit.js'
import { hostileServer } from './hostile-server.js'
import { largeFiles } from './large-files.js'
import { randomBits } from './random-bits.js'

export const scenarios = {
  'every-bit': everyBit,
  'random-bits': randomBits,
  'altered-objects': alteredObjects,
  'hostile-server': hostileServer,
  'large-files': largeFiles,
}
