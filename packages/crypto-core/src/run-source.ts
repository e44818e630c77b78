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
 * @param unused - called when the bytes are closed before the first one was read: the run then never starts, and cannot clean up
 * @throws CseError `ERR_CSE_CIPHER_REUSED` on a second call of the result
 */
export function startedOnce(
  run: Run,
  unused?: () => void,
): (source: ObjectBody, watch?: RunWatch) => ReturnType<Run> {
  let used = false
  return (source, watch = {}) => {
    if (used) throw cipherReused()
    used = true
    const bytes = run(source, watch)
    return unused === undefined ? bytes : tellingUnused(bytes, unused)
  }
}

/** A generator that is closed before its first step runs none of its code. */
function tellingUnused(bytes: ReturnType<Run>, unused: () => void): ReturnType<Run> {
  const { next, return: close } = bytes
  let started = false
  return Object.assign(bytes, {
    next() {
      started = true
      bytes.next = next
      return next.call(bytes)
    },
    return() {
      if (!started) unused()
      started = true
      return close.call(bytes)
    },
  })
}

/** Disposes of what a run was started with, once it is there. */
export function disposeOf(started: { dispose(): void } | Promise<{ dispose(): void }>): void {
  if (started instanceof Promise) {
    started.then(
      (late) => late.dispose(),
      () => {},
    )
  } else started.dispose()
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
