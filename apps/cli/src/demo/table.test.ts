import { expect, test } from 'vitest'
import { tableLines } from './table.ts'

test('the first column is aligned left, the others right, each as wide as its longest cell', () => {
  expect(
    tableLines([
      ['size', 'put'],
      ['1 KiB', '4.2 ms'],
      ['64 MiB', '1.20 s'],
    ]),
  ).toEqual(['size       put', '1 KiB   4.2 ms', '64 MiB  1.20 s'])
})

test('a table without rows has no lines', () => {
  expect(tableLines([])).toEqual([])
})
