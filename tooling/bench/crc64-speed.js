import { randomFillSync } from 'node:crypto'
import { createCrc64 } from '@oss-cse/crypto-core/internal'
import { createCRC64 } from 'hash-wasm'
import { alternate } from './alternate.js'

const KIB = 1024

/**
 * How the bytes come. `messages`: each has a checksum of its own, which ours makes again and hash-wasm starts again.
 */
const CRC64_ROWS = {
  'chunks of 256 KiB': { chunkBytes: 256 * KIB },
  'chunks of 64 KiB': { chunkBytes: 64 * KIB },
  'chunks of 1 KiB': { chunkBytes: KIB },
  'messages of 1 KiB': { chunkBytes: KIB, messages: true },
}

/**
 * The checksum beside hash-wasm, in this process.
 *
 * @param {{ rounds: number, sizeBytes: number }} options - `sizeBytes` that go through it in each round
 * @returns {Promise<Record<string, Record<'ours' | 'hash-wasm', { megabytesPerSecond: number }[]>>>} by row; for each
 *   second of CPU
 * @throws Error if the two checksums differ
 */
export async function measureCrc64({ rounds, sizeBytes }) {
  const results = {}
  for (const [name, { chunkBytes, messages = false }] of Object.entries(CRC64_ROWS)) {
    const chunk = randomFillSync(new Uint8Array(chunkBytes))
    const count = Math.ceil((messages ? sizeBytes / 16 : sizeBytes) / chunkBytes)
    const work = messages ? { ours: ourMessages, 'hash-wasm': theirMessages } : { ours, 'hash-wasm': theirs }
    const values = new Set()
    const contenders = Object.fromEntries(
      Object.entries(work).map(([who, checksum]) => [
        who,
        async () => {
          const before = process.cpuUsage()
          values.add(await checksum(chunk, count))
          const { user, system } = process.cpuUsage(before)
          if (values.size > 1) throw new Error(`CRC-64, ${name}: ours is not that of hash-wasm.`)
          return { megabytesPerSecond: (chunkBytes * count) / (user + system) }
        },
      ]),
    )
    // Uncounted: compiles.
    await alternate(1, contenders)
    results[name] = await alternate(rounds, contenders, (round, who, { megabytesPerSecond }) =>
      console.error(`crc64, ${name} ${round}: ${who}: ${megabytesPerSecond.toFixed(0)} MB/s`),
    )
  }
  return results
}

function ours(chunk, count) {
  const crc = createCrc64()
  for (let done = 0; done < count; done++) crc.update(chunk)
  return crc.value()
}

async function theirs(chunk, count) {
  const crc = (await createCRC64()).init()
  for (let done = 0; done < count; done++) crc.update(chunk)
  return BigInt(`0x${crc.digest('hex')}`)
}

function ourMessages(chunk, count) {
  let value
  for (let done = 0; done < count; done++) {
    const crc = createCrc64()
    crc.update(chunk)
    value = crc.value()
  }
  return value
}

async function theirMessages(chunk, count) {
  const crc = await createCRC64()
  let value
  for (let done = 0; done < count; done++) {
    crc.init()
    crc.update(chunk)
    value = BigInt(`0x${crc.digest('hex')}`)
  }
  return value
}
