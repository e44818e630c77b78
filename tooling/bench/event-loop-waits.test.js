import { expect, test } from 'vitest'
import { valueAt, waitAt } from './event-loop-waits.js'

/** Times with these between them. */
function ticks(...gaps) {
  const times = [7]
  for (const gap of gaps) times.push(times.at(-1) + gap)
  return times
}

test('between regular ticks, something waits for at most the time between two', () => {
  const times = ticks(...Array(100).fill(2))
  expect(waitAt(times, 0.5)).toBeCloseTo(1, 2)
  expect(waitAt(times, 0.99)).toBeCloseTo(1.98, 2)
  expect(waitAt(times, 1)).toBeCloseTo(2, 2)
})

test('a pause counts for as long as it lasts', () => {
  // A tenth of the time is one pause: of a thousand late moments, ten wait longer than 90 ms.
  const times = ticks(...Array(900).fill(1), 100)
  expect(waitAt(times, 0.99)).toBeCloseTo(90, 2)
  expect(waitAt(times, 0.9)).toBeCloseTo(900 / 901, 2)
})

test('a value at a share is one of the values', () => {
  const values = Array.from({ length: 200 }, (_, index) => 200 - index)
  expect(valueAt(values, 0.99)).toBe(198)
  expect(valueAt(values, 1)).toBe(200)
  expect(valueAt([3], 0.99)).toBe(3)
})
