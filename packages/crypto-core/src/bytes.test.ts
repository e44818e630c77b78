import fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import { decodeBase64, encodeBase64, encodeHex, equalBytes } from './bytes.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

test('hexadecimal digits are two for each byte, in lower case', () => {
  expect(encodeHex(Uint8Array.of(0, 9, 10, 171, 255))).toBe('00090aabff')
})

test('base64 decodes to the encoded bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(decodeBase64(encodeBase64(bytes))).toEqual(bytes)
    }),
  )
})

test.each([
  'a',
  'ab',
  'abc',
  'ab=',
  'a===',
  '====',
  'YQ==YQ==',
  'Y Q=',
  'YQ==\n',
  '\tYQ==',
  'YQ==\u00a0',
  'YQ',
  'Y-_=',
  'é===',
])('%j is not strict base64', (text) => {
  expect(decodeBase64(text)).toBeUndefined()
})

test.each(['YR==', 'Yf==', 'YWJ=', 'YWL=', 'AAAAYR=='])(
  '%j, with stray low bits, is not strict base64',
  (text) => {
    expect(decodeBase64(text)).toBeUndefined()
  },
)

test('only the canonical encoding of its bytes is base64, even if the runtime accepts more', () => {
  const character = fc.constantFrom(...'ABCQRghwxyz0189+/=-_ \n\f\v\u00a0é')
  fc.assert(
    fc.property(fc.string({ unit: character, maxLength: 12 }), (text) => {
      const bytes = decodeBase64(text)
      expect(bytes === undefined || encodeBase64(bytes) === text).toBe(true)
    }),
  )
})

test('a lenient decoder of the runtime does not decode more', () => {
  vi.stubGlobal('atob', () => 'a')
  expect(decodeBase64('YQ==')).toEqual(Uint8Array.of(97))
  for (const text of ['YR==', 'YQ', ' YQ==', 'YQ==\n']) expect(decodeBase64(text)).toBeUndefined()
})

test('a text far longer than a header is not decoded', () => {
  expect(decodeBase64('A'.repeat(8 * 1024 * 1024))).toBeUndefined()
})

test('arrays are equal if and only if all their bytes and their lengths are', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 20 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (bytes, at, by) => {
        expect(equalBytes(bytes, Uint8Array.from(bytes))).toBe(true)
        expect(equalBytes(bytes, Uint8Array.of(...bytes, 0))).toBe(false)
        if (bytes.length === 0) return
        expect(equalBytes(bytes.subarray(1), bytes)).toBe(false)
        const changed = Uint8Array.from(bytes)
        changed[at % bytes.length] = (changed[at % bytes.length] ?? 0) ^ by
        expect(equalBytes(bytes, changed)).toBe(false)
      },
    ),
  )
})
