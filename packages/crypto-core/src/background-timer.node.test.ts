import { expect, test, vi } from 'vitest'
import { backgroundTimer } from './background-timer.ts'

test('a background timer does not keep the process alive', () => {
  const started = vi.spyOn(globalThis, 'setTimeout')
  const stop = backgroundTimer(() => {}, 1000)
  const timer = started.mock.results[0]?.value as NodeJS.Timeout
  expect(timer.hasRef()).toBe(false)
  stop()
  started.mockRestore()
})
