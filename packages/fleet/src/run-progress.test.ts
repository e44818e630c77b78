import { expect, test } from 'vitest'
import type { RunStatus, ShardTotals } from './job-queue.ts'
import { runProgress } from './run-progress.ts'

const sample = (seconds: number, totals: ShardTotals) => ({ at: new Date(seconds * 1000), totals })
const status = (complete: boolean, waiting: number, taken: number): Pick<RunStatus, 'plan' | 'shards'> => ({
  plan: { shards: 10, listedKeys: 1000, complete },
  shards: { waiting, taken, completed: 10 - waiting - taken, failed: 0 },
})
const history = [
  sample(100, {}),
  sample(105, { objects: 20, bytes: 900 }),
  sample(110, { objects: 50, bytes: 1000 }),
]

test('the speed is that between the first sample and the last one', () => {
  expect(runProgress(status(false, 5, 1), history)).toEqual({ objectsPerSecond: 5, bytesPerSecond: 100 })
})

test('the time that is left follows from the shards that are left', () => {
  expect(runProgress(status(true, 4, 1), history).etaMs).toBe(100_000)
})

test('objects that are done in unfinished shards shorten the time that is left, down to nothing', () => {
  expect(runProgress(status(true, 4, 1), history, 100).etaMs).toBe(80_000)
  expect(runProgress(status(true, 0, 1), history, 150).etaMs).toBe(0)
})

test('a run whose other shards failed has no time left', () => {
  const failed = { ...status(true, 0, 0), shards: { waiting: 0, taken: 0, completed: 8, failed: 2 } }
  expect(runProgress(failed, history).etaMs).toBe(0)
})

test('nothing is estimated without a complete plan, a speed, or time between samples', () => {
  expect(runProgress(status(false, 4, 1), history).etaMs).toBe(undefined)
  expect(runProgress(status(true, 4, 1), [sample(1, { objects: 5 }), sample(2, { objects: 5 })])).toEqual({
    objectsPerSecond: 0,
    bytesPerSecond: 0,
  })
  for (const short of [[], history.slice(0, 1), [sample(1, {}), sample(1, { objects: 9 })]]) {
    expect(runProgress(status(true, 4, 1), short)).toEqual({})
  }
})
