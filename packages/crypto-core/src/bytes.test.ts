import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeBase64, encodeBase64 } from './bytes.ts'

test('base64 comes back as the bytes it was', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(decodeBase64(encodeBase64(bytes))).toEqual(bytes)
    }),
  )
})

test.each(['a', 'ab', 'abc', 'ab=', 'a===', 'ab==cd==', 'a b=', 'YQ==\n', 'YQ', 'Y-_=', 'é==='])(
  '%j is not strict base64',
  (text) => {
    expect(decodeBase64(text)).toBeUndefined()
  },
)

test('text far longer than a header is not decoded', () => {
  expect(decodeBase64('A'.repeat(8 * 1024 * 1024))).toBeUndefined()
})
