import { type AesCtrKeystream, type ContentKey, wipe } from '@oss-cse/crypto-core'
import { keystreamAt } from '@oss-cse/crypto-core/internal'
import type { SharedKey } from './file-cipher-messages.node.ts'
import { takeShared } from './shared-key.node.ts'

/** The keystream of Node.js at an offset of the object. The caller may wipe the key at once. */
export function keystreamFor(contentKey: ContentKey, offsetBytes: number): AesCtrKeystream {
  const { keystream, skipBytes } = keystreamAt(contentKey, offsetBytes)
  if (skipBytes > 0) keystream.update(new Uint8Array(skipBytes))
  return keystream
}

/** The same of a shared key, which is wiped. */
export function startedKeystream(key: SharedKey, offsetBytes: number): AesCtrKeystream {
  const contentKey = takeShared(key)
  try {
    return keystreamFor(contentKey, offsetBytes)
  } finally {
    wipe(contentKey.cek, contentKey.iv)
  }
}
