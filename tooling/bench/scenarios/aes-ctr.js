import { createCipheriv } from 'node:crypto'
import { CtrCipher, generateCek } from '@oss-cse/crypto-core'
import { generateIv } from '@oss-cse/crypto-core/internal'
import { alternate } from '../alternate.js'
import { ratioRow } from '../rows.js'

const CHUNK_BYTES = 1024 * 1024

/** The cipher of this package against the one that it is made of. */
export async function aesCtr({ runs, sizes, log }) {
  const chunk = new Uint8Array(CHUNK_BYTES).fill(1)
  const chunks = sizes.cipherBytes / CHUNK_BYTES
  const contenders = {
    plain: () =>
      timed(async () => {
        const cipher = createCipheriv('aes-256-ctr', generateCek(), generateIv())
        for (let done = 0; done < chunks; done++) cipher.update(chunk)
      }),
    ours: () =>
      timed(async () => {
        const cipher = new CtrCipher({ cek: generateCek(), iv: generateIv() })
        for await (const _ of cipher.transform(repeated(chunk, chunks)));
      }),
  }
  // Uncounted: compiles.
  await alternate(1, contenders)
  const samples = await alternate(runs, contenders, log('aes-ctr'))
  const row = ratioRow({
    what: 'AES-256-CTR, chunks of 1 MiB: node:crypto, CtrCipher',
    unit: 'MB/s',
    baseline: samples['plain'],
    ours: samples['ours'],
    value: ({ seconds }) => sizes.cipherBytes / seconds / 1e6,
    atLeast: 0.95,
  })
  return { rows: [row], samples }
}

async function* repeated(chunk, count) {
  for (let done = 0; done < count; done++) yield chunk
}

async function timed(work) {
  const began = performance.now()
  await work()
  return { seconds: (performance.now() - began) / 1000 }
}
