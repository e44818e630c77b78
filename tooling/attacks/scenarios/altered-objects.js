import { randomBytes } from 'node:crypto'
import { Random } from '@oss-cse/survival'
import { ALTERATIONS, withoutLengths } from '../alterations.js'
import { READS } from '../reads.js'
import { Site } from '../site.js'
import { Tally } from '../tally.js'

/** Lengths at the borders of segments, and off them. */
const SIZES = [0, 1, 65_479, 65_480, 65_481, 131_000, 200_000, 400_003]

/** Every alteration of stored objects, in each way of reading, with and without recorded lengths. */
export async function alteredObjects({ alterations, seed }) {
  const random = new Random(seed).fork('altered-objects')
  const tally = new Tally('altered-objects')
  const site = await Site.open()
  try {
    const names = Object.keys(ALTERATIONS)
    const reads = Object.keys(READS)
    for (let count = 0; count < alterations; count += 1) {
      const genuine = randomBytes(SIZES[random.integer(0, SIZES.length - 1)])
      const { commitment } = await site.bucket.put('a', genuine)
      await site.bucket.put('b', randomBytes(SIZES[random.integer(0, SIZES.length - 1)]))
      const name = names[count % names.length]
      const altered = ALTERATIONS[name](await site.stored('a'), await site.stored('b'), random)
      await site.plant('a', random.next() < 0.5 ? altered : withoutLengths(altered))
      const options = random.next() < 0.5 ? {} : { expectCommitment: commitment }
      const asked = { bucket: site.bucket, key: 'a', sizeBytes: genuine.length, random, options }
      tally.add(name, await READS[reads[random.integer(0, reads.length - 1)]](asked), genuine)
    }
    return tally.outcome()
  } finally {
    await site.close()
  }
}
