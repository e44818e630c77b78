import {
  type BoundedCallOptions,
  type ByteChunks,
  type ClosedRange,
  CseError,
  type GetObjectResponse,
  type HeaderMap,
} from '@oss-cse/crypto-core'
import { checkRange, eachWithDeadline, withDeadline } from '@oss-cse/crypto-core/internal'
import type { ObjectCipher } from '../cipher/object-cipher.ts'
import type { RunTarget, WrittenListener } from '../cipher/run-target.ts'
import { aboutObject } from '../policy/about-object.ts'
import type { BucketContext, PlainObjectPolicy } from '../policy/bucket-context.ts'
import { readHeaders } from '../policy/request-headers.ts'
import { withRetries } from '../policy/retry.ts'
import { type GetSource, ObjectRequests } from '../requests/object-requests.ts'
import { type PinnedObject, rangeBytes } from '../requests/range-bytes.ts'
import type { RequestableRange } from '../requests/requestable-range.ts'
import { closeIterator } from '../requests/resumed-read.ts'
import { describeObject, type ObjectDescription } from './head-object.ts'
import { openResponse } from './opened-response.ts'

/** Options of opening an object. */
export interface OpenOptions extends BoundedCallOptions {
  /** One version of the object, in a versioned bucket. */
  readonly versionId?: string | undefined
  /** Any other header that the service understands: conditions, request payer, traffic limit… */
  readonly headers?: HeaderMap | undefined
  /** Default: the policy of the bucket. */
  readonly onPlainObject?: PlainObjectPolicy | undefined
  /** The range that you will read first. The object is then opened with a GET of this range. Absent: with a HEAD. */
  readonly firstRange?: ClosedRange | undefined
}

/** A range of an object's bytes. Read it to the end, or return its iterator. */
export interface RangeRead extends AsyncIterable<Uint8Array> {
  /** The CRC-64 of the range's ciphertext, after its last byte was read. */
  ciphertextCrc64(): bigint | undefined
}

interface ReaderParts {
  readonly context: BucketContext
  readonly source: GetSource
  readonly description: ObjectDescription
  readonly sizeBytes: number
  readonly cipher: ObjectCipher
  readonly headers: HeaderMap
  readonly first:
    | {
        readonly range: ClosedRange
        readonly response: GetObjectResponse
      }
    | undefined
}

/**
 * One state of one object, with its key unwrapped. Reads any range, also several in parallel. Each request has an
 * If-Match header, so all bytes come from the same object.
 *
 * Returned by `CryptoBucket.openObject`. Close it after use.
 */
export class ObjectReader {
  /** The description from the object's headers. */
  readonly description: ObjectDescription
  /** The object's length in bytes. */
  readonly sizeBytes: number
  readonly #context: BucketContext
  readonly #source: GetSource
  readonly #cipher: ObjectCipher
  readonly #headers: HeaderMap
  #first: ReaderParts['first']

  /** @internal */
  constructor(parts: ReaderParts) {
    this.description = parts.description
    this.sizeBytes = parts.sizeBytes
    this.#context = parts.context
    this.#source = parts.source
    this.#cipher = parts.cipher
    this.#headers = parts.headers
    this.#first = parts.first
  }

  /**
   * Reads and decrypts a range. Resumes if the connection breaks.
   *
   * @param range - offsets in bytes with an inclusive end, inside the object
   * @throws CseError while it is read: `ERR_CSE_PRECONDITION_FAILED` when the object was replaced, `ERR_CSE_INTEGRITY`
   * when other bytes arrive than were announced, and what the transport throws.
   */
  read(range: ClosedRange, options: BoundedCallOptions = {}): RangeRead {
    const { start, end } = this.#checked(range)
    let signal: AbortSignal | undefined
    const pass = this.#cipher.decrypt(
      { open: () => this.#ciphertext({ start, end }, signal) },
      { offsetBytes: start },
    )
    const chunks = eachWithDeadline(options, this.description.key, (bounded) => {
      signal = bounded.signal
      return pass.open()
    })
    return { [Symbol.asyncIterator]: () => chunks, ciphertextCrc64: () => pass.crc64() }
  }

  /**
   * Reads and decrypts a range into a target: each byte at its offset in the object.
   *
   * @param target - receives the bytes. If it has a `file`, a worker decrypts and writes directly where the runtime has
   * one
   * @param options - `onWritten` is called with the number of bytes of the range that were written so far; starts at
   * zero again when the range is read again
   * @returns the CRC-64 of the range's ciphertext
   * @throws CseError as `read`; `ERR_CSE_THREAD` when the worker is lost twice; what the target throws
   */
  async readInto(
    range: ClosedRange,
    target: RunTarget,
    options: BoundedCallOptions & { readonly onWritten?: WrittenListener | undefined } = {},
  ): Promise<bigint> {
    const { start, end } = this.#checked(range)
    const { key } = this.description
    return withDeadline(options, key, async ({ signal, onWritten = () => {} }) => {
      try {
        const source = {
          open: () => this.#ciphertext({ start, end }, signal),
          requestable: this.#requestable({ start, end }, signal),
        }
        return await this.#cipher.decryptInto(source, target, { offsetBytes: start, onWritten })
      } catch (error) {
        signal?.throwIfAborted()
        throw aboutObject(error, key)
      }
    })
  }

  /**
   * Computes the CRC-64 that a run of plaintext has as ciphertext in this object. It shows whether bytes that were read
   * before are unchanged.
   *
   * @param plaintext - the run's bytes
   * @param offsetBytes - the start of the run in the object
   */
  async ciphertextCrc64(plaintext: AsyncIterable<Uint8Array>, offsetBytes: number): Promise<bigint> {
    return this.#cipher.ciphertextCrc64({ open: () => plaintext }, offsetBytes)
  }

  /** Wipes the key, and closes the first range's connection if it was not read. Never rejects. */
  async close(): Promise<void> {
    this.#cipher.close()
    const first = this.#takeFirst()
    if (first !== undefined) await closeIterator(first.response.body[Symbol.asyncIterator]())
  }

  #checked(range: ClosedRange): ClosedRange {
    if (this.#cipher.closed)
      throw new CseError('ERR_CSE_INVALID_ARGUMENT', 'The object was closed: open it again.')
    const { start, end } = checkRange(range) as ClosedRange
    if (end < this.sizeBytes) return { start, end }
    throw new CseError(
      'ERR_CSE_RANGE_NOT_SATISFIABLE',
      `The range ends at ${end}, but the object has only ${this.sizeBytes} bytes.`,
    )
  }

  /** The stored bytes of a range. */
  #ciphertext(range: ClosedRange, signal: AbortSignal | undefined): ByteChunks {
    return rangeBytes({
      object: this.#pinned,
      range,
      requests: this.#requests(signal),
      takeFirst: () => this.#takeFirst(range)?.response,
      signal,
    })
  }

  get #pinned(): PinnedObject {
    const { key, etag } = this.description
    return { key, etag, sizeBytes: this.sizeBytes }
  }

  /** What a worker needs to request a range itself. Nothing if the first response has it, or without an ETag. */
  #requestable(range: ClosedRange, signal: AbortSignal | undefined): RequestableRange | undefined {
    const source = this.#source
    if (source.workerSide === undefined || this.description.etag === undefined) return undefined
    if (this.#first !== undefined && contains(this.#first.range, range)) return undefined
    const { retry, logger } = this.#context
    return {
      object: this.#pinned,
      range,
      headers: this.#pinnedHeaders,
      ossHeaders: source.ossHeaders,
      retry,
      logger,
      signal,
      prepare: (headers) => source.workerSide?.(headers, signal),
    }
  }

  #requests(signal: AbortSignal = new AbortController().signal): ObjectRequests {
    const { key } = this.description
    const { retry, logger } = this.#context
    const context = { operation: 'get', key, retry, logger, signal } as const
    return new ObjectRequests(this.#source, this.#pinnedHeaders, context)
  }

  get #pinnedHeaders(): HeaderMap {
    const { etag } = this.description
    return { ...this.#headers, ...(etag !== undefined && { 'if-match': etag }) }
  }

  /** Returns the first range's response, once: for a read of that range, or to close it. */
  #takeFirst(range?: ClosedRange): ReaderParts['first'] {
    const first = this.#first
    if (first === undefined) return undefined
    if (range !== undefined && !contains(first.range, range)) return undefined
    this.#first = undefined
    return first
  }
}

/** Whether a response to the first range starts with the wanted one. */
function contains(first: ClosedRange, wanted: ClosedRange): boolean {
  return first.start === wanted.start && first.end >= wanted.end
}

/** The source of a reader's bytes and headers. */
export interface ReaderSource extends GetSource {
  /** Forgets the target of a symbolic link. */
  forgetLink(): void
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
  const { firstRange, onPlainObject: policy = context.onPlainObject } = options
  const signal = options.signal ?? new AbortController().signal
  signal.throwIfAborted()
  const range = firstRange && (checkRange(firstRange) as ClosedRange)
  const headers = readHeaders(options.headers)
  const { retry, logger } = context
  let first: GetObjectResponse | undefined
  source.forgetLink()
  try {
    let response: { readonly status: number; readonly headers: HeaderMap }
    if (range === undefined) {
      response = await withRetries(() => source.head(headers), {
        operation: 'head',
        key,
        retry,
        logger,
        signal,
      })
    } else {
      const requests = new ObjectRequests(source, headers, { operation: 'get', key, retry, logger, signal })
      first = await requests.first(range)
      response = first
    }
    const { reference: object } = source
    const opened = await openResponse(context, { key, object, range, response, policy, signal })
    return new ObjectReader({
      context,
      source,
      description: describeObject(key, response.headers, opened.envelope),
      sizeBytes: opened.slice.totalBytes,
      cipher: opened.cipher,
      headers,
      first: first && range && { range, response: first },
    })
  } catch (error) {
    if (first !== undefined) await closeIterator(first.body[Symbol.asyncIterator]())
    throw aboutObject(error, key)
  }
}
