import type { ContentKey, ObjectBody, PartRange } from '@oss-cse/crypto-core'
import type { FileRange } from '../source/open-file.ts'
import type { EncryptedPart } from './encrypted-part.ts'
import type { RunTarget, WrittenListener } from './run-target.ts'

/**
 * Runs that a runtime does outside the caller's thread, because it can open the files of the run. Each runtime has its
 * own implementation; the `imports` of package.json select it.
 *
 * A method returns `undefined` if the run must be done in place.
 */
export interface FileRuns {
  /** Reads a part from its file, encrypts it into memory and digests the ciphertext. */
  encryptPart(range: PartRange, file: FileRange): Promise<EncryptedPart | undefined>
  /**
   * Decrypts a run of an object into a file.
   *
   * @param source - the ciphertext; it is opened again if the first attempt is lost
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
 * @param contentKey - returns the object's key each time it is copied for a run, and throws once it is wiped
 */
export type BindFileRuns = (contentKey: () => ContentKey) => FileRuns
