import {
  type ByteRange,
  type CallOptions,
  type ContentKey,
  CseError,
  checkRange,
  type GetObjectResponse,
  type HeaderMap,
  sliceAnswer,
  wipe,
} from '@oss-cse/crypto-core'
import { type CipherRun, startCipherRun } from '@oss-cse/crypto-core/cipher-run'
import { aboutObject } from './about-object.ts'
import type { BucketContext, PlainObjectPolicy } from './bucket-context.ts'
import { describeObject, type ObjectDescription } from './head-object.ts'
import { type GetSource, ObjectRequests } from './object-requests.ts'
import { openAnswer } from './opened-answer.ts'
import { callerHeaders } from './request-headers.ts'
import { closeIterator, ResumedRead } from './resumed-read.ts'
import { withRetries } from './retry.ts'

/** What may go with the opening of an object. */
export interface OpenOptions extends CallOptions {
  /** One version of the object, in a versioned bucket. */
  readonly versionId?: string | undefined
  /** Any other header that the service understands: conditions, request payer, traffic limit… */
  readonly headers?: HeaderMap | undefined
  /** Default: the bucket's. */
  readonly onPlainObject?: PlainObjectPolicy | undefined
  /**
   * The range that will be read first: the object is then opened by that request. Absent: by a HEAD.
   */
  readonly firstRange?: { readonly start: number; readonly end: number } | undefined
}

/** A run of an object's bytes on its way. Read it to the end, or return its iterator. */
export interface RangeRead extends AsyncIterable<Uint8Array> {
  /** The CRC-64 of the run's ciphertext, once its last byte was read. */
  ciphertextCrc64(): bigint | undefined
}

interface ReaderParts {
  readonly context: BucketContext
  readonly source: GetSource
  readonly description: ObjectDescription
  readonly sizeBytes: number
  readonly contentKey: ContentKey | undefined
  readonly headers: HeaderMap
  readonly first: { readonly range: ByteRange; readonly response: GetObjectResponse } | undefined
}

/**
 * One state of one object, opened once: its key unwrapped, any range of it to be read, also several at a time. Every
 * request carries If-Match, so that all bytes are of the same object.
 *
 * Made by `CryptoBucket.openObject`. Close it after use.
 */
export class ObjectReader {
  /** What the object's headers say. */
  readonly description: ObjectDescription
  /** The object's length in bytes. */
  readonly sizeBytes: number
  readonly #context: BucketContext
  readonly #source: GetSource
  readonly #contentKey: ContentKey | undefined
  readonly #headers: HeaderMap
  #first: ReaderParts['first']

  /** @internal */
  constructor(parts: ReaderParts) {
    this.description = parts.description
    this.sizeBytes = parts.sizeBytes
    this.#context = parts.context
    this.#source = parts.source
    this.#contentKey = parts.contentKey
    this.#headers = parts.headers
    this.#first = parts.first
  }

  /**
   * Reads a range, decrypted. It goes on by itself where the connection breaks.
   *
   * @param range - offsets in bytes, the end inclusive, inside the object
   * @throws CseError, as it is read: `ERR_CSE_PRECONDITION_FAILED` when the object was replaced, `ERR_CSE_INTEGRITY`
   * when other bytes come than were announced, and what the transport throws.
   */
  read(range: { readonly start: number; readonly end: number }, options: CallOptions = {}): RangeRead {
    const { start, end } = checkRange(range) as { start: number; end: number }
    if (end >= this.sizeBytes) {
      throw new CseError(
        'ERR_CSE_RANGE_NOT_SATISFIABLE',
        `The range ends at ${end}, the object has ${this.sizeBytes} bytes.`,
      )
    }
    const run = this.#run(start, end - start + 1)
    const chunks = this.#read({ start, end }, run, options.signal)
    return { [Symbol.asyncIterator]: () => chunks, ciphertextCrc64: () => run.digests().crc64 }
  }

  /**
   * The CRC-64 that the ciphertext of a run of plaintext has in this object: whether bytes that were read before are
   * still what they were.
   *
   * @param plaintext - the run's bytes
   * @param offsetBytes - where the run begins in the object
   */
  async ciphertextCrc64(
    plaintext: AsyncIterable<Uint8Array>,
    offsetBytes: number,
  ): Promise<bigint | undefined> {
    const run = startCipherRun({
      direction: 'encrypt',
      contentKey: this.#contentKey,
      offsetBytes,
      crc64: true,
    })
    for await (const _ of run.transform(plaintext));
    return run.digests().crc64
  }

  /** Forgets the key, and closes the first range's connection if nobody has read it. Never rejects. */
  async close(): Promise<void> {
    if (this.#contentKey !== undefined) wipe(this.#contentKey.cek, this.#contentKey.iv)
    const first = this.#takeFirst()
    if (first !== undefined) await closeIterator(first.response.body[Symbol.asyncIterator]())
  }

  async *#read(
    range: { readonly start: number; readonly end: number },
    run: CipherRun,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { key, etag } = this.description
    try {
      const requests = this.#requests(signal)
      const response = this.#takeFirst(range)?.response ?? (await requests.first(range))
      const slice = sliceAnswer(range, response)
      const replaced = response.headers['etag'] !== etag
      if (replaced || slice.totalBytes !== this.sizeBytes) {
        await closeIterator(response.body[Symbol.asyncIterator]())
        throw wasReplaced(key)
      }
      const ciphertext = new ResumedRead({
        key,
        response,
        slice,
        reopen: (start, end, error) => requests.resume(etag ?? '', start, end, error),
      })
      // The first range's request knows only the signal that the object was opened with.
      const stop = (): void => void ciphertext.close()
      signal?.addEventListener('abort', stop, { once: true })
      try {
        yield* run.transform(skipping(ciphertext, slice.discardBytes))
      } finally {
        await ciphertext.close()
        signal?.removeEventListener('abort', stop)
      }
    } catch (error) {
      signal?.throwIfAborted()
      throw aboutObject(error, key)
    }
  }

  #requests(signal: AbortSignal = new AbortController().signal): ObjectRequests {
    const { key, etag } = this.description
    const { retry, logger } = this.#context
    const headers = { ...this.#headers, ...(etag !== undefined && { 'if-match': etag }) }
    return new ObjectRequests(this.#source, headers, { operation: 'get', key, retry, logger, signal })
  }

  /** The first range's answer, once: for who reads that range, or closes the reader. */
  #takeFirst(range?: { readonly start: number; readonly end: number }): ReaderParts['first'] {
    const first = this.#first
    if (first === undefined) return undefined
    if (range !== undefined && !('start' in first.range && first.range.start === range.start))
      return undefined
    this.#first = undefined
    return first
  }

  #run(offsetBytes: number, sizeBytes: number): CipherRun {
    const contentKey = this.#contentKey
    return startCipherRun({ direction: 'decrypt', contentKey, offsetBytes, sizeBytes, crc64: true })
  }
}

/** Where a reader's bytes and headers come from. */
export interface ReaderSource extends GetSource {
  /** Sends a HEAD. */
  head(headers: HeaderMap): Promise<{ readonly status: number; readonly headers: HeaderMap }>
}

/** Opens an object; see `CryptoBucket.openObject`. */
export async function openObject(
  context: BucketContext,
  source: ReaderSource,
  key: string,
  options: OpenOptions = {},
): Promise<ObjectReader> {
  const { firstRange, onPlainObject = context.onPlainObject } = options
  const signal = options.signal ?? new AbortController().signal
  signal.throwIfAborted()
  const range = firstRange && checkRange(firstRange)
  const headers = { ...callerHeaders(options.headers), 'accept-encoding': 'identity' }
  const { retry, logger } = context
  let response: GetObjectResponse | undefined
  try {
    let answer: { readonly status: number; readonly headers: HeaderMap }
    if (range === undefined) {
      answer = await withRetries(() => source.head(headers), {
        operation: 'head',
        key,
        retry,
        logger,
        signal,
      })
    } else {
      const requests = new ObjectRequests(source, headers, { operation: 'get', key, retry, logger, signal })
      response = await requests.first(range)
      answer = response
    }
    const opened = await openAnswer(context, key, range, answer, onPlainObject, signal)
    return new ObjectReader({
      context,
      source,
      description: describeObject(key, answer.headers, opened.envelope),
      sizeBytes: opened.slice.totalBytes,
      contentKey: opened.contentKey,
      headers,
      first: response && range && { range, response },
    })
  } catch (error) {
    if (response !== undefined) await closeIterator(response.body[Symbol.asyncIterator]())
    throw aboutObject(error, key)
  }
}

async function* skipping(
  chunks: AsyncIterable<Uint8Array>,
  discardBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let discard = discardBytes
  for await (const chunk of chunks) {
    const wanted = chunk.subarray(discard)
    discard = Math.max(0, discard - chunk.length)
    if (wanted.length > 0) yield wanted
  }
}

function wasReplaced(objectKey: string): CseError {
  return new CseError('ERR_CSE_PRECONDITION_FAILED', `${objectKey} was replaced while it was being read.`, {
    objectKey,
  })
}
