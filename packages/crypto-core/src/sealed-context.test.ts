import { expect, test } from 'vitest'
import { encodeContext } from './sealed-context.ts'

test.each([
  ['', ''],
  ['reports/2026/ü.pdf', '7265706f7274732f323032362fc3bc2e706466'],
  // Not normalised: the same glyph from two code points is another context.
  ['u\u0308', '75cc88'],
  ['😀', 'f09f9880'],
])('the context %j is its UTF-8', (context, hex) => {
  expect(Array.from(encodeContext(context), (byte) => byte.toString(16).padStart(2, '0')).join('')).toBe(hex)
})

test('a context has at most 1,024 bytes', () => {
  expect(encodeContext('ü'.repeat(512))).toHaveLength(1024)
  expect(() => encodeContext(`${'ü'.repeat(512)}x`)).toThrow(
    expect.objectContaining({
      code: 'ERR_CSE_INVALID_ARGUMENT',
      message: expect.stringContaining('1025 bytes'),
    }),
  )
})

test.each(['\ud800', 'a\udc00', '\udc00\ud800', 7, null, undefined])('%j is no context', (context) => {
  expect(() => encodeContext(context as string)).toThrow(
    expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }),
  )
})
