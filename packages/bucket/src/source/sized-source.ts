import { CseError } from '@oss-cse/crypto-core'
import { isUint8Array } from '@oss-cse/crypto-core/internal'
import type { ReopenableBody } from './byte-source.ts'
import { isFileRange, type OpenFile } from './open-file.ts'
import { readBlob } from './read-blob.ts'

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
  /** The same bytes as a Blob. In a browser, a worker reads the parts of an upload there, beside the thread of the page. */
  readonly blob?: Blob | undefined
}

/** What can be uploaded in parts. */
export type SizedInput = Uint8Array | Blob | SizedSource

/** The state of a source at one moment. */
export interface SourceState {
  readonly fingerprint: string
  readonly mark: string
}

/** Returns the current state of a source. */
export async function stateOf(source: SizedSource): Promise<SourceState> {
  return { fingerprint: (await source.fingerprint?.()) ?? '', mark: (await source.changeMark?.()) ?? '' }
}

/** The error of a source that changed during its upload. */
export function changedMeanwhile(): CseError {
  return new CseError(
    'ERR_CSE_SOURCE_CHANGED',
    'The source changed while it was being uploaded. Nothing was stored: upload it again when nothing writes to it.',
  )
}

/**
 * All bytes of a source, as one body. Anyone who reads them gets an error after the last byte if the source changed during
 * the read, so that nothing is stored.
 */
export function wholeBody(source: SizedSource): ReopenableBody {
  const { sizeBytes, file } = source
  const watch = async (): Promise<() => Promise<void>> => {
    const begun = await stateOf(source)
    return async () => {
      const now = await stateOf(source)
      if (now.fingerprint !== begun.fingerprint || now.mark !== begun.mark) throw changedMeanwhile()
    }
  }
  async function* open(): AsyncGenerator<Uint8Array, void, undefined> {
    const check = await watch()
    yield* source.open(0, sizeBytes)
    await check()
  }
  return { sizeBytes, open, ...(file && { file: { ...file, offsetBytes: 0 } }), watch }
}

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
      open: (offsetBytes, sizeBytes) => readBlob(input.slice(offsetBytes, offsetBytes + sizeBytes)),
      blob: input,
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
