/** A full bucket holds what may pass in this time, so that late timers do not slow it down. */
const BURST_MS = 100
/** What the rate regains in a second, as a part of the full rate: it takes 25 s from one half. */
const RISE_PER_SECOND = 0.02
/** The lowest rate, as a part of the full rate. */
const LOWEST = 0.02
/** Responses that arrive this soon after a halving are those to requests from before. */
const HALVING_MS = 1000

/** A token bucket whose rate can be halved, and then rises slowly. It knows no clock: each call states the time. */
export class Rate {
  readonly #fullPerSecond: number
  /** The rate at the time of the last halving. */
  #perSecond: number
  #halvedMs = Number.NEGATIVE_INFINITY
  /** When the bucket has been, or will be, refilled for what was taken so far. */
  #nextMs = Number.NEGATIVE_INFINITY

  constructor(perSecond: number) {
    this.#fullPerSecond = perSecond
    this.#perSecond = perSecond
  }

  /** The current rate. */
  perSecond(nowMs: number): number {
    const risen = ((nowMs - this.#halvedMs) / 1000) * RISE_PER_SECOND * this.#fullPerSecond
    return Math.min(this.#fullPerSecond, this.#perSecond + risen)
  }

  /** For how long nothing may be taken. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#nextMs - nowMs)
  }

  /** Takes an amount, also more than the bucket holds: then the next one waits the longer. */
  take(amount: number, nowMs: number): void {
    const fromMs = Math.max(nowMs - BURST_MS, this.#nextMs)
    this.#nextMs = fromMs + (amount / this.perSecond(nowMs)) * 1000
  }

  /** Halves the rate, at most once in a second, and lets nothing pass for a while. */
  halve(pauseMs: number, nowMs: number): void {
    if (nowMs - this.#halvedMs >= HALVING_MS) {
      this.#perSecond = Math.max(this.#fullPerSecond * LOWEST, this.perSecond(nowMs) / 2)
      this.#halvedMs = nowMs
    }
    this.#nextMs = Math.max(this.#nextMs, nowMs + pauseMs)
  }
}
