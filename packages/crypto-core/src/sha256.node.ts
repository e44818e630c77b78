import { createHash } from 'node:crypto'
import type { Sha256 } from './sha256.ts'

export type { Sha256 } from './sha256.ts'

/** Starts a SHA-256 with `node:crypto`. */
export async function createSha256(): Promise<Sha256> {
  const hash = createHash('sha256')
  return {
    update(chunk) {
      hash.update(chunk)
    },
    digest: () => Uint8Array.from(hash.digest()),
  }
}
