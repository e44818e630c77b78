import type { AesCtrKeystream } from '@oss-cse/crypto-core'
import { freeBytes } from '@oss-cse/crypto-core/internal'

/**
 * Node.js allocates the output of each call of the cipher. The C library keeps memory of this size when it is freed, and
 * it fits into the cache of a core. More is unmapped and mapped again for each call, which takes longer than the cipher.
 */
const PIECE_BYTES = 32 * 1024

/**
 * Passes bytes through a keystream of Node.js, piece by piece.
 *
 * @param use - gets each piece of the output and its offset. The piece is freed afterwards
 */
export function cipherPieces(
  keystream: AesCtrKeystream,
  bytes: Uint8Array,
  use: (piece: Uint8Array, offsetBytes: number) => void,
): void {
  for (let offset = 0; offset < bytes.length; offset += PIECE_BYTES) {
    const piece = keystream.update(bytes.subarray(offset, offset + PIECE_BYTES)) as Uint8Array
    use(piece, offset)
    freeBytes(piece)
  }
}
