import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Rate } from './rate.ts'

test('in any second no more passes than the rate and a burst, whatever is taken when', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 10, max: 1000 }),
      fc.array(
        fc.record({ amount: fc.integer({ min: 1, max: 20 }), idleMs: fc.integer({ min: 0, max: 300 }) }),
        {
          maxLength: 100,
        },
      ),
      (perSecond, takes) => {
        const rate = new Rate(perSecond)
        let nowMs = 0
        const passed: { readonly atMs: number; readonly amount: number }[] = []
        for (const { amount, idleMs } of takes) {
          nowMs += idleMs + rate.waitMs(nowMs + idleMs)
          rate.take(amount, nowMs)
          passed.push({ atMs: nowMs, amount })
        }
        for (const { atMs } of passed) {
          const second = passed.filter((one) => one.atMs >= atMs && one.atMs < atMs + 1000)
          const sum = second.reduce((total, { amount }) => total + amount, 0)
          // What is taken last may be more than what is left.
          expect(sum).toBeLessThanOrEqual(perSecond * 1.1 + 20 + 1e-6)
        }
      },
    ),
  )
})

test('late timers do not slow it down', () => {
  const rate = new Rate(500)
  let nowMs = 0
  let taken = 0
  // Each timer is 1.5 ms late, which is almost the time between two requests.
  while (nowMs < 10_000) {
    const waitMs = rate.waitMs(nowMs)
    nowMs += waitMs > 0 ? waitMs + 1.5 : 0
    rate.take(1, nowMs)
    taken += 1
  }
  expect(taken).toBeGreaterThan(4950)
  expect(taken).toBeLessThan(5100)
})

test('it is halved once for all failures of a second, and rises to the full rate in 25 seconds', () => {
  const rate = new Rate(100)
  rate.halve(0, 5000)
  rate.halve(0, 5010)
  rate.halve(0, 5999)
  expect(rate.perSecond(5000)).toBe(50)
  expect(rate.perSecond(6000)).toBeCloseTo(52)
  rate.halve(0, 6000)
  expect(rate.perSecond(6000)).toBeCloseTo(26)
  expect(rate.perSecond(16_000)).toBeCloseTo(46)
  expect(rate.perSecond(60_000)).toBe(100)
})

test('it never falls to nothing', () => {
  const rate = new Rate(100)
  for (let second = 0; second < 100; second++) rate.halve(0, second * 1000)
  expect(rate.perSecond(99_000)).toBeGreaterThanOrEqual(2)
})

test('nothing passes in a pause, and a shorter pause does not end it', () => {
  const rate = new Rate(100)
  rate.halve(3000, 0)
  rate.halve(10, 1000)
  expect(rate.waitMs(1000)).toBe(2000)
  expect(rate.waitMs(3000)).toBe(0)
  // No burst after it.
  rate.take(1, 3000)
  expect(rate.waitMs(3000)).toBeGreaterThan(0)
})
