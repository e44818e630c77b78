import { CseError, type CseErrorCode } from '@oss-cse/crypto-core'

/** Options of a circuit breaker. */
export interface CircuitBreakerOptions {
  /** It trips at this many failures that concern the whole run. Default 20. */
  readonly failures?: number | undefined
  /** It looks at this many objects, the latest ones. Default 50. */
  readonly window?: number | undefined
}

/**
 * Failures that the next object has too, in all likelihood: those of the master key, the credentials, the clock, the
 * network and the disk. Also content that is not authentic: many such objects are an attack, or a wrong key.
 */
const OF_THE_RUN: ReadonlySet<CseErrorCode> = new Set<CseErrorCode>([
  'ERR_CSE_ACCESS_DENIED',
  'ERR_CSE_AUTHENTICATION_FAILED',
  'ERR_CSE_CANNOT_UNWRAP',
  'ERR_CSE_CLOCK_SKEW',
  'ERR_CSE_CREDENTIALS_EXPIRED',
  'ERR_CSE_FILE',
  'ERR_CSE_INTEGRITY',
  'ERR_CSE_INVALID_KEY',
  'ERR_CSE_MASTER_KEY_DISABLED',
  'ERR_CSE_MASTER_KEY_NOT_FOUND',
  'ERR_CSE_NETWORK',
  'ERR_CSE_NO_MATCHING_KEY',
  'ERR_CSE_TIMEOUT',
  'ERR_CSE_UNWRAP_FAILED',
  'ERR_CSE_WRONG_REGION',
])

/**
 * Notices when so many objects fail for the same kind of reason that the whole run should stop. By default it trips when 20
 * of the last 50 objects had such a failure: 20 in a row are enough, and single objects that are damaged or forbidden do
 * not trip it in a healthy bucket. A run of fewer than 20 objects never trips it. Failures of one object, such as
 * `ERR_CSE_NOT_FOUND`, do not count, and `ERR_CSE_THROTTLED` does not either: then the worker must slow down.
 *
 * @example
 * ```ts
 * const reason = breaker.record(row.code)
 * if (reason !== undefined) await queue.pause(runId, reason)
 * ```
 */
export class CircuitBreaker {
  readonly #failures: number
  readonly #window: number
  #latest: (CseErrorCode | undefined)[] = []

  /** @throws CseError `ERR_CSE_INVALID_ARGUMENT` unless the options are whole numbers and 1 <= failures <= window */
  constructor({ failures = 20, window = 50 }: CircuitBreakerOptions = {}) {
    if (!Number.isInteger(failures) || !Number.isInteger(window) || failures < 1 || window < failures) {
      throw new CseError('ERR_CSE_INVALID_ARGUMENT', 'A circuit breaker needs 1 <= failures <= window.')
    }
    this.#failures = failures
    this.#window = window
  }

  /**
   * Records the result of an object.
   *
   * @param code - why it failed. Absent: it did not
   * @returns why the run should be paused, in one sentence, if the breaker trips. It then counts from 0 again
   */
  record(code?: CseErrorCode | undefined): string | undefined {
    this.#latest.push(code !== undefined && OF_THE_RUN.has(code) ? code : undefined)
    if (this.#latest.length > this.#window) this.#latest.shift()
    const failed = this.#latest.filter((one) => one !== undefined)
    if (failed.length < this.#failures) return undefined
    const reason = `${failed.length} of the last ${this.#latest.length} objects failed: ${[...new Set(failed)].sort().join(', ')}.`
    this.#latest = []
    return reason
  }
}
