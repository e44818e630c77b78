import { describe, expect, test } from 'vitest'
import { TransferRate } from './transfer-rate.ts'

describe("a transfer's rate", () => {
  test('is 0 at the start', () => {
    expect(new TransferRate().sample(1000, 0)).toBe(0)
  })

  test('covers the whole transfer in the first seconds', () => {
    const rate = new TransferRate()
    rate.sample(0, 0)
    expect(rate.sample(500, 1000)).toBe(500)
    expect(rate.sample(3000, 4000)).toBe(750)
  })

  test('ignores bytes older than a few seconds', () => {
    const rate = new TransferRate()
    for (let second = 0; second <= 10; second++) rate.sample(second * 1000, second * 1000)
    let last = 0
    for (let second = 11; second <= 20; second++)
      last = rate.sample(10_000 + (second - 10) * 10, second * 1000)
    expect(last).toBe(10)
  })

  test('falls to 0 when no bytes move', () => {
    const rate = new TransferRate()
    rate.sample(0, 0)
    rate.sample(1000, 1000)
    for (let second = 2; second < 20; second++) rate.sample(1000, second * 1000)
    expect(rate.sample(1000, 20_000)).toBe(0)
  })

  test('restarts with the transfer', () => {
    const rate = new TransferRate()
    rate.sample(0, 0)
    rate.sample(5000, 1000)
    expect(rate.sample(0, 2000)).toBe(0)
    expect(rate.sample(100, 3000)).toBe(100)
  })
})
