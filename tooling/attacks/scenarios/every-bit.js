import { Random } from '@oss-cse/survival'
import { flipped } from '../alterations.js'
import { READS } from '../reads.js'
import { Site } from '../site.js'
import { Tally } from '../tally.js'

const NAMES = ['whole', 'suffix', 'verified']

/** Each bit of a small object, flipped alone: every read that meets it fails. */
export async function everyBit({ seed }) {
  const random = new Random(seed).fork('every-bit')
  const tally = new Tally('every-bit')
  const site = await Site.open()
  try {
    const genuine = Buffer.from('unaltered')
    await site.bucket.put('a', genuine)
    const stored = await site.stored('a')
    for (let bit = 0; bit < 8 * stored.bytes.length; bit += 1) {
      await site.plant('a', { bytes: flipped(stored.bytes, bit) })
      const asked = { bucket: site.bucket, key: 'a', sizeBytes: genuine.length, random, options: {} }
      const read = READS[NAMES[bit % NAMES.length]]
      tally.add(`bit ${bit}`, await read(asked), genuine, { mustFail: true })
    }
    return tally.outcome()
  } finally {
    await site.close()
  }
}
