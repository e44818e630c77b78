import { expect, test } from 'vitest'
import { PartsProgress, type Progress } from './progress.ts'

function listen(totalBytes: number, partCount: number) {
  const reports: Progress[] = []
  const progress = new PartsProgress((report) => reports.push(report), totalBytes, partCount)
  return { progress, transferred: () => reports.map(({ transferredBytes }) => transferredBytes), reports }
}

test('a part that is sent again reports nothing until it has caught up', () => {
  const { progress, transferred } = listen(100, 2)
  for (const bytes of [10, 30]) progress.advance(1, bytes)
  progress.advance(2, 5)
  for (const bytes of [10, 20, 30, 31]) progress.advance(1, bytes)
  expect(transferred()).toEqual([0, 10, 30, 35, 36])
})

test('a finished part counts whole, whatever it reported before', () => {
  const { progress, reports } = listen(100, 3)
  progress.resumed(2, 40)
  progress.advance(1, 10)
  progress.done(1, 40)
  progress.done(3, 20)
  expect(reports).toEqual([
    { transferredBytes: 0, totalBytes: 100, resumedBytes: 0, partsDone: 0, partCount: 3 },
    { transferredBytes: 40, totalBytes: 100, resumedBytes: 40, partsDone: 1, partCount: 3 },
    { transferredBytes: 50, totalBytes: 100, resumedBytes: 40, partsDone: 1, partCount: 3 },
    { transferredBytes: 80, totalBytes: 100, resumedBytes: 40, partsDone: 2, partCount: 3 },
    { transferredBytes: 100, totalBytes: 100, resumedBytes: 40, partsDone: 3, partCount: 3 },
  ])
  expect(progress.resumedBytes).toBe(40)
})
