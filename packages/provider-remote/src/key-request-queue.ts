import { orAborted } from '@oss-cse/crypto-core'
import { type KeyRequest, type KeyResult, MAX_REQUESTS } from './key-protocol.ts'

/** How many calls may be under way. Requests that come meanwhile wait, and are then sent together. */
const MAX_CALLS = 2

/** Sends requests in one call, and returns their results in the same order. */
export type KeyServerCaller = (
  requests: readonly KeyRequest[],
  abort: AbortController,
) => Promise<readonly KeyResult[]>

interface Waiting {
  readonly request: KeyRequest
  readonly resolve: (result: KeyResult) => void
  readonly reject: (error: unknown) => void
  /** The call that it is part of, and how many still wait for that. */
  call?: { readonly abort: AbortController; waiting: number; hasEnded: boolean }
}

/**
 * Collects concurrent requests into calls of up to 100. The first ones leave at once, so that a single request waits for nobody.
 * What comes while two calls are under way leaves in one call when one of them ends. No timer is involved: browsers slow down the
 * timers of a page in the background.
 */
export class KeyRequestQueue {
  readonly #send: KeyServerCaller
  readonly #waiting = new Set<Waiting>()
  #calls = 0
  #isScheduled = false

  constructor(send: KeyServerCaller) {
    this.#send = send
  }

  /**
   * Sends a request with the next call.
   *
   * @throws errors of the call; the signal's reason. A call ends when nobody waits for it any more.
   */
  async ask(request: KeyRequest, signal: AbortSignal | undefined): Promise<KeyResult> {
    signal?.throwIfAborted()
    let waiting: Waiting | undefined
    const result = new Promise<KeyResult>((resolve, reject) => {
      waiting = { request, resolve, reject }
      this.#waiting.add(waiting)
    })
    // By then nobody may wait for it.
    result.catch(() => {})
    this.#schedule()
    try {
      return await orAborted(result, signal)
    } finally {
      if (waiting !== undefined) this.#leave(waiting)
    }
  }

  /** All requests of this turn go together. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      this.#begin()
    })
  }

  #begin(): void {
    while (this.#calls < MAX_CALLS && this.#waiting.size > 0) {
      const batch = [...this.#waiting].slice(0, MAX_REQUESTS)
      for (const waiting of batch) this.#waiting.delete(waiting)
      void this.#run(batch)
    }
  }

  async #run(batch: readonly Waiting[]): Promise<void> {
    const abort = new AbortController()
    const call = { abort, waiting: batch.length, hasEnded: false }
    for (const waiting of batch) waiting.call = call
    this.#calls += 1
    try {
      const results = await this.#send(
        batch.map(({ request }) => request),
        abort,
      )
      batch.forEach(({ resolve }, i) => {
        resolve(results[i] as KeyResult)
      })
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
    call.hasEnded = true
    this.#calls -= 1
    this.#begin()
  }

  #leave(waiting: Waiting): void {
    this.#waiting.delete(waiting)
    const { call } = waiting
    if (call === undefined) return
    call.waiting -= 1
    if (call.waiting === 0 && !call.hasEnded) call.abort.abort()
  }
}
