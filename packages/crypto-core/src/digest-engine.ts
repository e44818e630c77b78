import { concatBytes } from './bytes.ts'
import { BLOCK_BYTES } from './ctr-counter.ts'
import type { ContentKey } from './ports.ts'

/** The length in bytes of the digest of one piece, and of one part. */
export const DIGEST_BYTES = 16

/** The digest of one piece of ciphertext while its bytes arrive. */
export interface PieceHash {
  /** Takes the next bytes. They may change as soon as it returns. */
  update(chunk: Uint8Array): void
  /** Returns the digest of the piece: 16 bytes. It can be called once. */
  digest(): Uint8Array | Promise<Uint8Array>
}

/**
 * Digests pieces of one upload, under keys that are derived from its content key. The keys stay inside, and so does the
 * GMAC of a piece: the GMACs of two different pieces of one offset would reveal the key of the hash.
 */
export interface PieceHasher {
  /**
   * Starts the digest of one piece.
   *
   * @param offsetBytes - the offset in the object of the piece's first byte, a multiple of 16. It selects the nonce
   */
  piece(offsetBytes: number): PieceHash
  /** Forgets the keys. */
  dispose(): void
}

/** A runtime's implementation of the hashes behind the digests of parts. All return the same bytes. */
export interface DigestEngine {
  readonly name: 'node' | 'web' | 'noble'
  /** The SHA-256 of bytes in memory: 32 bytes. */
  sha256(bytes: Uint8Array): Uint8Array
  /**
   * Derives the keys of an upload: `HKDF-SHA256(CEK, salt, "")`, 64 bytes. The first half is the key of the GMAC, the
   * second half that of the HMAC. The caller may wipe the content key as soon as this returns.
   */
  start(contentKey: ContentKey): PieceHasher
}

/** The length in bytes of what is derived: a key of the GMAC and a key of the HMAC, 32 bytes each. */
export const DERIVED_BYTES = 64

/** The salt of the derivation: `"oss-cse part digest v1" ‖ 0x00 ‖ IV`. */
export function derivationSalt(iv: Uint8Array): Uint8Array<ArrayBuffer> {
  const label = new TextEncoder().encode('oss-cse part digest v1')
  const salt = new Uint8Array(label.length + 1 + iv.length)
  salt.set(label)
  salt.set(iv, label.length + 1)
  return salt
}

/** The nonce of the GMAC of a piece: `u32be(0) ‖ u64be(offset / 16)`. */
export function pieceNonce(offsetBytes: number): Uint8Array<ArrayBuffer> {
  const nonce = new Uint8Array(12)
  new DataView(nonce.buffer).setBigUint64(4, BigInt(offsetBytes / BLOCK_BYTES))
  return nonce
}

/** What the HMAC of a piece is computed of: `u64be(offset) ‖ u32be(length) ‖ GMAC`. */
export function pieceMessage(
  offsetBytes: number,
  sizeBytes: number,
  gmac: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(12 + gmac.length)
  const view = new DataView(message.buffer)
  view.setBigUint64(0, BigInt(offsetBytes))
  view.setUint32(8, sizeBytes)
  message.set(gmac, 12)
  return message
}

/** The hash of a piece for an engine that needs the whole piece at once. It holds a copy of the piece. */
export function collectedPiece(digest: (piece: Uint8Array) => Uint8Array | Promise<Uint8Array>): PieceHash {
  const chunks: Uint8Array[] = []
  return {
    update: (chunk) => {
      chunks.push(Uint8Array.from(chunk))
    },
    digest: () => digest(concatBytes(chunks)),
  }
}
