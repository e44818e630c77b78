import { describe, expect, test } from 'vitest'
import { progressLine } from './progress-bar.ts'

describe('the progress bar', () => {
  test('shows share, sizes, rate and the time that is left', () => {
    const state = { label: 'put', value: 256 * 1024 ** 2, total: 1024 ** 3, elapsedSeconds: 8 }
    expect(progressLine(state)).toBe('put ██████░░░░░░░░░░░░░░░░░░ 25%  256 MiB/1.0 GiB  32 MiB/s  ETA 0:24')
  })

  test('shows what has passed when the length is not known', () => {
    const state = { label: 'put', value: 5 * 1024 ** 2, total: 0, elapsedSeconds: 1 }
    expect(progressLine(state)).toBe('put  5.0 MiB  5.0 MiB/s')
  })

  test('has no rate before the first byte', () => {
    const state = { label: 'get', value: 0, total: 100, elapsedSeconds: 0 }
    expect(progressLine(state)).toMatch(/ 0% {2}0 B\/100 B {2}0 B\/s {2}ETA -:--$/)
  })
})
