import { describe, expect, test } from 'vitest'
import { humanDuration, humanSize } from './human-size.ts'

describe('sizes and durations for people', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [10 * 1024, '10 KiB'],
    [1024 * 1024 - 1, '1.0 MiB'],
    [512 * 1024 ** 2, '512 MiB'],
    [2 * 1024 ** 3, '2.0 GiB'],
  ])('%i bytes are %s', (bytes, text) => expect(humanSize(bytes)).toBe(text))

  test.each([
    [0, '0:00'],
    [6.2, '0:07'],
    [750, '12:30'],
    [3723, '1:02:03'],
  ])('%d seconds are %s', (seconds, text) => expect(humanDuration(seconds)).toBe(text))
})
