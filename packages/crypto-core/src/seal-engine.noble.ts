import { gcm } from '@noble/ciphers/aes.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { wipe } from './bytes.ts'
import {
  mayBeSegment,
  prefixMessage,
  SEALED_KEY_BYTES,
  type SealEngine,
  saltMessage,
  sealedHeader,
  segmentNonce,
} from './seal-engine.ts'

export type { SealEngine, SegmentCipher } from './seal-engine.ts'

/** Sealed objects in plain JavaScript. The engine of runtimes without the other two, and the reference of the tests. */
export const sealEngine: SealEngine = {
  name: 'noble',
  start({ cek, iv }, context) {
    const salt = hmac(sha256, cek, saltMessage(iv, context))
    const header = sealedHeader(salt, hmac(sha256, cek, prefixMessage(iv, context)))
    const key = hkdf(sha256, cek, salt, context, SEALED_KEY_BYTES)
    return {
      header,
      seal: (plaintext, index, last) => gcm(key, segmentNonce(header, index, last)).encrypt(plaintext),
      open(sealed, index, last) {
        if (!mayBeSegment(sealed)) return undefined
        const cipher = gcm(key, segmentNonce(header, index, last))
        try {
          return cipher.decrypt(sealed)
        } catch {
          return undefined
        }
      },
      dispose: () => wipe(key),
    }
  },
}
