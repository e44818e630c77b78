import { cipherReused } from './ctr-cipher.ts'
import type { ByteChunks, ObjectBody } from './ports.ts'

/** What watches a run. Everything that one of its functions throws ends the run with that error. */
export interface RunWatch {
  /** When it aborts, no further byte is returned, and the run throws its reason. */
  readonly signal?: AbortSignal | undefined
  /** Called with each chunk of the source, before it is used. */
  onReceived?(chunk: Uint8Array): void
  /** Called at the end of the source, before the last bytes are returned. */
  onSourceEnd?(): void
  /** Returns the error to throw for an error of the source. */
  onSourceError?(cause: unknown): unknown
  /** Called with the number of bytes of a chunk that was returned, when the next one is requested. */
  onReturned?(sizeBytes: number): void
  /** Called once, after the last byte was returned and the digests are known. */
  onEnd?(): void
  /** Called once when the run is over, however it ended. Not called if it never started. */
  onClose?(): void
}

/** One run: reads a source, and returns its bytes transformed. */
type Run = (source: ObjectBody, watch: RunWatch) => AsyncGenerator<Uint8Array, void, undefined>

/**
 * Lets a run start once.
 *
 * @throws CseError `ERR_CSE_CIPHER_REUSED` on a second call of the result
 */
export function startedOnce(run: Run): (source: ObjectBody, watch?: RunWatch) => ReturnType<Run> {
  let used = false
  return (source, watch = {}) => {
    if (used) throw cipherReused()
    used = true
    return run(source, watch)
  }
}

/** One pass over the source of a run. It is opened when the first chunk is read. */
export class RunSource {
  readonly #source: ObjectBody
  readonly #watch: RunWatch
  #opened: ByteChunks | undefined
  #chunks: AsyncIterator<Uint8Array> | undefined

  constructor(source: ObjectBody, watch: RunWatch) {
    this.#source = source
    this.#watch = watch
  }

  /** Returns the next chunk, or `undefined` at the end. */
  async next(): Promise<Uint8Array | undefined> {
    let step: IteratorResult<Uint8Array>
    try {
      this.#opened ??= this.#source.open()
      this.#chunks ??= this.#opened[Symbol.asyncIterator]()
      step = await this.#chunks.next()
    } catch (cause) {
      // Its error ended the source, so there is nothing to close.
      this.#chunks = undefined
      throw this.#watch.onSourceError?.(cause) ?? cause
    }
    if (step.done) {
      this.#chunks = undefined
      this.#watch.onSourceEnd?.()
      return undefined
    }
    this.#watch.onReceived?.(step.value)
    return step.value
  }

  /** Gives a chunk back, see `ByteChunks`. */
  recycle(chunk: Uint8Array): void {
    this.#opened?.recycle?.(chunk)
  }

  /** Closes a source that is not needed any more. Never rejects: the run's own outcome is known. */
  async close(): Promise<void> {
    try {
      await this.#chunks?.return?.()
    } catch {}
  }
}
