import { readSync, writeSync } from 'node:fs'

/** The number of bytes of a file that are read and encrypted at a time. */
export const READ_BYTES: number = 256 * 1024

const plaintext = new Uint8Array(READ_BYTES)

/**
 * Reads the next bytes of a file into a buffer that all jobs of this thread share. None of them keeps it.
 *
 * @param sizeBytes - at most `READ_BYTES`
 * @returns the bytes. Fewer only where the file ends
 * @throws what the system throws
 */
export function readAt(fd: number, positionBytes: number, sizeBytes: number): Uint8Array {
  let done = 0
  while (done < sizeBytes) {
    const read = readSync(fd, plaintext, done, sizeBytes - done, positionBytes + done)
    if (read === 0) break
    done += read
  }
  return plaintext.subarray(0, done)
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
