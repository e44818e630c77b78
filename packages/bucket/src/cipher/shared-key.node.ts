import type { ContentKey } from '@oss-cse/crypto-core'
import { wipe } from '@oss-cse/crypto-core'
import type { SharedKey } from './file-cipher-messages.node.ts'

const CEK_BYTES = 32
const IV_BYTES = 16

/** Copies a content key into memory that another thread can read. A message would leave a copy that nobody can wipe. */
export function shareKey({ cek, iv }: ContentKey): SharedKey {
  const shared = new SharedArrayBuffer(CEK_BYTES + IV_BYTES)
  const bytes = new Uint8Array(shared)
  bytes.set(cek)
  bytes.set(iv, CEK_BYTES)
  return shared
}

/** Takes a content key out of shared memory, which is wiped. The result must be wiped too. */
export function takeShared(shared: SharedKey): ContentKey {
  const bytes = new Uint8Array(shared)
  const key = { cek: bytes.slice(0, CEK_BYTES), iv: bytes.slice(CEK_BYTES) }
  wipe(bytes)
  return key
}

/** Wipes a key that was shared. */
export function wipeShared(shared: SharedKey): void {
  wipe(new Uint8Array(shared))
}
