import type { ContentKey, ObjectBody, PartRange } from '@oss-cse/crypto-core'
import type { FileRange } from '../source/open-file.ts'
import type { EncryptedPart } from './encrypted-part.ts'
import type { RunTarget, WrittenListener } from './run-target.ts'

/**
 * Runs that a runtime does away from the caller's thread, because it can open what the run describes. There is one
 * implementation for each runtime; the `imports` of package.json choose it.
 *
 * A method returns `undefined` where the run must be done in place.
 */
export interface FileRuns {
  /** Reads a part from its file, encrypts it into memory and digests the ciphertext. */
  encryptPart(range: PartRange, file: FileRange): Promise<EncryptedPart | undefined>
  /**
   * Decrypts a run of an object into a file.
   *
   * @param source - the ciphertext; it is opened again when the first attempt is lost
   * @returns the CRC-64 of the ciphertext
   */
  decryptInto(
    source: ObjectBody,
    target: RunTarget,
    run: { readonly offsetBytes: number; readonly onWritten: WrittenListener },
  ): Promise<bigint | undefined>
}

/**
 * Binds the runs to one object.
 *
 * @param contentKey - returns the object's key at the moment it is copied for a run, and throws once it was wiped
 */
export type BindFileRuns = (contentKey: () => ContentKey) => FileRuns
