import { CseError } from '@oss-cse/crypto-core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UserRates } from './user-rates.ts'

/** The textbook: so many tokens, refilled as time passes. */
class TokenBucket {
  #tokens: number
  #atMs = 0
  readonly #perSecond: number
  readonly #burst: number

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#tokens = burst
  }

  take(nowMs: number): boolean {
    this.#tokens = Math.min(this.#burst, this.#tokens + ((nowMs - this.#atMs) / 1000) * this.#perSecond)
    this.#atMs = nowMs
    if (this.#tokens < 1 - 1e-6) return false
    this.#tokens -= 1
    return true
  }
}

test('each user has a token bucket of their own', () => {
  const takes = fc.array(
    fc.tuple(fc.constantFrom('a', 'b', '__proto__'), fc.integer({ min: 0, max: 3000 })),
    {
      maxLength: 300,
    },
  )
  // Rates whose interval is a whole number of milliseconds: neither side rounds then.
  const rate = fc.record({
    perSecond: fc.constantFrom(1, 2, 5, 20, 1000),
    burst: fc.integer({ min: 1, max: 20 }),
  })
  fc.assert(
    fc.property(rate, takes, ({ perSecond, burst }, steps) => {
      const rates = new UserRates({ perSecond, burst })
      const buckets = new Map(
        ['a', 'b', '__proto__'].map((user) => [user, new TokenBucket(perSecond, burst)]),
      )
      let nowMs = 0
      for (const [user, passedMs] of steps) {
        nowMs += passedMs
        expect(rates.take(user, nowMs)).toBe(buckets.get(user)?.take(nowMs))
      }
    }),
  )
})

test('a full bucket gives its burst at any time of day, and no token more', () => {
  for (const nowMs of [0, 0.1, 123_456_789.123, 1e10]) {
    const rates = new UserRates({ perSecond: 3, burst: 200 })
    const taken = Array.from({ length: 300 }, () => rates.take('a', nowMs))
    expect(taken.filter(Boolean)).toHaveLength(200)
  }
})

describe('memory', () => {
  test('is bounded: with too many users at once, further ones are refused, and nobody gets a second burst', () => {
    const rates = new UserRates({ perSecond: 1, burst: 2 }, 3)
    for (const user of ['a', 'b', 'c']) {
      expect([rates.take(user, 0), rates.take(user, 0)]).toEqual([true, true])
    }
    expect(rates.take('d', 0)).toBe(false)
    expect(rates.take('a', 0)).toBe(false)
    expect(rates.size).toBe(3)
  })

  test('is free again when the buckets of others are full', () => {
    const rates = new UserRates({ perSecond: 1, burst: 2 }, 3)
    for (const user of ['a', 'b', 'c']) rates.take(user, 0)
    expect(rates.take('d', 500)).toBe(false)
    expect(rates.take('d', 1500)).toBe(true)
    expect(rates.size).toBe(1)
  })

  test('of any run stays bounded', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(50), fc.nat(2000)), { maxLength: 200 }), (steps) => {
        const rates = new UserRates({ perSecond: 1, burst: 3 }, 10)
        let nowMs = 0
        for (const [user, passedMs] of steps) {
          nowMs += passedMs
          rates.take(String(user), nowMs)
          expect(rates.size).toBeLessThanOrEqual(10)
        }
      }),
    )
  })
})

test.each([
  { perSecond: 0 },
  { perSecond: Number.NaN },
  { perSecond: Number.POSITIVE_INFINITY },
  { burst: 0 },
  { burst: 1.5 },
])('%j is no rate', (options) => {
  expect(() => new UserRates(options)).toThrow(CseError)
})
