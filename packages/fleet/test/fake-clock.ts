import type { CallOptions } from '@oss-cse/crypto-core'
import type { ThrottleClock } from '../src/throttle/token-bucket-throttle.ts'

/** A clock whose time passes only while everything else waits. */
export class FakeClock implements ThrottleClock {
  #nowMs = 0
  readonly #sleeping = new Set<{ readonly untilMs: number; readonly wake: () => void }>()

  now(): number {
    return this.#nowMs
  }

  sleep(ms: number, { signal }: CallOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      const sleeper = { untilMs: this.#nowMs + ms, wake: resolve }
      this.#sleeping.add(sleeper)
      signal?.addEventListener('abort', () => {
        this.#sleeping.delete(sleeper)
        reject(signal.reason)
      })
    })
  }

  /** Lets time pass without anything to wait for. */
  pass(ms: number): void {
    this.#nowMs += ms
  }

  /** Lets time pass until a promise is settled. */
  async until<Result>(promise: Promise<Result>): Promise<Result> {
    let settled = false
    const done = promise.finally(() => {
      settled = true
    })
    done.catch(() => {})
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve))
      if (settled) return done
      const [next] = [...this.#sleeping].sort((a, b) => a.untilMs - b.untilMs)
      if (next === undefined) continue
      this.#sleeping.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.untilMs)
      next.wake()
    }
  }
}
