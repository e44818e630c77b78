import { createCrc64 } from '@oss-cse/crypto-core/internal'
import { createCRC64 } from 'hash-wasm'
import { alternate, median } from '../alternate.js'
import { figureRow, ratioRow } from '../rows.js'

const TARGET_MB_PER_SECOND = 4000
const CHUNK_KIB = [256, 1024]

/**
 * The checksum, against hash-wasm. Others on npm, not measured here: node-crc 3.0.2 (native, by
 * napi-rs) and crc64-ecma182.js 2.0.2 (plain JavaScript).
 */
export async function crc64({ runs, sizes, log }) {
  const rows = []
  const samples = {}
  for (const kib of CHUNK_KIB) {
    const chunk = new Uint8Array(kib * 1024).fill(1)
    const chunks = sizes.checksumBytes / chunk.length
    const timed = async (crc) => {
      const began = performance.now()
      for (let done = 0; done < chunks; done++) crc.update(chunk)
      return { seconds: (performance.now() - began) / 1000 }
    }
    const contenders = {
      plain: async () => timed((await createCRC64()).init()),
      ours: async () => timed(createCrc64()),
    }
    // Uncounted: compiles.
    await alternate(1, contenders)
    const measured = await alternate(runs, contenders, log(`crc64 ${kib} KiB`))
    const value = ({ seconds }) => sizes.checksumBytes / seconds / 1e6
    const what = `CRC-64, chunks of ${kib} KiB`
    rows.push(
      figureRow({
        what: `${what}: createCrc64`,
        unit: 'MB/s',
        ours: median(measured['ours'].map(value)),
        atLeast: TARGET_MB_PER_SECOND,
      }),
      ratioRow({
        what: `${what}: hash-wasm, createCrc64`,
        unit: 'MB/s',
        baseline: measured['plain'],
        ours: measured['ours'],
        value,
      }),
    )
    samples[`${kib} KiB`] = measured
  }
  return { rows, samples }
}
