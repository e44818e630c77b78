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
  expect(rows).toHaveLength(56)
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
  expect(rowOf({ outcomes: samples(1.3, 9, 0.1) }, 'put, CPU', 'baseline')).toMatchObject({
    reached: '0.65 x',
    met: true,
  })
  const missed = rowOf({ outcomes: samples(2.6) }, 'put, CPU', 'baseline')
  expect(missed).toMatchObject({ reached: '1.30 x', met: false })
  expect(missed.missedBy).toBeCloseTo(1)
})

test('the speed of a transfer is by the clock, and CPU decides nothing', () => {
  const samples = { 'oss-cse': transfer([1, 5]), 'go-v2': transfer([1.5, 1]), 'ali-oss': transfer([0.9, 50]) }
  const outcomes = { put: { samples } }
  expect(rowOf({ outcomes }, 'put', 'Go V2')).toMatchObject({ reached: '1.50 x', met: true })
  const plain = rowOf({ outcomes }, 'put', 'plain ali-oss')
  expect(plain).toMatchObject({ met: false, aside: 'by CPU 10.00 x' })
  expect(plain.missedBy).toBeCloseTo(1 - 0.9 / 1.1)
})

test('CPU beside another SDK may be as much, and not more', () => {
  const of = (ours) => ({
    outcomes: { get: { samples: { 'oss-cse': transfer([1, ours]), 'go-v2': transfer([9, 2]) } } },
  })
  expect(rowOf(of(2), 'get to a file, CPU', 'Go V2')).toMatchObject({ reached: '1.00 x', met: true })
  expect(rowOf(of(2.1), 'get to a file, CPU', 'Go V2')).toMatchObject({ met: false })
})

test('the drop-in is held against plain ali-oss, in the operation that makes its call', () => {
  const samples = { 'oss-cse': transfer([9, 9]), 'drop-in': transfer([1, 1]), 'ali-oss': transfer([1.1, 1]) }
  const rows = (operation) => ({ outcomes: { [operation]: { samples } } })
  expect(rowOf(rows('get'), 'drop-in `get(name, file)`')).toMatchObject({ reached: '1.10 x', met: false })
  expect(rowOf(rows('put'), 'drop-in `put(name, file)`')).toMatchObject({ reached: '1.10 x', met: true })
  expect(rowOf(rows('upload'), 'drop-in `multipartUpload`')).toMatchObject({ met: false })
  expect(rowOf(rows('put'), 'drop-in `get(name, file)`').met).toBeUndefined()
})

test('a whole command is held against whole processes by the clock', () => {
  const of = (wallSeconds) => [{ wallSeconds, cpuSeconds: 1 }]
  const cliFiles = { get: { 'oss-cse': of(1), 'go-v2': of(1.4), 'python-v1': of(3) } }
  const what = '`oss-cse` as a whole process, get to a file'
  expect(rowOf({ cliFiles }, what, 'Go V2')).toMatchObject({ reached: '1.40 x', met: false })
  expect(rowOf({ cliFiles }, what, 'oss2')).toMatchObject({ reached: '3.00 x', met: true })
})

test('the larger of the two median peaks is held against the limit, and their difference against what is flat', () => {
  const memory = (large) => ({
    memory: { sizes: [2 ** 29, 5 * 2 ** 30], peaks: { put: [[90, 900, 140], [large]] } },
  })
  const rows = (large) =>
    targetRows({ outcomes: {}, ...memory(large) }).filter(({ met }) => met !== undefined)
  expect(rows(150)).toMatchObject([
    { what: 'put, peak RSS', reached: '150 MiB', aside: '512 MiB: 140 MiB; 5 GiB: 150 MiB', met: true },
    { reached: '10 MiB', met: true },
  ])
  expect(rows(157)).toMatchObject([{ met: false }, { reached: '17 MiB', met: false }])
  expect(rows(50)).toMatchObject([
    { reached: '140 MiB', met: true },
    { reached: '-90 MiB', met: true },
  ])
})

test('the lag of the event loop is a median of the rounds, in milliseconds', () => {
  const lag = (...list) => list.map((lagP99Ms) => ({ lagP99Ms, latencyP99Ms: lagP99Ms + 1 }))
  const eventLoop = { 'no transfer': lag(1), 'oss-cse': lag(4, 50, 4.5), 'ali-oss': lag(20) }
  expect(rowOf({ eventLoop }, "lag of a server's event loop during transfers, p99")).toMatchObject({
    target: 'at most 5.0 ms',
    reached: '4.5 ms',
    aside: 'requests 5.5 ms; ali-oss 20.0 ms; no transfer 1.0 ms',
    met: true,
  })
})

test('a range of an opened object takes as long as a plain one, or a little more', () => {
  const of = (latencyMs) => [{ latencyMs, cpuSeconds: 1 }]
  const ranges = { 'oss-cse': of(0.5), 'ali-oss': of(0.4) }
  const row = rowOf({ ranges }, 'range of 1 KiB from an opened object, latency')
  expect(row).toMatchObject({ reached: '1.25 x', met: false, aside: '0.500 ms; by CPU 1.00 x' })
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
