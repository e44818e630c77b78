import { describe, expect, test } from 'vitest'
import { formatCount, formatDuration, formatRate, formatSize, shorten, wrapText } from './format.ts'

test('counts have thousands separators', () => {
  expect([0, 1000, 67_108_864].map(formatCount)).toEqual(['0', '1,000', '67,108,864'])
})

test.each([
  [0, '0 bytes'],
  [1023, '1023 bytes'],
  [1024, '1 KiB'],
  [2560, '2.5 KiB'],
  [64 * 1024 ** 2, '64 MiB'],
  [5000 * 1024 ** 3, '5000 GiB'],
])('%i bytes are %s', (sizeBytes, text) => {
  expect(formatSize(sizeBytes)).toBe(text)
})

test.each([
  [0.04, '0.0 ms'],
  [9.94, '9.9 ms'],
  [9.96, '10 ms'],
  [999.4, '999 ms'],
  [999.6, '1.00 s'],
  [12_345, '12.35 s'],
])('%d milliseconds are %s', (durationMs, text) => {
  expect(formatDuration(durationMs)).toBe(text)
})

test('a rate counts millions of bytes, and no time at all is not infinitely fast', () => {
  expect(formatRate(64_000_000, 500)).toBe('128 MB/s')
  expect(formatRate(1024, 5)).toBe('0.2 MB/s')
  expect(formatRate(0, 0)).toBe('0.0 MB/s')
})

test('a text is shortened only when the result is shorter', () => {
  expect(shorten('abcdefghijk', 5)).toBe('abcdefghijk')
  expect(shorten('abcdefghijkl', 5)).toBe('abcde…hijkl')
})

describe('wrapping', () => {
  test('no line is wider than asked for, and no word is lost', () => {
    const text = 'Files are encrypted on this machine before they go to object storage.'
    for (let width = 9; width < text.length + 2; width += 1) {
      const lines = wrapText(text, width)
      expect(lines.join(' ')).toBe(text)
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width)
    }
  })

  test('a word that is too long has a line of its own', () => {
    expect(wrapText('see docs/THREAT_MODEL.md there', 6)).toEqual(['see', 'docs/THREAT_MODEL.md', 'there'])
  })

  test('an empty text is one empty line', () => {
    expect(wrapText('', 10)).toEqual([''])
  })
})
