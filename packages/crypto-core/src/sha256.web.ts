import { createSHA256 } from 'hash-wasm'
import type { Sha256 } from './sha256.ts'

export type { Sha256 } from './sha256.ts'

/** Starts a SHA-256 with hash-wasm, because WebCrypto cannot take its input in pieces. */
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
