import { expect, test } from 'vitest'
import { targetRows } from './targets.js'

const transfer = (...pairs) => pairs.map(([seconds, cpuSeconds]) => ({ seconds, cpuSeconds }))
const small = (wallMs, cpuMs) => {
  const figures = { wallMs, cpuMs }
  return [{ 'put x1': figures, 'get x1': figures, 'put x16': figures, 'get x16': figures }]
}
const rowOf = (results, what, of = '') =>
  targetRows({ outcomes: {}, ...results }).find((row) => row.what === what && row.target.endsWith(of))

test('what was not measured is on the list, and neither met nor missed', () => {
  const rows = targetRows({ outcomes: {} })
  expect(rows).toHaveLength(15)
  for (const { reached, met } of rows) {
    expect(reached).toBe('not measured')
    expect(met).toBeUndefined()
  }
})

test('CPU beside a baseline is a quotient of medians, and may not be more than the target', () => {
  const samples = (...ours) => ({
    put: {
      samples: {
        'oss-cse': transfer(...ours.map((cpu) => [1, cpu])),
        baseline: transfer([9, 2], [9, 4], [9, 1]),
      },
    },
  })
  expect(rowOf({ outcomes: samples(1.3, 9, 0.1) }, 'put, CPU')).toMatchObject({
    reached: '0.65 x',
    met: true,
  })
  const missed = rowOf({ outcomes: samples(2.6) }, 'put, CPU')
  expect(missed).toMatchObject({ reached: '1.30 x', met: false })
  expect(missed.missedBy).toBeCloseTo(1)
})

test('the speed of a transfer is by the clock, and CPU decides nothing', () => {
  const samples = { 'oss-cse': transfer([1, 5]), 'go-v2': transfer([1.5, 1]), 'ali-oss': transfer([0.9, 50]) }
  const outcomes = { put: { samples } }
  expect(rowOf({ outcomes }, 'put', 'Go V2')).toMatchObject({ reached: '1.50 x', met: true })
  const plain = rowOf({ outcomes }, 'put', 'plain ali-oss')
  expect(plain).toMatchObject({ met: false, aside: 'by CPU 10.00 x' })
  expect(plain.missedBy).toBeCloseTo(0.1)
})

test('a small call is as fast as the lower of clock and CPU', () => {
  const samples = { 'oss-cse': small(2, 1), 'ali-oss': small(1, 1), 'go-v2': small(8, 1.5) }
  const results = { small: { 2048: { samples, cannot: { 'oss-cse, cached': 'no such option' } } } }
  expect(rowOf(results, '1 KiB put, RSA-2048')).toMatchObject({ reached: '0.50 x', met: false })
  expect(rowOf(results, '1 KiB get, RSA-2048', 'Go V2')).toMatchObject({ reached: '1.50 x', met: false })
  expect(rowOf(results, '1 KiB get, the unwrapped key cached').reached).toBe('not measured: no such option')
})

test('a hit of the cache is held against plain ali-oss once there is one', () => {
  const samples = { 'oss-cse': small(9, 9), 'oss-cse, cached': small(1, 1), 'ali-oss': small(1.3, 1.25) }
  const row = rowOf({ small: { 2048: { samples, cannot: {} } } }, '1 KiB get, the unwrapped key cached')
  expect(row).toMatchObject({ reached: '1.25 x', met: true })
})

test('the command line is held against seconds of CPU', () => {
  const cli = { 'get of 1 KiB': { 'oss-cse': [{ wallSeconds: 1, cpuSeconds: 0.25 }] } }
  const row = rowOf({ cli }, '`oss-cse get` of 1 KiB, CPU')
  expect(row).toMatchObject({ target: 'at most 0.200 s', reached: '0.250 s', met: false })
  expect(row.missedBy).toBeCloseTo(0.25)
})
