import { CseError, type ObjectBody, orAborted } from '@oss-cse/crypto-core'
import { isUint8Array, MAX_REQUEST_BYTES, type RunWatch } from '@oss-cse/crypto-core/internal'
import { invalidBody, sourceError, spentStream } from './body-errors.ts'
import { isDisturbed } from './disturbed-stream.ts'
import { isNodeStream, openNodeStream, takeNodeStream } from './node-stream.ts'
import { type FileRange, isFileRange } from './open-file.ts'
import { readBlob } from './read-blob.ts'

/**
 * What can be uploaded: bytes, text (as UTF-8), a Blob, a Web stream, a Node.js stream, any async iterable of bytes or
 * text, or a source that can be opened again for a retry. A stream is always read or closed, even when the upload
 * fails.
 */
export type BodyInput =
  | Uint8Array
  | string
  | Blob
  | ReadableStream<Uint8Array | string>
  | AsyncIterable<Uint8Array | string>
  | ReopenableBody

/** Bytes that can be opened again for a retry. */
export interface ReopenableBody extends ObjectBody {
  /** The same bytes in an open file, starting at an offset. A worker reads them there, faster than through `open`. */
  readonly file?: FileRange | undefined
  /** The same bytes as a Blob. In a browser, a worker reads them there, beside the thread of the page. */
  readonly blob?: Blob | undefined
  /**
   * Called when a worker starts to read `file`, without `open`. The function that it returns is called after the last
   * byte was read, and throws if the bytes may have changed meanwhile. Nothing is stored then.
   */
  watch?(): Promise<() => Promise<void>>
}

/** A body of any kind in the form that the bucket reads. */
export interface ByteSource extends ObjectBody {
  /** False for a stream that can be read only once, and so is never sent again. */
  readonly replayable: boolean
  /** See `ReopenableBody`. */
  readonly file?: FileRange | undefined
  /** See `ReopenableBody`. */
  readonly blob?: Blob | undefined
  /** See `ReopenableBody`. */
  watch?(): Promise<() => Promise<void>>
  /**
   * Reads the first bytes of a source that does not show whether it was read before. So a spent source is refused
   * before any request.
   */
  begin?(signal: AbortSignal | undefined): Promise<void>
  /** Closes a stream that was not read to its end, even while a read of its next chunk is pending. */
  discard?(): Promise<void>
}

/** Streams that were opened. A second upload of one would store only its remaining bytes, which are none. */
const spent = new WeakSet<object>()

/**
 * Turns a caller's body into a source.
 *
 * @param sizeBytes - the length of a stream, if the caller knows it
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a value that is not a body, a stream that was read before, or a
 * length that contradicts the body.
 */
export function byteSource(input: BodyInput, sizeBytes?: number): ByteSource {
  const source = recognize(input)
  try {
    return withLength(source, sizeBytes)
  } catch (error) {
    source.discard?.().catch(() => {})
    throw error
  }
}

function withLength(source: ByteSource, sizeBytes: number | undefined): ByteSource {
  if (sizeBytes !== undefined && (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0)) {
    throw invalidBody(`sizeBytes must be a length in bytes, not ${sizeBytes}`)
  }
  if (sizeBytes !== undefined && source.sizeBytes !== undefined && source.sizeBytes !== sizeBytes) {
    throw invalidBody(`the body has ${source.sizeBytes} bytes, but sizeBytes is ${sizeBytes}`)
  }
  const known = sizeBytes === undefined ? source : { ...source, sizeBytes }
  if (known.sizeBytes !== undefined && known.sizeBytes > MAX_REQUEST_BYTES) {
    throw invalidBody(
      `${known.sizeBytes} bytes are more than the ${MAX_REQUEST_BYTES} that one upload can hold`,
    )
  }
  return known
}

function recognize(input: BodyInput): ByteSource {
  if (typeof input === 'string') return bytesSource(new TextEncoder().encode(input))
  if (isUint8Array(input)) return bytesSource(input)
  if (typeof input !== 'object' || input === null) throw noBody()
  if ('arrayBuffer' in input && 'stream' in input && 'size' in input) {
    return { sizeBytes: input.size, replayable: true, open: () => readBlob(input), blob: input }
  }
  // Before the check for async iterables: a Web stream may be one too, and both ways read the same bytes.
  if ('getReader' in input) {
    if (input.locked || isDisturbed(input)) throw spentStream()
    return webSource(input)
  }
  // Before the check for `open`, which Node's file streams have too.
  if (isNodeStream(input)) {
    takeNodeStream(input)
    return oneShot(
      input,
      () => openNodeStream(input),
      async () => void input.destroy?.(),
    )
  }
  if (Symbol.asyncIterator in input) {
    if ('next' in input && typeof input.next === 'function') {
      return iteratorSource(input as typeof input & AsyncIterator<Uint8Array | string>)
    }
    return oneShot(
      input,
      () => input,
      async () => {},
    )
  }
  if ('open' in input && typeof input.open === 'function') {
    const { sizeBytes, file, blob } = input as ReopenableBody
    if (file !== undefined && !isFileRange(file)) {
      throw invalidBody('file must be { fd, sizeBytes, offsetBytes } with non-negative integers')
    }
    if (file !== undefined && sizeBytes === undefined)
      throw invalidBody('a body with a file needs sizeBytes too')
    const { watch } = input as ReopenableBody
    return {
      sizeBytes,
      replayable: true,
      open: () => input.open(),
      file,
      blob,
      ...(watch && { watch: watch.bind(input) }),
    }
  }
  throw noBody()
}

function webSource(input: ReadableStream<Uint8Array | string>): ByteSource {
  let reader: ReadableStreamDefaultReader<Uint8Array | string> | undefined
  async function* open(): AsyncGenerator<Uint8Array | string, void, undefined> {
    reader = input.getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  }
  // Through the reader: a locked stream can only be cancelled by its reader.
  return oneShot(input, open, () => (reader ?? input).cancel())
}

/** An ended generator looks like one that has not started. Only its first step shows the difference. */
function iteratorSource(
  input: AsyncIterable<Uint8Array | string> & AsyncIterator<Uint8Array | string>,
): ByteSource {
  let first: IteratorYieldResult<Uint8Array | string> | undefined
  // Not awaited: if a step is pending, `return` waits for it.
  const close = async (): Promise<void> => void Promise.resolve(input.return?.()).catch(() => {})
  async function* open(): AsyncGenerator<Uint8Array | string, void, undefined> {
    try {
      if (first !== undefined) yield first.value
      yield* input
    } finally {
      await close()
    }
  }
  return {
    ...oneShot(input, open, close),
    async begin(signal) {
      let step: IteratorResult<Uint8Array | string>
      try {
        step = await orAborted(Promise.resolve(input.next()), signal)
      } catch (cause) {
        signal?.throwIfAborted()
        throw sourceFailure(cause)
      }
      if (step.done) throw invalidBody(SPENT_ITERATOR)
      first = step
    },
  }
}

function bytesSource(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.length,
    replayable: true,
    async *open() {
      yield bytes
    },
  }
}

/**
 * A source that is read once.
 *
 * @param close - ends the stream, whether or not it is being read
 */
function oneShot(
  stream: object,
  open: () => AsyncIterable<Uint8Array | string>,
  close: () => Promise<void>,
): ByteSource {
  if (spent.has(stream)) throw spentStream()
  let ended = false
  async function* bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of open()) {
      // Code that gathers small chunks would keep pulling them after the reader has stopped.
      if (ended) return
      yield typeof chunk === 'string' ? encoder.encode(chunk) : chunk
    }
    ended = true
  }
  return {
    replayable: false,
    open() {
      if (spent.has(stream)) throw spentStream()
      spent.add(stream)
      return bytes()
    },
    async discard() {
      if (ended) return
      ended = true
      spent.add(stream)
      await close()
    },
  }
}

const encoder = new TextEncoder()

/**
 * Watches the bytes of a source on their way into a run. Throws when the source fails, returns something other than
 * bytes, or does not have its announced length: before the first excess byte is used, or at the end.
 */
export function sourceCheck({
  sizeBytes,
}: Pick<ByteSource, 'sizeBytes'>): Pick<RunWatch, 'onReceived' | 'onSourceEnd' | 'onSourceError'> {
  let received = 0
  return {
    onReceived(chunk: unknown) {
      if (!isUint8Array(chunk)) throw sourceError(`returned ${kindOf(chunk)} instead of bytes`)
      received += chunk.length
      if (sizeBytes !== undefined && received > sizeBytes)
        throw sourceError(`returned more than its ${sizeBytes} bytes`)
      if (received > MAX_REQUEST_BYTES) {
        throw sourceError(`returned more than the ${MAX_REQUEST_BYTES} bytes that one upload can hold`)
      }
    },
    onSourceEnd() {
      if (sizeBytes !== undefined && received < sizeBytes)
        throw sourceError(`ended after ${received} of its ${sizeBytes} bytes`)
    },
    onSourceError: sourceFailure,
  }
}

/** A source that stops when the signal aborts, even while no bytes arrive. */
export function abortableSource(source: ByteSource, signal: AbortSignal | undefined): ByteSource {
  if (signal === undefined) return source
  async function* open(): AsyncGenerator<Uint8Array, void, undefined> {
    const iterator = source.open()[Symbol.asyncIterator]()
    try {
      for (;;) {
        const step = await orAborted(iterator.next(), signal)
        if (step.done) return
        yield step.value
      }
    } finally {
      // Not awaited: a stalled source would not end either.
      void Promise.resolve(iterator.return?.()).catch(() => {})
    }
  }
  return { ...source, open }
}

/** The kind of a value, for an error: never its content. */
function kindOf(chunk: unknown): string {
  if (chunk === null || typeof chunk !== 'object') return chunk === null ? 'null' : `a ${typeof chunk}`
  return Array.isArray(chunk) ? 'an array' : 'an object'
}

function sourceFailure(cause: unknown): CseError {
  return CseError.isInstance(cause) ? cause : sourceError('failed', cause)
}

const SPENT_ITERATOR =
  'the iterator returned nothing: it was read before, or it is empty. Make a new one for each upload; an empty object is new Uint8Array()'

function noBody(): CseError {
  return invalidBody(
    'it must be bytes (Uint8Array), a string, a Blob, a stream or an async iterable of bytes',
  )
}
