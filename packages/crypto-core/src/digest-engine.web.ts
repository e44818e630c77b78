import { sha256 } from '@noble/hashes/sha2.js'
import { wipe } from './bytes.ts'
import {
  collectedPiece,
  DERIVED_BYTES,
  DIGEST_BYTES,
  type DigestEngine,
  derivationSalt,
  type PieceHasher,
  pieceMessage,
  pieceNonce,
} from './digest-engine.ts'
import type { ContentKey } from './ports.ts'

export type { DigestEngine, PieceHash, PieceHasher } from './digest-engine.ts'

/** The digests of parts with WebCrypto. The engine of browsers and workers. Without WebCrypto it loads the portable engine. */
export const digestEngine: DigestEngine = {
  name: 'web',
  // WebCrypto has no synchronous hash. What is hashed is short.
  sha256: (bytes) => sha256(bytes),
  start(contentKey) {
    // WebCrypto exists only in secure contexts.
    if (crypto.subtle === undefined) return portableHasher(contentKey)
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

/** Loads the portable engine: pages with WebCrypto do not need it. */
function portableHasher(contentKey: ContentKey): PieceHasher {
  // The caller may wipe its copy before the engine is there.
  const [cek, iv] = [Uint8Array.from(contentKey.cek), Uint8Array.from(contentKey.iv)]
  const started = import('./portable-engines.ts')
    .then(({ digestEngine: portable }) => portable.start({ cek, iv }))
    .finally(() => wipe(cek))
  // The first digest reports a rejection.
  started.catch(() => {})
  return {
    piece: (offsetBytes) =>
      collectedPiece(async (piece) => {
        const hash = (await started).piece(offsetBytes)
        hash.update(piece)
        return hash.digest()
      }),
    // After the digests that already wait.
    dispose: () => void started.then((hasher) => hasher.dispose()).catch(() => {}),
  }
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
