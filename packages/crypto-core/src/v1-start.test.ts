import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatV1Start, generateV1Start, parseV1Start } from './v1-start.ts'

test('a start value is the decimal text of the whole 128-bit counter block', () => {
  const block = new Uint8Array(16)
  block[15] = 8
  expect(formatV1Start(block)).toBe('8')
  expect(parseV1Start('8')).toEqual(block)
  expect(formatV1Start(new Uint8Array(16).fill(0xff))).toBe('340282366920938463463374607431768211455')
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (iv) => {
      expect(parseV1Start(formatV1Start(iv))).toEqual(iv)
    }),
  )
})

test.each([
  '',
  ' 8',
  '8\n',
  '-1',
  '+1',
  '1.0',
  '0x8',
  'OA==',
  '٣',
  '340282366920938463463374607431768211456',
])('a start value that is not a decimal number of 128 bits is invalid: %j', (text) => {
  expect(parseV1Start(text)).toBeUndefined()
})

test('a new start value is a small number, like those of the SDKs that read V1', () => {
  for (let i = 0; i < 100; i++) {
    const start = Number(formatV1Start(generateV1Start()))
    expect(start).toBeGreaterThanOrEqual(1)
    expect(start).toBeLessThanOrEqual(10)
  }
})
