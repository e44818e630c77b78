import { expect, test } from 'vitest'
import { type FleetLineState, fleetLine } from './fleet-progress.ts'

const state: FleetLineState = {
  runId: 'audit-demo-2026-11-30',
  status: {
    plan: { shards: 76, listedKeys: 75_028, complete: true },
    shards: { waiting: 60, taken: 2, completed: 13, failed: 1 },
    totals: { objects: 13_000, failed: 4 },
  },
  objectsInHand: 28,
  speed: { objectsPerSecond: 511.6, bytesPerSecond: 1, etaMs: 121_000 },
  columns: 200,
}

test('the line of a run has its shards, objects, failures, rate and the time that is left', () => {
  expect(fleetLine(state)).toBe(
    'audit-demo-2026-11-30  shards 13/76  objects 13028  4 failed, 1 shard failed  512/s  ETA 2:01',
  )
})

test('a plan that is not complete, and what is not known, is not pretended', () => {
  const status = { ...state.status, plan: { ...state.status.plan, complete: false }, totals: {} }
  const line = fleetLine({
    ...state,
    status: { ...status, shards: { ...status.shards, failed: 0 } },
    speed: {},
  })
  expect(line).toBe('audit-demo-2026-11-30  shards 13/75+  objects 28')
})

test('the line fits into every width', () => {
  for (let columns = 1; columns <= 120; columns++) {
    expect(fleetLine({ ...state, columns }).length).toBeLessThanOrEqual(columns)
  }
})
