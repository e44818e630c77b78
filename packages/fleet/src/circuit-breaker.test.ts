import type { CseErrorCode } from '@oss-cse/crypto-core'
import { expect, test } from 'vitest'
import { CircuitBreaker } from './circuit-breaker.ts'

/** The number of the object at which a breaker trips. */
function tripsAt(breaker: CircuitBreaker, codes: readonly (CseErrorCode | undefined)[]): number | undefined {
  const at = codes.findIndex((code) => breaker.record(code) !== undefined)
  return at === -1 ? undefined : at + 1
}
const DENIED: CseErrorCode = 'ERR_CSE_ACCESS_DENIED'
const times = <Item>(count: number, item: Item): Item[] => Array.from({ length: count }, () => item)

test('it trips at the 20th failure in a row, and counts from 0 again', () => {
  const breaker = new CircuitBreaker()
  expect(tripsAt(breaker, times(100, DENIED))).toBe(20)
  expect(tripsAt(breaker, times(19, DENIED))).toBe(undefined)
  expect(tripsAt(breaker, [DENIED])).toBe(1)
})

test('it forgets objects that have left the window', () => {
  const failures = [...times(19, DENIED), ...times(31, undefined)]
  expect(tripsAt(new CircuitBreaker(), [...failures, DENIED])).toBe(undefined)
  expect(tripsAt(new CircuitBreaker(), [...failures.slice(0, -1), DENIED])).toBe(50)
  expect(tripsAt(new CircuitBreaker(), times(1000, [DENIED, undefined, undefined]).flat())).toBe(undefined)
})

test('failures of single objects and of too many requests do not count', () => {
  const codes: CseErrorCode[] = [
    'ERR_CSE_NOT_FOUND',
    'ERR_CSE_THROTTLED',
    'ERR_CSE_SERVICE',
    'ERR_CSE_NOT_ENCRYPTED',
  ]
  expect(tripsAt(new CircuitBreaker(), times(100, codes).flat())).toBe(undefined)
})

test('the reason names the codes', () => {
  const breaker = new CircuitBreaker({ failures: 3, window: 4 })
  const codes: (CseErrorCode | undefined)[] = [DENIED, undefined, 'ERR_CSE_UNWRAP_FAILED', DENIED]
  expect(codes.map((code) => breaker.record(code)).at(-1)).toBe(
    '3 of the last 4 objects failed: ERR_CSE_ACCESS_DENIED, ERR_CSE_UNWRAP_FAILED.',
  )
})

test.each([{ failures: 0 }, { failures: 51 }, { failures: 1.5 }, { window: 19 }, { window: Number.NaN }])(
  '%o is refused',
  (options) => {
    expect(() => new CircuitBreaker(options)).toThrow(
      expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }),
    )
  },
)
