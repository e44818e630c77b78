import { orAborted } from './or-aborted.ts'
import type { CallOptions } from './ports.ts'

/** How long to wait for a shared call. */
export interface SharedCallOptions extends CallOptions {
  /** After how many milliseconds a call that gives nothing is given up. */
  readonly timeoutMs: number
  /** The error of a call that was given up. */
  readonly late: () => Error
}

/**
 * Calls that are made once for all who ask at the same time, by what is asked.
 *
 * @example
 * ```ts
 * const answers = new SharedCalls<Service, Answer>()
 * const answer = await answers.run(service, () => service.ask(), { timeoutMs: 10_000, late: () => new Error('late') })
 * ```
 */
export class SharedCalls<Key extends object, Result> {
  readonly #pending = new WeakMap<Key, Promise<Result>>()

  /** Tells whether a call is under way. */
  isPending(key: Key): boolean {
    return this.#pending.has(key)
  }

  /**
   * Waits for the call that is under way, or makes it.
   *
   * @throws what the call throws; `late()` when it takes too long, and who asks next makes another one; the signal's reason,
   * which ends the wait of this caller alone
   */
  async run(key: Key, call: () => Promise<Result>, options: SharedCallOptions): Promise<Result> {
    const { timeoutMs, late, signal } = options
    const pending = this.#pending.get(key) ?? this.#begin(key, call)
    let timer: ReturnType<typeof setTimeout> | undefined
    const tooLate = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        // One that never ends must not hold up everybody who will ever ask.
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
    // Nobody may wait for it any more by then.
    pending.catch(() => {})
    this.#pending.set(key, pending)
    return pending
  }

  #forget(key: Key, pending: Promise<Result>): void {
    if (this.#pending.get(key) === pending) this.#pending.delete(key)
  }
}
