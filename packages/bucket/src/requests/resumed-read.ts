import { type ByteChunks, CseError, type GetObjectResponse, TransportError } from '@oss-cse/crypto-core'
import { isRetryable, type RangeSlice, sliceResponse, statedBytes } from '@oss-cse/crypto-core/internal'

/** The remaining bytes of a response, and a way to request them again. */
export interface ResumedReadOptions {
  readonly key: string
  readonly response: GetObjectResponse
  /** The position of the response's bytes in the object, and which of them are wanted. */
  readonly slice: RangeSlice
  /** True: the bytes before the wanted ones are not returned. Default false. */
  readonly onlyWanted?: boolean | undefined
  /** Requests `start`..`end` of the same object, after the wait that the retry policy requires. */
  readonly reopen: (start: number, end: number, error: unknown) => Promise<GetObjectResponse>
}

/**
 * Reads a response from its first to its last wanted byte. If the connection breaks, resumes at the same byte of the
 * same object. Returns exactly the announced number of bytes, or throws.
 *
 * @throws CseError `ERR_CSE_INTEGRITY` when other bytes arrive than were announced; `ERR_CSE_PRECONDITION_FAILED` when
 * the object was replaced in the meantime; and what the transport throws.
 */
export class ResumedRead implements AsyncIterableIterator<Uint8Array, undefined>, ByteChunks {
  readonly #options: ResumedReadOptions
  readonly #etag: string | undefined
  readonly #sizeBytes: number
  #body: ByteChunks
  #chunks: AsyncIterator<Uint8Array>
  #last: Uint8Array | undefined
  /** False if the current response continues after the last wanted byte. */
  #endsWithResponse: boolean
  #discardBytes: number
  #received: number
  #closed = false
  #ended = false

  constructor(options: ResumedReadOptions) {
    const { response, slice, onlyWanted = false } = options
    this.#options = options
    this.#etag = response.headers['etag']
    this.#sizeBytes = slice.discardBytes + slice.sizeBytes
    this.#endsWithResponse = this.#sizeBytes === slice.responseBytes
    this.#discardBytes = onlyWanted ? slice.discardBytes : 0
    this.#received = this.#discardBytes
    this.#body = response.body
    this.#chunks = this.#body[Symbol.asyncIterator]()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** Closes the current connection. Nothing is requested again. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true
    await closeIterator(this.#chunks)
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      // Even if it was closed: a read that has not all bytes must throw, and never just end.
      while (!this.#ended && (this.#received < this.#sizeBytes || this.#endsWithResponse)) {
        const chunk = await this.#chunk()
        if (chunk === undefined) break
        if (chunk.length > 0) return { done: false, value: chunk }
      }
    } catch (error) {
      await this.return()
      throw error
    }
    return this.return()
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#ended = true
    await this.close()
    return { done: true, value: undefined }
  }

  /** See `ByteChunks`. Gives the response's own chunk back, of which the last returned chunk is a part. */
  recycle(): void {
    if (this.#last !== undefined) this.#body.recycle?.(this.#last)
    this.#last = undefined
  }

  /** The next chunk, from this connection or a new one. `undefined` at the end of the response. */
  async #chunk(): Promise<Uint8Array | undefined> {
    try {
      const { done, value } = await this.#chunks.next()
      this.#last = value
      if (!done) return this.#wanted(value)
      if (this.#received === this.#sizeBytes) return undefined
      throw cutShort(this.#options.key)
    } catch (error) {
      if (this.#closed || this.#etag === undefined || !isRetryable(error)) throw error
      // All bytes have arrived, so a failure after them does not matter.
      if (this.#received === this.#sizeBytes) return undefined
      await this.#reopen(error)
      return new Uint8Array()
    }
  }

  /** The bytes of a chunk that are in the wanted range. */
  #wanted(chunk: Uint8Array): Uint8Array {
    const left = this.#sizeBytes - this.#received
    const discarded = Math.min(this.#discardBytes, chunk.length)
    this.#discardBytes -= discarded
    if (chunk.length - discarded > left && this.#endsWithResponse) throw otherBytes(this.#options.key)
    const wanted = chunk.subarray(discarded, discarded + left)
    this.#received += wanted.length
    return wanted
  }

  async #reopen(error: unknown): Promise<void> {
    const { key, slice, reopen } = this.#options
    const start = slice.responseStart + this.#received
    const end = slice.responseStart + this.#sizeBytes - 1
    await closeIterator(this.#chunks)
    this.#last = undefined
    const response = await reopen(start, end, error)
    this.#body = response.body
    this.#chunks = this.#body[Symbol.asyncIterator]()
    // If-Match was sent, but a cache may have dropped it.
    if (response.headers['etag'] !== this.#etag) throw wasReplaced(key)
    if (statedBytes(response) !== slice.totalBytes) throw otherBytes(key)
    const next = sliceResponse({ start, end }, response)
    this.#discardBytes = next.discardBytes
    this.#endsWithResponse = next.discardBytes + next.sizeBytes === next.responseBytes
  }
}

/** Closes a connection that nothing will read from. Never rejects: the result that matters is already known. */
export async function closeIterator(chunks: AsyncIterator<Uint8Array>): Promise<void> {
  await chunks.return?.().catch(() => {})
}

function cutShort(objectKey: string): TransportError {
  return new TransportError('ERR_CSE_NETWORK', `The response for ${objectKey} ended too early.`, {
    objectKey,
    retryable: true,
  })
}

function otherBytes(objectKey: string): CseError {
  return new CseError('ERR_CSE_INTEGRITY', `The server sent other bytes of ${objectKey} than it announced.`, {
    objectKey,
  })
}

/** The error of an object that was replaced between two reads. */
export function wasReplaced(objectKey: string): CseError {
  return new CseError(
    'ERR_CSE_PRECONDITION_FAILED',
    `${objectKey} was replaced while it was being read: read it again.`,
    {
      objectKey,
    },
  )
}
