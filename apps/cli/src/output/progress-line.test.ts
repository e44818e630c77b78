import type { Progress } from '@oss-cse/bucket'
import { describe, expect, test } from 'vitest'
import { progressLine } from './progress-line.ts'

const MiB = 1024 ** 2
const quarter: Progress = { transferredBytes: 256 * MiB, totalBytes: 1024 * MiB }
const line = (progress: Progress, columns = 200, bytesPerSecond = 32 * MiB): string =>
  progressLine({ label: 'put', progress, bytesPerSecond, columns })

describe('the line of a progress bar', () => {
  test('shows percent, sizes, rate and remaining time', () => {
    expect(line(quarter)).toBe('put ██████░░░░░░░░░░░░░░░░░░  25%  256 MiB/1.0 GiB  32 MiB/s  ETA 0:24')
  })

  test('shows the parts of a transfer with several parts', () => {
    expect(line({ ...quarter, partsDone: 12, partCount: 52 })).toMatch(/ {2}ETA 0:24 {2}parts 12\/52$/)
    expect(line({ ...quarter, partsDone: 0, partCount: 1 })).toMatch(/ {2}ETA 0:24$/)
  })

  test('shows the bytes transferred when the length is not known', () => {
    expect(line({ transferredBytes: 5 * MiB }, 200, 5 * MiB)).toBe('put  5.0 MiB  5.0 MiB/s')
  })

  test('of a completed transfer has no time left', () => {
    expect(line({ transferredBytes: MiB, totalBytes: MiB })).toMatch(
      /█ 100% {2}1\.0 MiB\/1\.0 MiB {2}.* {2}ETA 0:00$/,
    )
  })

  test('does not guess the remaining time while no bytes move', () => {
    const nothing = { transferredBytes: 0, totalBytes: 100 }
    expect(line(nothing, 200, 0)).toMatch(/ 0% {2}0 B\/100 B {2}0 B\/s {2}ETA -:--$/)
    expect(line(quarter, 200, 1)).toMatch(/ {2}1 B\/s {2}ETA -:--$/)
  })

  test('is never longer than the width of the terminal, however narrow', () => {
    for (const progress of [
      quarter,
      { ...quarter, partsDone: 12, partCount: 52 },
      { transferredBytes: MiB },
    ]) {
      for (let columns = 0; columns <= 120; columns++) {
        expect(line(progress, columns).length).toBeLessThanOrEqual(columns)
      }
    }
  })

  test('on a narrow terminal has a shorter bar, then fewer fields, and keeps percent and time longest', () => {
    const parts = { ...quarter, partsDone: 12, partCount: 52 }
    expect(line(parts, 70)).toBe('put ███░░░░░░░░  25%  256 MiB/1.0 GiB  32 MiB/s  ETA 0:24  parts 12/52')
    expect(line(parts, 60)).toBe('put ████░░░░░░░░░░  25%  256 MiB/1.0 GiB  32 MiB/s  ETA 0:24')
    expect(line(parts, 40)).toBe('put ███░░░░░░░░  25%  32 MiB/s  ETA 0:24')
    expect(line(parts, 27)).toBe('put ██░░░░░░  25%  ETA 0:24')
    expect(line(parts, 20)).toBe('put  25%  ETA 0:24')
    expect(line(parts, 10)).toBe('put  25%')
  })
})
