import { CseError, type ObjectBody } from '@oss-cse/crypto-core'
import { readStream } from './read-stream.ts'

/**
 * What can be uploaded: bytes, text (as UTF-8), a Blob, a Web stream, any async iterable of bytes (a Node.js
 * Readable is one), or a source that can be opened again for a retry.
 */
export type BodyInput =
  | Uint8Array
  | string
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | ObjectBody

/** A body of any kind as the bucket reads it. */
export interface ByteSource extends ObjectBody {
  /** False for a stream that can be read only once, and so never sent again. */
  readonly replayable: boolean
}

/** The most bytes that one upload can hold: the service's limit. */
const MAX_UPLOAD_BYTES = 5 * 1024 ** 3

/** How much of an array in memory is handed on at a time, in bytes. */
const SLICE_BYTES = 1024 * 1024

/**
 * Turns a caller's body into a source.
 *
 * @param sizeBytes - the length of a stream, when the caller knows it
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for anything that is not a body, or a length that contradicts it.
 */
export function byteSource(input: BodyInput, sizeBytes?: number): ByteSource {
  if (sizeBytes !== undefined && (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0)) {
    throw invalid(`sizeBytes must be a length in bytes, not ${sizeBytes}`)
  }
  const source = recognize(input)
  if (sizeBytes !== undefined && source.sizeBytes !== undefined && source.sizeBytes !== sizeBytes) {
    throw invalid(`the body has ${source.sizeBytes} bytes, sizeBytes says ${sizeBytes}`)
  }
  const known = sizeBytes === undefined ? source : { ...source, sizeBytes }
  if (known.sizeBytes !== undefined && known.sizeBytes > MAX_UPLOAD_BYTES) {
    throw invalid(`${known.sizeBytes} bytes are more than the ${MAX_UPLOAD_BYTES} that one upload can hold`)
  }
  return known
}

function recognize(input: BodyInput): ByteSource {
  if (typeof input === 'string') return bytesSource(new TextEncoder().encode(input))
  if (input instanceof Uint8Array) return bytesSource(input)
  if (typeof Blob !== 'undefined' && input instanceof Blob) {
    return { sizeBytes: input.size, replayable: true, open: () => readStream(input.stream()) }
  }
  if (typeof input === 'object' && input !== null) {
    // A Web stream comes first: where it is async-iterable too, both ways read the same bytes.
    if ('getReader' in input) return oneShot(() => readStream(input))
    // Before `open`, which Node's file streams have too.
    if (Symbol.asyncIterator in input) return oneShot(() => input)
    if ('open' in input && typeof input.open === 'function') {
      const { sizeBytes } = input
      return { ...(sizeBytes !== undefined && { sizeBytes }), replayable: true, open: () => input.open() }
    }
  }
  throw invalid('a body is bytes (Uint8Array), a string, a Blob, a stream or an async iterable of bytes')
}

function bytesSource(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.length,
    replayable: true,
    async *open() {
      for (let offset = 0; offset < bytes.length; offset += SLICE_BYTES) {
        yield bytes.subarray(offset, offset + SLICE_BYTES)
      }
    },
  }
}

function oneShot(open: () => AsyncIterable<Uint8Array>): ByteSource {
  return { replayable: false, open }
}

/**
 * Hands the source's bytes on, and fails where it fails, gives something that is not bytes, or does not have the
 * length it announced: before the first byte too many, or at the end.
 */
export async function* checkedSource(source: ByteSource): AsyncGenerator<Uint8Array, void, undefined> {
  const { sizeBytes } = source
  let sent = 0
  try {
    for await (const chunk of source.open()) {
      if (!(chunk instanceof Uint8Array)) throw sourceError('gave something that is not a Uint8Array')
      sent += chunk.length
      if (sizeBytes !== undefined && sent > sizeBytes)
        throw sourceError(`gave more than its ${sizeBytes} bytes`)
      if (sent > MAX_UPLOAD_BYTES) {
        throw sourceError(`gave more than the ${MAX_UPLOAD_BYTES} bytes that one upload can hold`)
      }
      yield chunk
    }
  } catch (cause) {
    throw CseError.isInstance(cause) ? cause : sourceError('failed', cause)
  }
  if (sizeBytes !== undefined && sent < sizeBytes)
    throw sourceError(`ended after ${sent} of its ${sizeBytes} bytes`)
}

function sourceError(what: string, cause?: unknown): CseError {
  return new CseError('ERR_CSE_SOURCE', `The source of the upload ${what}.`, { cause })
}

function invalid(why: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `Invalid body: ${why}.`)
}
