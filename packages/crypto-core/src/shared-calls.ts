import { orAborted } from './or-aborted.ts'
import type { CallOptions } from './ports.ts'

/** Options of a shared call. */
export interface SharedCallOptions extends CallOptions {
  /** The maximum wait for the call, in milliseconds. */
  readonly timeoutMs: number
  /** Returns the error for a call that took too long. */
  readonly late: () => Error
}

/**
 * Shares one call among all callers that ask for the same key at the same time.
 *
 * @example
 * ```ts
 * const responses = new SharedCalls<Service, Response>()
 * const response = await responses.run(service, () => service.ask(), { timeoutMs: 10_000, late: () => new Error('late') })
 * ```
 */
export class SharedCalls<Key extends object, Result> {
  readonly #pending = new WeakMap<Key, Promise<Result>>()

  /** Tells whether a call is under way. */
  isPending(key: Key): boolean {
    return this.#pending.has(key)
  }

  /**
   * Waits for the running call, or starts one.
   *
   * @throws errors of the call; `late()` when it takes too long, and the next caller then starts another call; the
   * signal's reason, which ends only the wait of this caller
   */
  async run(key: Key, call: () => Promise<Result>, options: SharedCallOptions): Promise<Result> {
    const { timeoutMs, late, signal } = options
    const pending = this.#pending.get(key) ?? this.#begin(key, call)
    let timer: ReturnType<typeof setTimeout> | undefined
    const tooLate = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        // A call that never ends must not block all later callers.
        this.#forget(key, pending)
        reject(late())
      }, timeoutMs)
    })
    try {
      return await orAborted(Promise.race([pending, tooLate]), signal)
    } finally {
      clearTimeout(timer)
    }
  }

  #begin(key: Key, call: () => Promise<Result>): Promise<Result> {
    const pending = call().finally(() => this.#forget(key, pending))
    // By then nobody may be waiting for it.
    pending.catch(() => {})
    this.#pending.set(key, pending)
    return pending
  }

  #forget(key: Key, pending: Promise<Result>): void {
    if (this.#pending.get(key) === pending) this.#pending.delete(key)
  }
}
