import { expect, test } from 'vitest'
import { settle } from '../../test/multipart.ts'
import { sharedRun } from './shared-run.ts'

/** A run that the test ends itself, and the number of runs. */
function heldRuns() {
  const runs: { resolve(): void; reject(error: unknown): void }[] = []
  const call = sharedRun(() => new Promise<void>((resolve, reject) => runs.push({ resolve, reject })))
  return { runs, call }
}

test('the first call runs at once', () => {
  const { runs, call } = heldRuns()
  void call()
  expect(runs).toHaveLength(1)
})

test('calls during a run share the next run, which starts after all of them', async () => {
  const { runs, call } = heldRuns()
  const ended: string[] = []
  void call().then(() => ended.push('first'))
  void call().then(() => ended.push('second'))
  void call().then(() => ended.push('third'))
  await settle()
  expect(runs).toHaveLength(1)
  runs[0]?.resolve()
  await settle()
  expect(ended).toEqual(['first'])
  expect(runs).toHaveLength(2)
  void call().then(() => ended.push('fourth'))
  runs[1]?.resolve()
  await settle()
  expect(ended).toEqual(['first', 'second', 'third'])
  runs[2]?.resolve()
  await settle()
  expect(ended).toEqual(['first', 'second', 'third', 'fourth'])
  expect(runs).toHaveLength(3)
})

test('a call ends only after a run that started after the call, at any timing', async () => {
  let begun = 0
  let under = 0
  const call = sharedRun(async () => {
    begun += 1
    under += 1
    expect(under).toBe(1)
    for (let i = 0; i < (begun * 5) % 7; i++) await Promise.resolve()
    under -= 1
  })
  const callers = Array.from({ length: 60 }, async (_, index) => {
    for (let i = 0; i < index; i++) await Promise.resolve()
    const before = begun
    await call()
    expect(begun).toBeGreaterThan(before)
  })
  await Promise.all(callers)
  expect(begun).toBeLessThan(60)
})

test('a failure reaches only the callers of its run', async () => {
  const { runs, call } = heldRuns()
  const results: string[] = []
  const watch = (name: string, run: Promise<void>) =>
    run.then(
      () => results.push(`${name} is there`),
      (error: Error) => results.push(`${name}: ${error.message}`),
    )
  const all = [watch('a', call()), watch('b', call()), watch('c', call())]
  runs[0]?.reject(new Error('full'))
  await settle()
  expect(results).toEqual(['a: full'])
  all.push(watch('d', call()))
  runs[1]?.reject(new Error('still full'))
  await settle()
  runs[2]?.resolve()
  await Promise.all(all)
  expect(results).toEqual(['a: full', 'b: still full', 'c: still full', 'd is there'])
})

test('after a failure that no other call shared, the next call runs at once', async () => {
  const { runs, call } = heldRuns()
  const failed = call()
  runs[0]?.reject(new Error('full'))
  await expect(failed).rejects.toThrow('full')
  await settle()
  void call()
  expect(runs).toHaveLength(2)
})
