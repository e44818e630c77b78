import { type ContentKey, wipe } from '@oss-cse/crypto-core'
import {
  type Crc64,
  createCrc64,
  PartDigester,
  partDigest,
  SEGMENT_BYTES,
  type SegmentSealer,
  sealedPartDigest,
  startSealer,
  TAG_BYTES,
} from '@oss-cse/crypto-core/internal'
import { cipherPieces } from './cipher-pieces.node.ts'
import type { FilePart, SharedKey } from './file-cipher-messages.node.ts'
import type { SealedFileRun } from './sealed-segments.ts'
import { takeShared } from './shared-key.node.ts'
import { READ_BYTES, readAt } from './thread-files.node.ts'
import { keystreamFor } from './thread-keystream.node.ts'

/** The file has fewer bytes than the range. */
export class EndedEarly extends Error {
  /** The number of bytes that it had. */
  readonly afterBytes: number

  constructor(afterBytes: number) {
    super('the file ended early')
    this.afterBytes = afterBytes
  }
}

/** Options of a pass. */
interface FilePassOptions {
  /** Whether to compute the digest of a part. */
  readonly digest: boolean
  /** Reads the file, see `readAt`. */
  readonly read?: typeof readAt
}

/**
 * One pass over a range of a file: reads it piece by piece, and encrypts each piece in the format of the object. Nothing in
 * it waits. Each byte of the file is read once.
 */
export class FilePass {
  readonly #part: FilePart
  readonly #cipher: PieceCipher
  readonly #read: typeof readAt
  readonly #crc64: Crc64 = createCrc64()
  #readBytes = 0
  #ended = false

  /** @param key - it is wiped, even if this throws */
  constructor(part: FilePart, key: SharedKey, { digest, read = readAt }: FilePassOptions) {
    const { sealed, offsetBytes } = part
    this.#part = part
    this.#read = read
    const contentKey = takeShared(key)
    try {
      this.#cipher =
        sealed === undefined
          ? ctrPieces(contentKey, offsetBytes, digest)
          : sealedPieces(contentKey, sealed, digest)
    } finally {
      wipe(contentKey.cek, contentKey.iv)
    }
  }

  /** Whether the whole range was encrypted. */
  get ended(): boolean {
    return this.#ended
  }

  /**
   * Encrypts the next piece. Must not be called after the end.
   *
   * @param out - room for the piece: at most `READ_BYTES`
   * @returns the stored bytes of the piece, at the start of `out`
   * @throws EndedEarly before anything of the piece is encrypted; what `read` throws
   */
  next(out: Uint8Array): Uint8Array {
    const { fd, positionBytes, sizeBytes } = this.#part
    const pieceBytes = Math.min(this.#cipher.pieceBytes, sizeBytes - this.#readBytes)
    const plaintext = this.#read(fd, positionBytes + this.#readBytes, pieceBytes)
    this.#readBytes += plaintext.length
    if (plaintext.length < pieceBytes) throw new EndedEarly(this.#readBytes)
    const ended = this.#readBytes === sizeBytes
    const stored = this.#cipher.encrypt(plaintext, ended, out)
    this.#crc64.update(stored)
    this.#ended = ended
    return stored
  }

  /** The CRC-64 of the stored bytes so far. */
  crc64(): bigint {
    return this.#crc64.value()
  }

  /** The digest of the part, once, after its end. */
  digest(): Uint8Array {
    return this.#cipher.digest()
  }

  /** Forgets the key. Can be called repeatedly. */
  dispose(): void {
    this.#cipher.dispose()
  }
}

/** Encrypts the pieces of a range, in their order. */
interface PieceCipher {
  /** The length of the next piece in bytes of plaintext. Only the last one is shorter. */
  readonly pieceBytes: number
  /**
   * @param ended - whether the range ends with it
   * @returns its stored bytes, at the start of `out`
   */
  encrypt(plaintext: Uint8Array, ended: boolean, out: Uint8Array): Uint8Array
  digest(): Uint8Array
  dispose(): void
}

function ctrPieces(contentKey: ContentKey, offsetBytes: number, digest: boolean): PieceCipher {
  const digester = digest ? new PartDigester(contentKey, offsetBytes) : undefined
  const keystream = keystreamFor(contentKey, offsetBytes)
  return {
    pieceBytes: READ_BYTES,
    encrypt(plaintext, _ended, out) {
      const ciphertext = out.subarray(0, plaintext.length)
      cipherPieces(keystream, plaintext, (piece, offset) => ciphertext.set(piece, offset))
      // On Node.js it returns no promise.
      void digester?.update(ciphertext)
      return ciphertext
    },
    digest: () => partDigest((digester as PartDigester).digests() as Uint8Array),
    dispose() {
      keystream.dispose()
      digester?.dispose()
    },
  }
}

/** The segments of a piece. Their stored bytes are at most `READ_BYTES`. */
const PIECE_SEGMENTS = READ_BYTES / SEGMENT_BYTES

function sealedPieces(contentKey: ContentKey, sealed: SealedFileRun, tags: boolean): PieceCipher {
  const { context, ...run } = sealed
  // On Node.js it returns no promise.
  const sealer = startSealer({ contentKey, context }, { ...run, tags }) as SegmentSealer
  return {
    get pieceBytes() {
      return sealer.segmentBytes + (PIECE_SEGMENTS - 1) * (SEGMENT_BYTES - TAG_BYTES)
    },
    encrypt(plaintext, ended, out) {
      let rest = plaintext
      let storedBytes = 0
      do {
        const segment = rest.subarray(0, sealer.segmentBytes)
        rest = rest.subarray(segment.length)
        const stored = sealer.seal(segment, ended && rest.length === 0, out.subarray(storedBytes))
        storedBytes += (stored as Uint8Array).length
      } while (rest.length > 0)
      return out.subarray(0, storedBytes)
    },
    digest: () => sealedPartDigest(sealer.tags()),
    dispose: () => sealer.dispose(),
  }
}
