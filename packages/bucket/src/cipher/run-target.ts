import type { CseError } from '@oss-cse/crypto-core'
import type { OpenFile } from '../source/open-file.ts'

/** Called with the bytes of a run that were written so far. It starts over when the run does. */
export type WrittenListener = (writtenBytes: number) => void

/** A file that takes decrypted bytes. */
export interface WritableFile extends OpenFile {
  /** The error of a write that failed with a system's code. */
  failure(cause: unknown): CseError
}

/** Where a run's bytes go, each at its offset in the object. */
export interface RunTarget {
  write(chunk: Uint8Array, offsetBytes: number): Promise<void>
  /** The open file behind `write`, when there is one: a worker writes into it by itself. */
  readonly file?: WritableFile | undefined
}
