import { createCipheriv, createHash, createHmac, createSecretKey, hkdfSync } from 'node:crypto'
import { wipe } from './bytes.ts'
import {
  DERIVED_BYTES,
  DIGEST_BYTES,
  type DigestEngine,
  derivationSalt,
  pieceMessage,
  pieceNonce,
} from './digest-engine.ts'

export type { DigestEngine, PieceHash, PieceHasher } from './digest-engine.ts'

/** The digests of parts with `node:crypto`, without promises. The engine of Node.js. */
export const digestEngine: DigestEngine = {
  name: 'node',
  sha256: (bytes) => Uint8Array.from(createHash('sha256').update(bytes).digest()),
  start({ cek, iv }) {
    const derived = new Uint8Array(hkdfSync('sha256', cek, derivationSalt(iv), '', DERIVED_BYTES))
    // Node.js 24 is slow with a key in an array, once for each piece.
    const hashKey = createSecretKey(derived.subarray(0, DERIVED_BYTES / 2))
    const tagKey = createSecretKey(derived.subarray(DERIVED_BYTES / 2))
    wipe(derived)
    return {
      piece(offsetBytes) {
        // GMAC is the tag of GCM over associated data alone.
        const gmac = createCipheriv('aes-256-gcm', hashKey, pieceNonce(offsetBytes))
        let sizeBytes = 0
        return {
          update(chunk) {
            gmac.setAAD(chunk)
            sizeBytes += chunk.length
          },
          digest() {
            gmac.final()
            const message = pieceMessage(offsetBytes, sizeBytes, gmac.getAuthTag())
            const tag = createHmac('sha256', tagKey).update(message).digest()
            return Uint8Array.from(tag.subarray(0, DIGEST_BYTES))
          },
        }
      },
      // Node.js wipes the copy inside a KeyObject when it is collected.
      dispose() {},
    }
  },
}
