import { readSync, writeSync } from 'node:fs'

/** The number of bytes of a file that are read and encrypted at a time. */
export const READ_BYTES: number = 256 * 1024

const plaintext = new Uint8Array(READ_BYTES)

/**
 * Reads the next bytes of a file, at most `READ_BYTES`, into a buffer that all jobs of this thread share. None of them
 * keeps it.
 *
 * @throws what the system throws
 */
export function readAt(fd: number, positionBytes: number, most: number): Uint8Array {
  return plaintext.subarray(0, readSync(fd, plaintext, 0, Math.min(READ_BYTES, most), positionBytes))
}

/**
 * Writes all bytes into a file.
 *
 * @throws what the system throws
 */
export function writeAt(fd: number, bytes: Uint8Array, positionBytes: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, positionBytes + done)
  }
}
