import { CseError } from '@oss-cse/crypto-core'

/** How many keys a user may ask for. */
export interface UserRateOptions {
  /** The keys in a second that a user may ask for on average: above 0. Default 50. */
  readonly perSecond?: number | undefined
  /** The keys that a user may ask for at once: a whole number from 1. Default 500. */
  readonly burst?: number | undefined
}

/** How many users are remembered. Only those whose bucket is not full count. */
const MAX_USERS = 100_000

/**
 * A token bucket for each user. Of each it keeps one number: when the bucket is full again. A full bucket is as good as none, and
 * is forgotten. It knows no clock: each call states the time, in milliseconds, which never decreases.
 */
export class UserRates {
  readonly #intervalMs: number
  readonly #burst: number
  readonly #maxUsers: number
  readonly #fullAtMs = new Map<string, number>()
  #sweptMs = Number.NEGATIVE_INFINITY

  /** @throws CseError `ERR_CSE_INVALID_ARGUMENT` */
  constructor({ perSecond = 50, burst = 500 }: UserRateOptions = {}, maxUsers: number = MAX_USERS) {
    if (!Number.isFinite(perSecond) || perSecond <= 0 || !Number.isInteger(burst) || burst < 1) {
      throw new CseError(
        'ERR_CSE_INVALID_ARGUMENT',
        '`rateLimit` needs a `perSecond` above 0, and a whole number from 1 as `burst`.',
      )
    }
    this.#intervalMs = 1000 / perSecond
    this.#burst = burst
    this.#maxUsers = maxUsers
  }

  /** How many users have a bucket that is not full, or was not when it was last looked at. */
  get size(): number {
    return this.#fullAtMs.size
  }

  /** Takes one token of a user. Returns false if there is none. */
  take(user: string, nowMs: number): boolean {
    const fullAtMs = Math.max(this.#fullAtMs.get(user) ?? nowMs, nowMs) + this.#intervalMs
    if (fullAtMs - nowMs > this.#burst * this.#intervalMs + ROUNDING_MS) return false
    if (!this.#fullAtMs.has(user) && !this.#hasRoom(nowMs)) return false
    this.#fullAtMs.set(user, fullAtMs)
    return true
  }

  /** Too many users at once are refused. To forget one whose bucket is not full would give them another burst. */
  #hasRoom(nowMs: number): boolean {
    if (this.#fullAtMs.size < this.#maxUsers) return true
    // The sweep looks at every user, so it does not happen for each request.
    if (nowMs - this.#sweptMs < SWEEP_MS) return false
    this.#sweptMs = nowMs
    for (const [user, fullAtMs] of this.#fullAtMs) if (fullAtMs <= nowMs) this.#fullAtMs.delete(user)
    return this.#fullAtMs.size < this.#maxUsers
  }
}

const SWEEP_MS = 1000
/** More than the errors of adding up a burst, on a clock that has run for months. */
const ROUNDING_MS = 1e-3
