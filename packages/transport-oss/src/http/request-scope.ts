/**
 * The lifetime of one call. It ends once, by success or by its first failure. On a failure it stops everything that
 * belongs to the call: the request and the source of the body. An aborted signal counts as a failure.
 */
export class RequestScope {
  readonly #signal: AbortSignal | undefined
  readonly #cleanups: (() => void)[] = []
  readonly #failed: Promise<never>
  #reject: (reason: unknown) => void = () => {}
  #failure: { readonly reason: unknown } | undefined
  #ended = false

  constructor(signal?: AbortSignal) {
    this.#signal = signal
    this.#failed = new Promise((_, reject) => {
      this.#reject = reject
    })
    // The caller awaits this promise through `race`. Alone, it must not count as an unhandled rejection.
    this.#failed.catch(() => {})
    if (signal?.aborted) this.fail(signal.reason)
    else signal?.addEventListener('abort', this.#onAbort)
  }

  readonly #onAbort = (): void => this.fail(this.#signal?.reason)

  /** The failure that ended the call, if any. */
  get failure(): { readonly reason: unknown } | undefined {
    return this.#failure
  }

  /** Ends the call with a failure. The first reason wins. After `end`, a failure has no effect. */
  fail(reason: unknown): void {
    if (this.#ended) return
    this.#failure = { reason }
    this.end()
    this.#reject(reason)
    for (const cleanup of this.#cleanups) cleanup()
  }

  /** Runs `cleanup` when the call fails, or at once if it has failed already. */
  onFailure(cleanup: () => void): void {
    if (this.#failure === undefined) this.#cleanups.push(cleanup)
    else cleanup()
  }

  /** Runs `work` unless the call has failed. Stops waiting for it as soon as the call fails. */
  async race<T>(work: () => Promise<T>): Promise<T> {
    if (this.#failure !== undefined) throw this.#failure.reason
    return Promise.race([this.#failed, work()])
  }

  /** Ends the call with success, and stops listening to the signal. */
  end(): void {
    this.#ended = true
    this.#signal?.removeEventListener('abort', this.#onAbort)
  }
}
