import { CseError } from '@oss-cse/crypto-core'
import { isUint8Array } from '@oss-cse/crypto-core/internal'
import { isFileRange, type OpenFile } from './open-file.ts'
import { readStream } from './read-stream.ts'

/** Bytes of a known length that can be opened at any offset, any number of times. */
export interface SizedSource {
  readonly sizeBytes: number
  /** Opens a range of the bytes. */
  open(offsetBytes: number, sizeBytes: number): AsyncIterable<Uint8Array>
  /** Identifies the source, such as a file's absolute path. A checkpoint is found by it. */
  readonly identity?: string | undefined
  /** Differs when the source changed, such as a file's times. Read when an upload starts and before it is completed. */
  fingerprint?(): Promise<string>
  /**
   * Differs when the source may have changed even though its fingerprint is the same. The sent parts are then compared
   * with the source again before the upload is completed.
   */
  changeMark?(): Promise<string>
  /** The open file that holds the bytes, from its start. A worker reads them there, faster than through `open`. */
  readonly file?: OpenFile | undefined
}

/** What can be uploaded in parts. */
export type SizedInput = Uint8Array | Blob | SizedSource

/**
 * Turns a caller's source into one that can be opened at any offset.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for anything else: a stream has no known length and can be read only
 * once.
 */
export function sizedSource(input: SizedInput): SizedSource {
  if (isUint8Array(input)) {
    return {
      sizeBytes: input.length,
      async *open(offsetBytes, sizeBytes) {
        yield input.subarray(offsetBytes, offsetBytes + sizeBytes)
      },
    }
  }
  if (typeof input === 'object' && input !== null && 'arrayBuffer' in input && 'stream' in input) {
    return {
      sizeBytes: input.size,
      open: (offsetBytes, sizeBytes) =>
        readStream(input.slice(offsetBytes, offsetBytes + sizeBytes).stream()),
    }
  }
  const { sizeBytes, open, file } = (input ?? {}) as Partial<SizedSource>
  if (typeof open !== 'function' || !Number.isSafeInteger(sizeBytes) || (sizeBytes as number) < 0) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      'An upload in parts takes bytes, a Blob or { sizeBytes, open(offsetBytes, sizeBytes) }. Upload a stream with put.',
    )
  }
  if (file !== undefined && !isFileRange({ ...file, offsetBytes: 0 })) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      'The file of an upload must be { fd, sizeBytes } with non-negative integers.',
    )
  }
  return input
}
