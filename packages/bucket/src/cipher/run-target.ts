import type { ByteChunks, CseError } from '@oss-cse/crypto-core'
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

/**
 * Writes the bytes of a run into a target.
 *
 * @param offsetBytes - the offset in the object of the first byte
 */
export async function writeInto(
  bytes: ByteChunks,
  target: RunTarget,
  offsetBytes: number,
  onWritten: WrittenListener,
): Promise<void> {
  let writtenBytes = 0
  for await (const chunk of bytes) {
    const { length } = chunk
    await target.write(chunk, offsetBytes + writtenBytes)
    // Any other target may keep the chunk.
    if (target.file !== undefined) bytes.recycle?.(chunk)
    writtenBytes += length
    onWritten(writtenBytes)
  }
}
