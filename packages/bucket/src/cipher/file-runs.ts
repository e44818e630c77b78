import type { ContentKey, PartRange, PutObjectResponse, WorkerSide } from '@oss-cse/crypto-core'
import type { RangeBody } from '../requests/requestable-range.ts'
import type { ByteSource } from '../source/byte-source.ts'
import type { OpenFile } from '../source/open-file.ts'
import type { EncryptedPart, SendOptions } from './encrypted-part.ts'
import type { RunTarget, WrittenListener } from './run-target.ts'
import type { SealedSegments } from './sealed-segments.ts'

/** Options of sending a file. */
export interface SendFileOptions extends SendOptions {
  /** Called with the CRC-64 of the ciphertext when the file was read to its end, before the last byte leaves. */
  onEnd(crc64: bigint): void
}

/** Where a worker can read a part itself. */
type PartOrigin = Pick<ByteSource, 'file' | 'blob'>

/**
 * Runs that a runtime does outside the caller's thread, because it can read or write the run's
 * files there. Each runtime has its
 * own implementation; the `imports` of package.json select it.
 *
 * A method returns `undefined` if the run must be done in place.
 */
export interface FileRuns {
  /** Whether a file is worth a worker. */
  isLarge(file: OpenFile): boolean
  /** See `ObjectCipher.send`. */
  send(source: ByteSource, side: WorkerSide, options: SendFileOptions): Promise<PutObjectResponse | undefined>
  /**
   * Reads a part from its file or Blob, encrypts it into memory and digests the ciphertext.
   *
   * @param options - `sends`: whether the part should be able to send itself (`EncryptedPart.send`)
   */
  encryptPart(
    range: PartRange,
    source: PartOrigin,
    options: { readonly sends: boolean },
  ): Promise<EncryptedPart | undefined>
  /**
   * Requests whole segments of a sealed object and opens them into a file.
   *
   * @returns the digest of the segments
   */
  openInto(
    source: RangeBody,
    target: RunTarget,
    sealed: SealedSegments,
    onWritten: WrittenListener,
  ): Promise<Uint8Array | undefined>
  /**
   * Decrypts a run of an object into a file.
   *
   * @param source - the ciphertext. It is opened again if the first attempt is lost, or never if a worker requests it
   * @returns the CRC-64 of the ciphertext
   */
  decryptInto(
    source: RangeBody,
    target: RunTarget,
    run: { readonly offsetBytes: number; readonly onWritten: WrittenListener },
  ): Promise<bigint | undefined>
}

/**
 * Binds the runs to one object.
 *
 * @param contentKey - returns the object's key each time it is copied for a run, and throws once it is wiped
 * @param most - the most workers to use. Absent: what the runtime does by default
 * @param sealedContext - the context of a sealed object, see `encodeContext`. Absent: its format is AES-CTR
 */
export type BindFileRuns = (
  contentKey: () => ContentKey,
  most: number | undefined,
  sealedContext?: Uint8Array,
) => FileRuns
