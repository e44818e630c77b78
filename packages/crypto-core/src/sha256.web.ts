import { createSHA256 } from 'hash-wasm'
import type { Sha256 } from './sha256.ts'

export type { Sha256 } from './sha256.ts'

/** Makes a running SHA-256, by hash-wasm: WebCrypto has none that takes its input piece by piece. */
export async function createSha256(): Promise<Sha256> {
  const hasher = await createSHA256()
  hasher.init()
  return {
    update(chunk) {
      hasher.update(chunk)
    },
    digest: () => hasher.digest('binary'),
  }
}
