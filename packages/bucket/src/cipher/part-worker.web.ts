import { type PartRange, wipe } from '@oss-cse/crypto-core'
import { CEK_BYTES, DerivedKey } from '@oss-cse/crypto-core/internal'
import type { ByteSource } from '../source/byte-source.ts'
import { readBlob } from '../source/read-blob.ts'
import { encryptingPass } from './encrypted-part.ts'
import type { EncryptedBlobPart, PartJob, PartJobResult } from './part-worker-messages.web.ts'
import { sealingPass } from './sealed-part.ts'

/** Sends a result to the page. */
function post(result: PartJobResult, transfer: Transferable[] = []): void {
  self.postMessage(result, { transfer })
}

async function run({ id, ...job }: PartJob): Promise<void> {
  try {
    const part = await encrypt(job)
    post({ id, part }, [part.buffer])
  } catch {
    post({ id })
  }
}

async function encrypt({ blob, range, key, sealedContext }: Omit<PartJob, 'id'>): Promise<EncryptedBlobPart> {
  const contentKey = { cek: new Uint8Array(key, 0, CEK_BYTES), iv: new Uint8Array(key, CEK_BYTES) }
  const source: ByteSource = { sizeBytes: blob.size, replayable: true, open: () => readBlob(blob) }
  try {
    if (sealedContext === undefined) {
      const { ciphertext, digests } = encryptingPass(source, range, contentKey)
      const buffer = await gathered(ciphertext, range)
      const { pieceDigests, crc64 } = digests()
      return { buffer, digests: pieceDigests, crc64 }
    }
    const derived = await DerivedKey.derive(contentKey, sealedContext)
    try {
      const { stored, result } = sealingPass(source, { range, cipher: () => derived.use() })
      const buffer = await gathered(stored, range)
      const { tags, crc64 } = result()
      return { buffer, digests: tags, crc64 }
    } finally {
      derived.close()
    }
  } finally {
    wipe(new Uint8Array(key))
  }
}

/** Puts the bytes of a part into one buffer, which can be transferred. */
async function gathered(chunks: AsyncIterable<Uint8Array>, { storedBytes }: PartRange): Promise<ArrayBuffer> {
  const bytes = new Uint8Array(storedBytes)
  let length = 0
  for await (const chunk of chunks) {
    bytes.set(chunk, length)
    length += chunk.length
  }
  return bytes.buffer
}

self.onmessage = ({ data }: MessageEvent<PartJob>): void => void run(data)
self.postMessage('ready')
