import { describe, expect, test } from 'vitest'
import { parseSize } from './parse-size.ts'

describe('a size', () => {
  test.each([
    ['0', 0],
    ['1048576', 1_048_576],
    ['512KiB', 524_288],
    ['10MiB', 10_485_760],
    ['10mib', 10_485_760],
    ['5GiB', 5_368_709_120],
    ['48TiB', 52_776_558_133_248],
  ])('%s is %i bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes)
  })

  test.each([
    '',
    'MiB',
    '10MB',
    '10M',
    '10B',
    '1.5GiB',
    '-1',
    '+1',
    ' 1',
    '10 MiB',
    '1e6',
    '0x10',
    '9000TiBs',
  ])('%j is refused, and the message says what is not', (text) => {
    expect(() => parseSize(text)).toThrow(/KiB, MiB, GiB or TiB, such as 10MiB/)
  })

  test('that is not a safe integer is refused', () => {
    expect(() => parseSize('9007199254740993')).toThrow(/whole number/)
    expect(() => parseSize('99999TiB')).toThrow(/whole number/)
  })
})
