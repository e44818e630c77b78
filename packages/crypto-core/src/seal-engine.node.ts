import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
} from 'node:crypto'
import { wipe } from './bytes.ts'
import { freeBytes } from './free-bytes.ts'
import {
  mayBeSegment,
  prefixMessage,
  SEALED_KEY_BYTES,
  type SealEngine,
  saltMessage,
  sealedHeader,
  segmentNonce,
} from './seal-engine.ts'
import { TAG_BYTES } from './segment-plan.ts'

export type { SealEngine, SegmentCipher } from './seal-engine.ts'

const ALGORITHM = 'aes-256-gcm'
const OPTIONS = { authTagLength: TAG_BYTES }
/** See `cipherPieces` of the bucket: larger outputs of `update` cost more than the cipher. */
const PIECE_BYTES = 32 * 1024

/** Sealed objects with `node:crypto`, without promises. The engine of Node.js. */
export const sealEngine: SealEngine = {
  name: 'node',
  start({ cek, iv }, context) {
    const contentKey = createSecretKey(cek)
    const salt = hmac(contentKey, saltMessage(iv, context))
    const header = sealedHeader(salt, hmac(contentKey, prefixMessage(iv, context)))
    const derived = new Uint8Array(hkdfSync('sha256', contentKey, salt, context, SEALED_KEY_BYTES))
    const key = createSecretKey(derived)
    wipe(derived)
    return {
      header,
      seal(plaintext, index, last, sealed = new Uint8Array(plaintext.length + TAG_BYTES)) {
        const cipher = createCipheriv(ALGORITHM, key, segmentNonce(header, index, last), OPTIONS)
        updateInto(sealed, cipher, plaintext)
        cipher.final()
        sealed.set(cipher.getAuthTag(), plaintext.length)
        return sealed
      },
      open(sealed, index, last) {
        if (!mayBeSegment(sealed)) return undefined
        const end = sealed.length - TAG_BYTES
        const decipher = createDecipheriv(ALGORITHM, key, segmentNonce(header, index, last), OPTIONS)
        decipher.setAuthTag(sealed.subarray(end))
        const plaintext = new Uint8Array(end)
        updateInto(plaintext, decipher, sealed.subarray(0, end))
        try {
          decipher.final()
        } catch {
          wipe(plaintext)
          return undefined
        }
        return plaintext
      },
      // Node.js wipes the copy inside a KeyObject when it is collected.
      dispose() {},
    }
  },
}

function hmac(key: KeyObject, message: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(message).digest()
}

function updateInto(
  out: Uint8Array,
  cipher: { update(bytes: Uint8Array): Uint8Array },
  bytes: Uint8Array,
): void {
  for (let offset = 0; offset < bytes.length; offset += PIECE_BYTES) {
    const piece = cipher.update(bytes.subarray(offset, offset + PIECE_BYTES))
    out.set(piece, offset)
    freeBytes(piece)
  }
}
