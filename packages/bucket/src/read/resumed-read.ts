import { CseError, type GetObjectResponse, TransportError } from '@oss-cse/crypto-core'
import { isRetryable, type RangeSlice, sliceResponse } from '@oss-cse/crypto-core/internal'

/** The remaining bytes of a response, and a way to request them again. */
export interface ResumedReadOptions {
  readonly key: string
  readonly response: GetObjectResponse
  /** The position of the response's bytes in the object, and which of them are wanted. */
  readonly slice: RangeSlice
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
export class ResumedRead implements AsyncIterable<Uint8Array> {
  readonly #options: ResumedReadOptions
  readonly #etag: string | undefined
  readonly #sizeBytes: number
  #chunks: AsyncIterator<Uint8Array>
  /** False if the current response continues after the last wanted byte. */
  #endsWithResponse: boolean
  #discardBytes = 0
  #received = 0
  #closed = false

  constructor(options: ResumedReadOptions) {
    const { response, slice } = options
    this.#options = options
    this.#etag = response.headers['etag']
    this.#sizeBytes = slice.discardBytes + slice.sizeBytes
    this.#endsWithResponse = this.#sizeBytes === slice.responseBytes
    this.#chunks = response.body[Symbol.asyncIterator]()
  }

  /** Closes the current connection. Nothing is requested again. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true
    await closeIterator(this.#chunks)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      while (this.#received < this.#sizeBytes || this.#endsWithResponse) {
        const chunk = await this.#next()
        if (chunk === undefined) return
        if (chunk.length > 0) yield chunk
      }
    } finally {
      await this.close()
    }
  }

  /** The next chunk, from this connection or a new one. `undefined` at the end of the response. */
  async #next(): Promise<Uint8Array | undefined> {
    try {
      const { done, value } = await this.#chunks.next()
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
    const response = await reopen(start, end, error)
    this.#chunks = response.body[Symbol.asyncIterator]()
    // If-Match was sent, but a cache may have dropped it.
    if (response.headers['etag'] !== this.#etag) throw wasReplaced(key)
    const next = sliceResponse({ start, end }, response)
    if (next.totalBytes !== slice.totalBytes) throw otherBytes(key)
    this.#discardBytes = next.discardBytes
    this.#endsWithResponse = next.discardBytes + next.sizeBytes === next.responseBytes
  }
}

/** Drops the first bytes of a stream: those before the wanted ones. Never yields an empty chunk. */
export async function* skipBytes(
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
