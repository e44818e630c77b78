import { expect, test } from 'vitest'
import { newRunId, parseRunId } from './run-id.ts'

const date = new Date('2026-11-30T23:59:59Z')

test('the id of a run is made of the command, the bucket and the date, and a number if that is taken', () => {
  const taken = new Set<string>()
  for (const id of ['audit-demo-2026-11-30', 'audit-demo-2026-11-30-2', 'audit-demo-2026-11-30-3']) {
    expect(newRunId('audit', 'demo', date, taken)).toBe(id)
    taken.add(id)
  }
})

test('the id of a run in the bucket with the longest name is valid', () => {
  const taken = new Set(
    Array.from(
      { length: 200 },
      (_, i) => newRunId('migrate', 'b'.repeat(63), date, new Set()) + (i < 2 ? '' : `-${i}`),
    ),
  )
  const id = newRunId('migrate', 'b'.repeat(63), date, taken)
  expect(parseRunId(id)).toBe(id)
  expect(taken.has(id)).toBe(false)
})

test.each(['', '.', '..', 'a/b', 'a b', 'a'.repeat(65), 'ä'])('%j is not the name of a run', (text) => {
  expect(() => parseRunId(text)).toThrow('64')
})
