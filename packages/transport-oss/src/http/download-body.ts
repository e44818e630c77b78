import type { IncomingMessage } from 'node:http'
import { TransportError } from '@oss-cse/crypto-core'
import type { IdleWatch } from './idle-watch.ts'
import { cutShort, networkFailure, type RequestContext } from './oss-errors.ts'
import type { RequestScope } from './request-scope.ts'

/**
 * The bytes of a response, in one pass. While nobody reads, the connection waits without a limit. Returning the
 * iterator closes the connection, even before the first `next`.
 */
export class DownloadBody implements AsyncIterableIterator<Uint8Array> {
  readonly #message: IncomingMessage
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #context: RequestContext
  readonly #scope: RequestScope
  readonly #idle: IdleWatch
  readonly #expected: number | undefined
  #received = 0
  /** How many reads wait for the network. */
  #waiting = 0
  #done = false

  constructor(message: IncomingMessage, context: RequestContext, scope: RequestScope, idle: IdleWatch) {
    this.#message = message
    this.#chunks = message[Symbol.asyncIterator]()
    this.#context = context
    this.#scope = scope
    this.#idle = idle
    const length = message.headers['content-length']
    this.#expected = length === undefined ? undefined : Number(length)
    idle.suspend()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#done) return { done: true, value: undefined }
    try {
      if (this.#scope.failure !== undefined) throw this.#scope.failure.reason
      this.#idle.resume()
      this.#waiting += 1
      const step = await this.#chunks.next()
      this.#waiting -= 1
      if (!step.done) {
        if (this.#waiting === 0) this.#idle.suspend()
        this.#received += step.value.byteLength
        return { done: false, value: step.value }
      }
      if (this.#expected !== undefined && this.#received !== this.#expected) {
        throw cutShort(this.#context, `the response ended after ${this.#received} of ${this.#expected} bytes`)
      }
    } catch (error) {
      // The iterator was returned while this read waited. The error of the closed connection does not matter.
      if (this.#done && this.#scope.failure === undefined) return { done: true, value: undefined }
      throw this.#failed(error)
    }
    this.#close()
    return { done: true, value: undefined }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#close()
    this.#message.destroy()
    return { done: true, value: undefined }
  }

  #failed(error: unknown): unknown {
    // An abort or the idle timeout destroyed the stream. Throw its reason, not the stream's own error.
    const { failure } = this.#scope
    this.#close()
    this.#message.destroy()
    if (failure !== undefined) return failure.reason
    return TransportError.isInstance(error) ? error : networkFailure(this.#context, error, true)
  }

  #close(): void {
    this.#done = true
    this.#scope.end()
  }
}
