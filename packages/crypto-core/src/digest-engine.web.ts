import { wipe } from './bytes.ts'
import { digestEngine as portable } from './digest-engine.noble.ts'
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

/** The digests of parts with WebCrypto. The engine of browsers and workers. Without WebCrypto it uses the portable engine. */
export const digestEngine: DigestEngine = {
  name: 'web',
  // WebCrypto has no synchronous hash. What is hashed is short.
  sha256: (bytes) => portable.sha256(bytes),
  start(contentKey) {
    // WebCrypto exists only in secure contexts.
    if (crypto.subtle === undefined) return portable.start(contentKey)
    const keys = deriveKeys(new Uint8Array(contentKey.cek), derivationSalt(contentKey.iv))
    // The first digest reports a rejection. Without a piece, it must not become an unhandled rejection.
    keys.catch(() => {})
    return {
      piece: (offsetBytes) =>
        collectedPiece(async (piece) => {
          const { hashKey, tagKey } = await keys
          // GMAC is the tag of GCM over associated data alone.
          const gmac = await crypto.subtle.encrypt(
            {
              name: 'AES-GCM',
              iv: pieceNonce(offsetBytes),
              additionalData: piece as Uint8Array<ArrayBuffer>,
              tagLength: 128,
            },
            hashKey,
            new Uint8Array(),
          )
          const message = pieceMessage(offsetBytes, piece.length, new Uint8Array(gmac))
          return new Uint8Array(await crypto.subtle.sign('HMAC', tagKey, message)).slice(0, DIGEST_BYTES)
        }),
      dispose() {},
    }
  },
}

async function deriveKeys(
  cek: Uint8Array<ArrayBuffer>,
  salt: Uint8Array<ArrayBuffer>,
): Promise<{ readonly hashKey: CryptoKey; readonly tagKey: CryptoKey }> {
  const imported = crypto.subtle.importKey('raw', cek, 'HKDF', false, ['deriveBits'])
  // WebCrypto has copied it.
  wipe(cek)
  const algorithm = { name: 'HKDF', hash: 'SHA-256', salt, info: new Uint8Array() }
  const derived = new Uint8Array(await crypto.subtle.deriveBits(algorithm, await imported, 8 * DERIVED_BYTES))
  try {
    const [hashKey, tagKey] = await Promise.all([
      crypto.subtle.importKey('raw', derived.subarray(0, DERIVED_BYTES / 2), 'AES-GCM', false, ['encrypt']),
      crypto.subtle.importKey(
        'raw',
        derived.subarray(DERIVED_BYTES / 2),
        { name: 'HMAC', hash: 'SHA-256' },
        false,
        ['sign'],
      ),
    ])
    return { hashKey, tagKey }
  } finally {
    wipe(derived)
  }
}
