import { randomBytes } from 'node:crypto'
import { Random } from '@oss-cse/survival'
import { flipped } from '../alterations.js'
import { READS } from '../reads.js'
import { Site } from '../site.js'
import { Tally } from '../tally.js'

/** Random bits of a larger object. A read of the whole object always fails; a range may be elsewhere, and is then intact. */
export async function randomBits({ flips, seed }) {
  const random = new Random(seed).fork('random-bits')
  const tally = new Tally('random-bits')
  const site = await Site.open()
  try {
    const genuine = randomBytes(1_000_003)
    await site.bucket.upload('a', genuine, { partSizeBytes: 262_144, multipartThresholdBytes: 1 })
    const stored = await site.stored('a')
    const names = Object.keys(READS)
    for (let count = 0; count < flips; count += 1) {
      const bit = random.integer(0, 8 * stored.bytes.length - 1)
      await site.plant('a', { bytes: flipped(stored.bytes, bit) })
      const name = names[count % names.length]
      const asked = { bucket: site.bucket, key: 'a', sizeBytes: genuine.length, random, options: {} }
      const mustFail = ['whole', 'file', 'verified'].includes(name)
      tally.add(`bit ${bit}`, await READS[name](asked), genuine, { mustFail })
    }
    return tally.outcome()
  } finally {
    await site.close()
  }
}
