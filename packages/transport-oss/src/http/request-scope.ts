/**
 * The life of one call: it ends once, by success or by its first failure, and whatever was begun for it (the
 * request, the body's source) is told of the failure. An aborted signal is a failure like any other.
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
    // Whoever awaits the call hears of it; the bare promise must not count as unhandled.
    this.#failed.catch(() => {})
    if (signal?.aborted) this.fail(signal.reason)
    else signal?.addEventListener('abort', this.#onAbort)
  }

  readonly #onAbort = (): void => this.fail(this.#signal?.reason)

  /** What ended the call, when it failed. */
  get failure(): { readonly reason: unknown } | undefined {
    return this.#failure
  }

  /** Ends the call. The first reason wins, and none counts after `end`. */
  fail(reason: unknown): void {
    if (this.#ended) return
    this.#failure = { reason }
    this.end()
    this.#reject(reason)
    for (const cleanup of this.#cleanups) cleanup()
  }

  /** Runs `cleanup` when the call fails, at once if it has failed already. */
  onFailure(cleanup: () => void): void {
    if (this.#failure === undefined) this.#cleanups.push(cleanup)
    else cleanup()
  }

  /** Does `work` unless the call has failed, and stops waiting for it as soon as the call fails. */
  async race<T>(work: () => Promise<T>): Promise<T> {
    if (this.#failure !== undefined) throw this.#failure.reason
    return Promise.race([this.#failed, work()])
  }

  /** Ends the call well: lets go of the signal. */
  end(): void {
    this.#ended = true
    this.#signal?.removeEventListener('abort', this.#onAbort)
  }
}
