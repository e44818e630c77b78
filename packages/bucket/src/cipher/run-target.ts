import type { CseError } from '@oss-cse/crypto-core'
import type { OpenFile } from '../source/open-file.ts'

/** Called with the number of bytes of a run that were written so far. Starts at zero again when the run restarts. */
export type WrittenListener = (writtenBytes: number) => void

/** A file that receives decrypted bytes. */
export interface WritableFile extends OpenFile {
  /** Returns the error of a failed write, from the system's error. */
  failure(cause: unknown): CseError
}

/** The target of a run's bytes, each at its offset in the object. */
export interface RunTarget {
  /**
   * Writes the next bytes of a run.
   *
   * @param chunk - a target without a `file` may keep it. One with a `file` must not use it after it has resolved
   */
  write(chunk: Uint8Array, offsetBytes: number): Promise<void>
  /** The open file behind `write`, if there is one. A worker writes into it directly. */
  readonly file?: WritableFile | undefined
}
