import { type CallOptions, CseError, orAborted, TransportError } from '@oss-cse/crypto-core'
import { Rate } from './rate.ts'
import type { Throttle } from './throttle.ts'

/** The time, and how to wait. */
export interface ThrottleClock {
  /** Milliseconds since any fixed moment. It never decreases. */
  now(): number
  /** @throws the signal's reason */
  sleep(ms: number, options: CallOptions): Promise<void>
}

/** Options of `TokenBucketThrottle`. */
export interface TokenBucketThrottleOptions {
  /** The most requests in a second. */
  readonly requestsPerSecond: number
  /** The most bytes of objects in a second. Default: no limit. */
  readonly bytesPerSecond?: number | undefined
  /** Default: the real time. */
  readonly clock?: ThrottleClock | undefined
}

/** The limits of the service are per second. */
const DEFAULT_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 60_000
const ABOUT_BYTES = /Traffic|Bandwidth/

/**
 * Limits requests and bytes per second. When the service throttles a request, nothing is sent for the time that the response
 * names (`qosDelayMs`), or for a second, and then at half the rate, which rises to the full one within 25 seconds and more.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` unless both rates are above 0
 *
 * @example
 * ```ts
 * const throttle = new TokenBucketThrottle({ requestsPerSecond: 500, bytesPerSecond: 50e6 })
 * ```
 */
export class TokenBucketThrottle implements Throttle {
  readonly #requests: Queue
  readonly #bytes: Queue | undefined
  readonly #clock: ThrottleClock

  constructor({ requestsPerSecond, bytesPerSecond, clock = realClock }: TokenBucketThrottleOptions) {
    this.#clock = clock
    this.#requests = new Queue(checkedRate('requestsPerSecond', requestsPerSecond), clock)
    if (bytesPerSecond !== undefined)
      this.#bytes = new Queue(checkedRate('bytesPerSecond', bytesPerSecond), clock)
  }

  async request(options: CallOptions = {}): Promise<void> {
    await this.#requests.take(1, options)
  }

  async transfer(sizeBytes: number, options: CallOptions = {}): Promise<void> {
    await this.#bytes?.take(sizeBytes, options)
  }

  throttled(error: unknown): void {
    const { serviceCode = '', qosDelayMs } = TransportError.isInstance(error) ? error : {}
    const queue = (ABOUT_BYTES.test(serviceCode) && this.#bytes) || this.#requests
    const pauseMs = Math.min(qosDelayMs || DEFAULT_PAUSE_MS, LONGEST_PAUSE_MS)
    queue.rate.halve(pauseMs, this.#clock.now())
  }
}

/** Those that wait for a rate, in their order. */
class Queue {
  readonly rate: Rate
  readonly #clock: ThrottleClock
  #last: Promise<void> = Promise.resolve()

  constructor(perSecond: number, clock: ThrottleClock) {
    this.rate = new Rate(perSecond)
    this.#clock = clock
  }

  async take(amount: number, { signal }: CallOptions): Promise<void> {
    const before = this.#last
    let done = (): void => {}
    this.#last = new Promise((resolve) => {
      done = resolve
    })
    try {
      await (signal === undefined ? before : orAborted(before, signal))
      // Until it is so: the rate may be halved meanwhile.
      for (let ms = this.#waitMs(); ms > 0; ms = this.#waitMs()) await this.#clock.sleep(ms, { signal })
      signal?.throwIfAborted()
      this.rate.take(amount, this.#clock.now())
    } finally {
      // One that gives up does not let the next one overtake those before it.
      void before.then(done)
    }
  }

  #waitMs(): number {
    return this.rate.waitMs(this.#clock.now())
  }
}

function checkedRate(name: string, perSecond: number): number {
  if (Number.isFinite(perSecond) && perSecond > 0) return perSecond
  throw new CseError('ERR_CSE_INVALID_ARGUMENT', `${name} must be a number above 0, not ${perSecond}.`)
}

const realClock: ThrottleClock = {
  now: () => performance.now(),
  sleep: (ms, { signal }) =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      const abort = (): void => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', abort)
        resolve()
      }, ms)
      signal?.addEventListener('abort', abort, { once: true })
    }),
}
