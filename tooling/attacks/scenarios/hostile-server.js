import { randomBytes } from 'node:crypto'
import { Random } from '@oss-cse/survival'
import { LIES } from '../lies.js'
import { READS } from '../reads.js'
import { Site } from '../site.js'
import { Tally } from '../tally.js'

/** A server that lies in some or all of its answers to one read. */
export async function hostileServer({ lies, seed }) {
  const random = new Random(seed).fork('hostile-server')
  const tally = new Tally('hostile-server')
  const site = await Site.open()
  try {
    const genuine = randomBytes(400_003)
    const { commitment } = await site.bucket.put('a', genuine)
    await site.bucket.put('b', randomBytes(500_001))
    const other = await site.stored('b')
    const names = Object.keys(LIES)
    const reads = Object.keys(READS)
    for (let count = 0; count < lies; count += 1) {
      const told = [names[count % names.length], names[random.integer(0, names.length - 1)]]
      const share = random.next()
      let answers = 0
      site.proxy.alter = (answer) => {
        answers += 1
        // The first lie is told at least once, and the second one sometimes.
        if (answers > 1 && random.next() > share) return answer
        const lie = answers === 1 || random.next() < 0.7 ? told[0] : told[1]
        return LIES[lie](answer, other, random)
      }
      // Without the commitment, another whole sealed object in the place of this one is genuine too.
      const options = { expectCommitment: commitment }
      const asked = { bucket: site.bucket, key: 'a', sizeBytes: genuine.length, random, options }
      tally.add(told.join(', '), await READS[reads[random.integer(0, reads.length - 1)]](asked), genuine)
    }
    return tally.outcome()
  } finally {
    await site.close()
  }
}
