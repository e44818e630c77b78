import { digestEngine } from '@oss-cse/crypto-core/digest-engine'
import { concatBytes } from './bytes.ts'
import { checkContentKey } from './content-key.ts'
import { BLOCK_BYTES } from './ctr-counter.ts'
import { DIGEST_BYTES, type DigestEngine, type PieceHash, type PieceHasher } from './digest-engine.ts'
import { CseError } from './errors.ts'
import type { ContentKey } from './ports.ts'

/** The length in bytes of a piece, which has a digest of its own. The last piece of a part may be shorter. */
export const PIECE_BYTES: number = 1024 ** 2

/**
 * Digests the ciphertext of one part, piece by piece. Equal digests mean: what would be encrypted at this place of this
 * upload is the same as before. A different piece has the same digest with a probability of about 2^-112.
 *
 * Nobody without the content key can compute a digest or learn anything from it. It is no checksum of a file: another
 * upload of the same bytes has other digests.
 *
 * A method may return a promise, which must be awaited before the next call. On Node.js none does.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the content key has wrong lengths, or the offset is not a multiple of
 * 16: two pieces of one upload would have one nonce.
 */
export class PartDigester {
  readonly #hasher: PieceHasher
  readonly #digests: Uint8Array[] = []
  #piece: PieceHash | undefined
  /** The offset of the current piece, or of the next one. */
  #offsetBytes: number
  #pieceBytes = 0
  #ended = false

  /**
   * @param contentKey - the caller may wipe it as soon as the constructor returns
   * @param offsetBytes - the part's offset in the object
   * @param engine - another engine. Default: the one that the `exports` condition of the runtime selects
   */
  constructor(contentKey: ContentKey, offsetBytes: number, engine: DigestEngine = digestEngine) {
    checkContentKey(contentKey)
    if (!Number.isSafeInteger(offsetBytes) || offsetBytes < 0 || offsetBytes % BLOCK_BYTES !== 0) {
      throw new CseError(
        'ERR_CSE_INVALID_ARGUMENT',
        `The offset of a part must be a non-negative multiple of ${BLOCK_BYTES}, not ${offsetBytes}.`,
      )
    }
    this.#offsetBytes = offsetBytes
    this.#hasher = engine.start(contentKey)
  }

  /** Takes the next bytes of the part. They may change as soon as it has returned or resolved. */
  update(chunk: Uint8Array): void | Promise<void> {
    let rest = chunk
    while (rest.length > 0) {
      if (this.#pieceBytes === PIECE_BYTES) {
        const ended = this.endPiece()
        if (ended instanceof Promise) {
          const later = rest
          return ended.then(() => this.update(later))
        }
      }
      this.#piece ??= this.#start()
      const next = rest.subarray(0, PIECE_BYTES - this.#pieceBytes)
      this.#piece.update(next)
      this.#pieceBytes += next.length
      rest = rest.subarray(next.length)
    }
  }

  /**
   * Ends the current piece early, and returns its digest: 16 bytes. Only after a piece of 1 MiB can another one follow.
   */
  endPiece(): Uint8Array | Promise<Uint8Array> {
    if (this.#piece === undefined) throw new TypeError('No piece was begun.')
    const digest = this.#piece.digest()
    this.#ended = this.#pieceBytes < PIECE_BYTES
    this.#piece = undefined
    this.#offsetBytes += this.#pieceBytes
    this.#pieceBytes = 0
    if (digest instanceof Promise) return digest.then((bytes) => this.#keep(bytes))
    return this.#keep(digest)
  }

  /**
   * Ends the part, and forgets the keys.
   *
   * @returns the digests of all pieces, one after another, 16 bytes each. An empty part has none
   */
  digests(): Uint8Array | Promise<Uint8Array> {
    const last = this.#piece && this.endPiece()
    this.dispose()
    return last instanceof Promise ? last.then(() => concatBytes(this.#digests)) : concatBytes(this.#digests)
  }

  /** Forgets the keys. Can be called repeatedly, and must be if `digests` is not. */
  dispose(): void {
    this.#ended = true
    this.#hasher.dispose()
  }

  #start(): PieceHash {
    if (this.#ended) throw new TypeError('The part has ended.')
    return this.#hasher.piece(this.#offsetBytes)
  }

  #keep(digest: Uint8Array): Uint8Array {
    this.#digests.push(digest)
    return digest
  }
}

/**
 * Returns the digest of a part: the first 16 bytes of the SHA-256 of the digests of its pieces. A record of an upload
 * holds one of these for each part, whatever the length of the parts is.
 */
export function partDigest(pieceDigests: Uint8Array, engine: DigestEngine = digestEngine): Uint8Array {
  return engine.sha256(pieceDigests).slice(0, DIGEST_BYTES)
}
