import {
  type BoundedCallOptions,
  type ByteChunks,
  type ClosedRange,
  CseError,
  type GetObjectResponse,
  type HeaderMap,
} from '@oss-cse/crypto-core'
import {
  checkRange,
  eachWithDeadline,
  notSatisfiable,
  type SealedSlice,
  withDeadline,
} from '@oss-cse/crypto-core/internal'
import { type RunTarget, type WrittenListener, writeInto } from '../cipher/run-target.ts'
import type { OpeningPass } from '../cipher/sealed-cipher.ts'
import { aboutObject } from '../policy/about-object.ts'
import type { PlainObjectPolicy, ReadContext } from '../policy/bucket-context.ts'
import { plainObjectPolicy } from '../policy/plain-objects.ts'
import { readHeaders } from '../policy/request-headers.ts'
import { withRetries } from '../policy/retry.ts'
import type { ReadPolicies } from '../policy/sealed-policies.ts'
import { type GetSource, ObjectRequests, ofWholeObject } from '../requests/object-requests.ts'
import { type PinnedObject, rangeBytes, type SealedState, sealedState } from '../requests/range-bytes.ts'
import type { RequestableRange } from '../requests/requestable-range.ts'
import { closeIterator } from '../requests/resumed-read.ts'
import { firstResponse } from './first-response.ts'
import { describeObject, type ObjectDescription } from './head-object.ts'
import { expectsSealed, type OpenedResponse, type OpenedSealed, openResponse } from './opened-response.ts'
import {
  isWhole,
  lastSegmentOf,
  readSealed,
  type SealedReadOptions,
  sealedSource,
  segmentsOf,
  type WantedSegments,
} from './sealed-read.ts'

/** Options of opening an object. */
export interface OpenOptions extends BoundedCallOptions, ReadPolicies {
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
  readonly context: ReadContext
  readonly source: GetSource
  readonly description: ObjectDescription
  readonly opened: OpenedResponse
  readonly headers: HeaderMap
  readonly first:
    | {
        /** The plaintext in the response, and of a sealed object its stored bytes. */
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
  /**
   * The object's length in bytes. That of a sealed object is what the service states, until a range at its end was read.
   */
  readonly sizeBytes: number
  /** Whether the object is sealed. */
  readonly sealed: boolean
  /** The commitment of a sealed object, see `GetResult`. */
  readonly commitment?: string
  readonly #context: ReadContext
  readonly #source: GetSource
  readonly #opened: OpenedResponse
  readonly #headers: HeaderMap
  /** What each response must state, computed once for all reads. Of a sealed object alone. */
  readonly #state: SealedState
  #first: ReaderParts['first']

  /** @internal */
  constructor(parts: ReaderParts) {
    const { opened } = parts
    this.description = parts.description
    this.sizeBytes = opened.sealed ? opened.slice.plan.sizeBytes : opened.slice.totalBytes
    this.sealed = opened.sealed
    if (opened.sealed) this.commitment = opened.cipher.commitment
    this.#context = parts.context
    this.#source = parts.source
    this.#opened = opened
    this.#headers = parts.headers
    this.#state = sealedState(opened.sealed ? parts.description.headers : {})
    this.#first = parts.first
  }

  /**
   * Reads and decrypts a range. Resumes if the connection breaks.
   *
   * @param range - offsets in bytes with an inclusive end, inside the object
   * @throws CseError while it is read: `ERR_CSE_PRECONDITION_FAILED` when the object was replaced, `ERR_CSE_INTEGRITY`
   * when other bytes arrive than were announced, `ERR_CSE_AUTHENTICATION_FAILED` when bytes of a sealed object were altered,
   * and what the transport throws.
   */
  read(range: ClosedRange, options: BoundedCallOptions = {}): RangeRead {
    const { start, end } = this.#checked(range)
    const opened = this.#opened
    if (opened.sealed) return this.#readSealed(opened, { start, end }, options)
    let signal: AbortSignal | undefined
    const pass = opened.cipher.decrypt(
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
   * @returns a mark of the range's stored bytes: their CRC-64, or a keyed digest of a sealed object's segments. See `markOf`
   * @throws CseError as `read`; `ERR_CSE_THREAD` when the worker is lost twice; what the target throws
   */
  async readInto(
    range: ClosedRange,
    target: RunTarget,
    options: BoundedCallOptions & { readonly onWritten?: WrittenListener | undefined } = {},
  ): Promise<string> {
    const { start, end } = this.#checked(range)
    const { key } = this.description
    return withDeadline(options, key, async ({ signal, onWritten = () => {} }) => {
      try {
        const opened = this.#opened
        if (opened.sealed) return await this.#openInto(opened, { start, end }, target, signal, onWritten)
        const source = {
          open: () => this.#ciphertext({ start, end }, signal),
          requestable: this.#requestable({ start, end }, signal),
        }
        return String(await opened.cipher.decryptInto(source, target, { offsetBytes: start, onWritten }))
      } catch (error) {
        signal?.throwIfAborted()
        throw aboutObject(error, key)
      }
    })
  }

  /**
   * Computes the mark that a range has if it holds this plaintext, as `readInto` returns it. It shows whether bytes that were
   * read before are unchanged. That of a sealed object consists of whole segments.
   */
  async markOf(plaintext: AsyncIterable<Uint8Array>, { start, end }: ClosedRange): Promise<string> {
    const opened = this.#opened
    const body = { open: () => plaintext }
    return opened.sealed
      ? await opened.cipher.digest(body, segmentsOf(opened.slice.plan, { start, end }))
      : String(await opened.cipher.ciphertextCrc64(body, start))
  }

  /**
   * @internal Where a part should end that would end at a byte: in a sealed object with the last segment that ends there or
   * before. A part has at least one segment.
   */
  partEnd(end: number): number {
    const opened = this.#opened
    if (!opened.sealed) return end
    const { plan } = opened.slice
    const { index, plaintextOffset, plaintextBytes } = plan.segmentAt(end)
    return index === 0 || end === plaintextOffset + plaintextBytes - 1
      ? plaintextOffset + plaintextBytes - 1
      : plaintextOffset - 1
  }

  /** Wipes the key, and closes the first range's connection if it was not read. Never rejects. */
  async close(): Promise<void> {
    this.#opened.cipher.close()
    const first = this.#takeFirst()
    if (first !== undefined) await closeIterator(first.response.body[Symbol.asyncIterator]())
  }

  #checked(range: ClosedRange): ClosedRange {
    if (this.#opened.cipher.closed)
      throw new CseError('ERR_CSE_INVALID_ARGUMENT', 'The object was closed: open it again.')
    const { start, end } = checkRange(range) as ClosedRange
    // The length of a sealed object is verified before anybody is told so.
    if (end < this.sizeBytes || this.sealed) return { start, end }
    throw this.#endsEarlier(end)
  }

  #endsEarlier(end: number): CseError {
    return new CseError(
      'ERR_CSE_RANGE_NOT_SATISFIABLE',
      `The range ends at ${end}, but the object has only ${this.sizeBytes} bytes.`,
    )
  }

  /** @internal Reads the last segment of a sealed object, and so verifies its length. */
  async verifyLength(signal: AbortSignal | undefined): Promise<void> {
    const opened = this.#opened
    if (!opened.sealed) return
    for await (const _ of this.#openSegments(opened, lastSegmentOf(opened.slice.plan), () => signal).open());
  }

  #readSealed(opened: OpenedSealed, range: ClosedRange, options: BoundedCallOptions): RangeRead {
    let signal: AbortSignal | undefined
    const pass = this.#openRange(opened, range, () => signal)
    const chunks = eachWithDeadline(options, this.description.key, (bounded) => {
      signal = bounded.signal
      return pass.open()
    })
    return { [Symbol.asyncIterator]: () => chunks, ciphertextCrc64: () => undefined }
  }

  /** Opens a range into a target. A worker can do that for whole segments. */
  async #openInto(
    opened: OpenedSealed,
    range: ClosedRange,
    target: RunTarget,
    signal: AbortSignal | undefined,
    onWritten: WrittenListener,
  ): Promise<string> {
    const { plan } = opened.slice
    if (range.end < plan.sizeBytes && isWhole(plan, range)) {
      const slice = segmentsOf(plan, range)
      const { source, segments } = sealedSource(this.#sealedOptions(slice, () => signal))
      const requestable = this.#requestable(slice.stored, signal)
      return opened.cipher.openInto({ ...source, requestable }, target, segments, onWritten)
    }
    const pass = this.#openRange(opened, range, () => signal, true)
    await writeInto(pass.open(), target, range.start, onWritten)
    return pass.digest()
  }

  /** Opens a range that is checked for its end only now. */
  #openRange(
    opened: OpenedSealed,
    range: ClosedRange,
    signal: () => AbortSignal | undefined,
    digest = false,
  ): OpeningPass {
    const { plan } = opened.slice
    if (range.end < plan.sizeBytes) return this.#openSegments(opened, segmentsOf(plan, range), signal, digest)
    const last = this.#openSegments(opened, lastSegmentOf(plan), signal)
    const beyond = this.#endsEarlier(range.end)
    async function* open(): AsyncGenerator<Uint8Array, void, undefined> {
      // Verifies the length. Nothing of its plaintext is wanted.
      yield* last.open()
      throw beyond
    }
    return { open, digest: () => '' }
  }

  #openSegments(
    { cipher }: OpenedSealed,
    slice: WantedSegments,
    signal: () => AbortSignal | undefined,
    digest = false,
  ): OpeningPass {
    return readSealed({ ...this.#sealedOptions(slice, signal), cipher, digest })
  }

  #sealedOptions(
    slice: WantedSegments,
    signal: () => AbortSignal | undefined,
  ): Omit<SealedReadOptions, 'cipher'> {
    const { key, etag } = this.description
    const state = this.#state
    const takeFirst = () => this.#takeFirst(slice.stored)?.response
    return { key, etag, state, slice, requests: () => this.#requests(signal()), takeFirst, signal }
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
    const opened = this.#opened
    return opened.sealed
      ? { key, etag, sizeBytes: opened.slice.plan.storedBytes, sealed: this.#state }
      : { key, etag, sizeBytes: opened.slice.totalBytes }
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

/** The stored bytes in a response. */
function heldBytes({ responseStart: start, responseBytes }: SealedSlice): ClosedRange {
  return { start, end: start + responseBytes - 1 }
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
  context: ReadContext,
  source: ReaderSource,
  key: string,
  options: OpenOptions = {},
): Promise<ObjectReader> {
  const { firstRange } = options
  const policy = plainObjectPolicy(context, key, options.onPlainObject)
  const signal = options.signal ?? new AbortController().signal
  signal.throwIfAborted()
  const range = firstRange && (checkRange(firstRange) as ClosedRange)
  const headers = readHeaders(options.headers)
  const { retry, logger } = context
  let first: GetObjectResponse | undefined
  let opened: OpenedResponse | undefined
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
      }).catch((error: unknown) => {
        throw ofWholeObject(error)
      })
    } else {
      const requests = new ObjectRequests(source, headers, { operation: 'get', key, retry, logger, signal })
      first = await firstResponse(requests, range, expectsSealed(context, options))
      response = first
    }
    const { reference: object } = source
    const { expectCommitment, context: bound } = options
    const sealing = { expectCommitment, context: bound }
    opened = await openResponse(context, { key, object, range, response, policy, sealing, signal })
    const description = describeObject(key, response.headers, opened.envelope)
    if (opened.sealed && first !== undefined && opened.slice.responseStart !== opened.slice.stored.start) {
      // Its segments are elsewhere.
      await closeIterator(first.body[Symbol.asyncIterator]())
      first = undefined
    }
    const held = first && range && { range: opened.sealed ? heldBytes(opened.slice) : range, response: first }
    const reader = new ObjectReader({ context, source, description, opened, headers, first: held })
    if (opened.sealed && range !== undefined && opened.slice.sizeBytes === 0) {
      await reader.verifyLength(signal)
      throw notSatisfiable(`it starts at ${range.start}, but the object has ${reader.sizeBytes} bytes`)
    }
    return reader
  } catch (error) {
    opened?.cipher.close()
    if (first !== undefined) await closeIterator(first.body[Symbol.asyncIterator]())
    throw aboutObject(error, key)
  }
}
