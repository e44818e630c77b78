import { CseError } from './errors.ts'
import type { ByteChunks, ObjectBody } from './ports.ts'

/**
 * One pass over the body of an upload. It counts the bytes, checks them against the stated size, and can be stopped.
 */
export class UploadSource {
  readonly sizeBytes: number | undefined
  readonly #body: ObjectBody
  readonly #objectKey: string
  #bytes: ByteChunks | undefined
  #iterator: AsyncIterator<Uint8Array> | undefined
  #received = 0
  #finished = false
  #stopped = false

  constructor(body: ObjectBody, objectKey: string) {
    const { sizeBytes } = body
    if (sizeBytes !== undefined && (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0)) {
      throw new CseError(
        'ERR_CSE_INVALID_ARGUMENT',
        `sizeBytes must be a whole number of bytes, not ${sizeBytes}.`,
        {
          objectKey,
        },
      )
    }
    this.sizeBytes = sizeBytes
    this.#body = body
    this.#objectKey = objectKey
  }

  get stopped(): boolean {
    return this.#stopped
  }

  /** True when all stated bytes have arrived, even if the source has not ended. */
  get hasAllBytes(): boolean {
    return this.#received === this.sizeBytes
  }

  /**
   * Returns the next chunk, never an empty one, or undefined at the end.
   *
   * @throws CseError `ERR_CSE_SOURCE` with the source's own error as cause, or that error itself when it is a
   *   CseError; `ERR_CSE_SOURCE` too when the source is longer or shorter than stated, or yields something other than
   *   bytes
   */
  async next(): Promise<Uint8Array | undefined> {
    while (!this.#stopped) {
      const step = await this.#pull()
      if (this.#stopped) break
      if (step.done) {
        if (this.sizeBytes !== undefined && this.#received < this.sizeBytes) {
          throw this.#wrongSize('ended after')
        }
        this.#finished = true
        return undefined
      }
      const chunk: unknown = step.value
      if (!(chunk instanceof Uint8Array)) {
        throw this.#failed('yielded something other than a Uint8Array')
      }
      this.#received += chunk.byteLength
      if (this.sizeBytes !== undefined && this.#received > this.sizeBytes) {
        throw this.#wrongSize('yielded at least')
      }
      if (chunk.byteLength > 0) return chunk
    }
    return undefined
  }

  /** Gives a chunk back whose bytes have left. Never throws: the socket calls it, and nobody would catch the error. */
  recycle(chunk: Uint8Array): void {
    try {
      this.#bytes?.recycle?.(chunk)
    } catch {}
  }

  /** Stops the upload: returns the source's iterator and ignores its outcome. */
  stop(): void {
    if (this.#stopped || this.#finished) return
    this.#stopped = true
    try {
      Promise.resolve(this.#iterator?.return?.()).catch(() => {})
    } catch {}
  }

  async #pull(): Promise<IteratorResult<Uint8Array>> {
    try {
      this.#bytes ??= this.#body.open()
      this.#iterator ??= this.#bytes[Symbol.asyncIterator]()
      return await this.#iterator.next()
    } catch (error) {
      // The error ended the iterator, so there is nothing to return.
      this.#iterator = undefined
      if (CseError.isInstance(error)) throw error
      throw this.#failed('threw while it was being read', error)
    }
  }

  #wrongSize(what: string): CseError {
    return this.#failed(
      `${what} ${this.#received} bytes, but its sizeBytes is ${this.sizeBytes}. Nothing was stored`,
    )
  }

  #failed(what: string, cause?: unknown): CseError {
    const objectKey = this.#objectKey
    return new CseError('ERR_CSE_SOURCE', `The source of "${objectKey}" ${what}.`, { cause, objectKey })
  }
}
