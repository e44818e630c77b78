import { gcm } from '@noble/ciphers/aes.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { wipe } from './bytes.ts'
import {
  collectedPiece,
  DERIVED_BYTES,
  DIGEST_BYTES,
  type DigestEngine,
  derivationSalt,
  pieceMessage,
  pieceNonce,
} from './digest-engine.ts'

export type { DigestEngine, PieceHash, PieceHasher } from './digest-engine.ts'

/** The digests of parts in plain JavaScript. The engine of runtimes without the other two. */
export const digestEngine: DigestEngine = {
  name: 'noble',
  sha256: (bytes) => sha256(bytes),
  start({ cek, iv }) {
    const derived = hkdf(sha256, cek, derivationSalt(iv), new Uint8Array(), DERIVED_BYTES)
    const hashKey = derived.subarray(0, DERIVED_BYTES / 2)
    const tagKey = derived.subarray(DERIVED_BYTES / 2)
    return {
      piece: (offsetBytes) =>
        collectedPiece((piece) => {
          // GMAC is the tag of GCM over associated data alone.
          const gmac = gcm(hashKey, pieceNonce(offsetBytes), piece).encrypt(new Uint8Array())
          return hmac(sha256, tagKey, pieceMessage(offsetBytes, piece.length, gmac)).slice(0, DIGEST_BYTES)
        }),
      dispose: () => wipe(derived),
    }
  },
}
