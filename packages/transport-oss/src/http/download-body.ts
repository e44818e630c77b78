import { type ByteChunks, TransportError } from '@oss-cse/crypto-core'
import type { RequestContext } from '@oss-cse/crypto-core/internal'
import { cutShort, networkFailure } from './connection-errors.ts'
import type { IdleWatch } from './idle-watch.ts'
import type { RequestScope } from './request-scope.ts'
import type { ResponseBytes } from './response-bytes.ts'

/** The number of bytes at which the connection is paused until the reader has caught up. */
const MAX_QUEUED_BYTES = 256 * 1024

/**
 * The bytes of a response, in one pass. The connection fills a short queue. While nobody reads, it waits without a
 * limit. Returning the iterator closes the connection, even before the first `next`.
 */
export class DownloadBody implements AsyncIterableIterator<Uint8Array>, ByteChunks {
  readonly #bytes: ResponseBytes
  readonly #context: RequestContext
  readonly #scope: RequestScope
  readonly #idle: IdleWatch
  readonly #queue: Uint8Array[] = []
  #queuedBytes = 0
  #received = 0
  /** The reads that wait for the network, in their order. */
  #waiting: ((chunk?: Uint8Array) => void)[] = []
  /** True once the response has ended, well or not. */
  #ended = false
  #error: unknown
  #done = false

  constructor(bytes: ResponseBytes, context: RequestContext, scope: RequestScope, idle: IdleWatch) {
    this.#bytes = bytes
    this.#context = context
    this.#scope = scope
    this.#idle = idle
    idle.suspend()
    bytes.listen({ push: (chunk) => this.#push(chunk), end: (error) => this.#end(error) })
    scope.onFailure(() => this.#end(undefined))
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    let chunk = this.#dequeued()
    if (chunk === undefined && !this.#done && !this.#ended) chunk = await this.#arrival()
    if (this.#done) return { done: true, value: undefined }
    if (this.#scope.failure !== undefined) throw this.#failed(undefined)
    return chunk === undefined ? this.#last() : { done: false, value: chunk }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#close()
    this.#bytes.destroy()
    this.#wake()
    return { done: true, value: undefined }
  }

  /** See `ByteChunks`. */
  recycle(chunk: Uint8Array): void {
    this.#bytes.recycle(chunk)
  }

  #dequeued(): Uint8Array | undefined {
    const chunk = this.#queue.shift()
    if (chunk !== undefined) this.#queuedBytes -= chunk.byteLength
    return chunk
  }

  /** Waits for the next chunk. `undefined`: the response has ended. Only this time counts as idle. */
  #arrival(): Promise<Uint8Array | undefined> {
    this.#idle.resume()
    this.#bytes.resume()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #push(chunk: Uint8Array): void {
    this.#received += chunk.byteLength
    const first = this.#waiting.shift()
    // Not through the queue, where a later read could take it first.
    if (first !== undefined) first(chunk)
    else {
      this.#queue.push(chunk)
      this.#queuedBytes += chunk.byteLength
    }
    if (this.#queuedBytes >= MAX_QUEUED_BYTES) this.#bytes.pause()
    if (this.#waiting.length === 0) this.#idle.suspend()
  }

  #end(error: unknown): void {
    if (this.#ended) return
    this.#ended = true
    this.#error = error
    this.#wake()
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }

  /** The end of the response: an error, unless all its bytes have arrived. */
  #last(): IteratorResult<Uint8Array, undefined> {
    if (this.#error !== undefined) throw this.#failed(this.#error)
    const { length } = this.#bytes
    if (length !== undefined && this.#received !== length) {
      throw this.#failed(
        cutShort(this.#context, `the response ended after ${this.#received} of ${length} bytes`),
      )
    }
    this.#close()
    return { done: true, value: undefined }
  }

  #failed(error: unknown): unknown {
    // An abort or the idle timeout destroyed the stream. Throw its reason, not the stream's own error.
    const { failure } = this.#scope
    this.#close()
    this.#bytes.destroy()
    if (failure !== undefined) return failure.reason
    return TransportError.isInstance(error) ? error : networkFailure(this.#context, error, true)
  }

  #close(): void {
    this.#done = true
    this.#scope.end()
  }
}
