import { randomBytes } from 'node:crypto'
import { Random } from '@oss-cse/survival'
import { ALTERATIONS } from '../alterations.js'
import { LIES } from '../lies.js'
import { largeFile } from '../reads.js'
import { Site } from '../site.js'
import { Tally } from '../tally.js'

/** Downloads by worker threads, which request and open the segments themselves. */
export async function largeFiles({ files, seed }) {
  const random = new Random(seed).fork('large-files')
  const tally = new Tally('large-files')
  const site = await Site.open({ fileWorkers: 2 })
  try {
    const genuine = randomBytes(9_000_007)
    const { commitment } = await site.bucket.put('a', genuine)
    await site.bucket.put('b', randomBytes(9_500_000))
    const [stored, other] = [await site.stored('a'), await site.stored('b')]
    const [alterations, lies] = [Object.keys(ALTERATIONS), Object.keys(LIES)]
    for (let count = 0; count < files; count += 1) {
      const options = { expectCommitment: commitment, parallel: 2 }
      const asked = { bucket: site.bucket, key: 'a', sizeBytes: genuine.length, random, options }
      if (count % 2 === 0) {
        const name = alterations[(count / 2) % alterations.length]
        await site.plant('a', ALTERATIONS[name](stored, other, random))
        tally.add(name, await largeFile(asked), genuine)
        await site.plant('a', stored)
        continue
      }
      const name = lies[((count - 1) / 2) % lies.length]
      site.proxy.alter = (answer) => (random.next() < 0.3 ? LIES[name](answer, other, random) : answer)
      tally.add(name, await largeFile(asked), genuine)
      site.proxy.alter = (answer) => answer
    }
    return tally.outcome()
  } finally {
    await site.close()
  }
}
