import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CseError, TransportError } from './errors.ts'
import { printable, printableJson } from './printable.ts'

/** Each text, and its escaped form. */
const ESCAPED = [
  ['\0', '\\x00'],
  ['\t', '\\x09'],
  ['\n', '\\x0a'],
  ['\r', '\\x0d'],
  ['\x1b[31m', '\\x1b[31m'],
  ['\x7f', '\\x7f'],
  ['\x80', '\\x80'],
  ['\x9b2J', '\\x9b2J'],
  ['\x9f', '\\x9f'],
  ['\u2028', '\\u{2028}'],
  ['\u2029', '\\u{2029}'],
  ['\u202e', '\\u{202e}'],
  ['\u2066', '\\u{2066}'],
  ['\u200f', '\\u{200f}'],
  ['\ud800', '\\u{d800}'],
  ['\udfff', '\\u{dfff}'],
] as const
const KEPT = ['', 'a b', '\\', '"', 'ä', '中', '😀', '\u00a0', '👩‍👩‍👧', '~']
const HOSTILE = ESCAPED.map(([text]) => text).join('x')
// biome-ignore lint/suspicious/noControlCharactersInRegex: the test searches for control characters
const RAW = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/

describe('a printable text', () => {
  test.each(ESCAPED)('escapes %j', (text, escaped) => {
    expect(printable(`<${text}>`)).toBe(`<${escaped}>`)
  })

  test.each(KEPT)('keeps %j', (text) => {
    expect(printable(text)).toBe(text)
    expect(printableJson(text)).toBe(JSON.stringify(text))
  })
})

test('printable JSON is one line that parses to the same value, without such a character', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), fc.string({ unit: 'binary' }), (value, text) => {
      const whole = { value, [text]: HOSTILE + text }
      const json = printableJson(whole)
      expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(whole)))
      expect(json).not.toMatch(RAW)
    }),
  )
})

describe('a server’s text', () => {
  test('is escaped in the message of an error, whose object key stays unescaped', () => {
    const error = new CseError('ERR_CSE_SERVICE', `put of ${HOSTILE} failed`, { objectKey: HOSTILE })
    expect(error.message).toBe(`put of ${printable(HOSTILE)} failed`)
    expect(error.stack?.split('\n')[0]).not.toMatch(RAW)
    expect(error.objectKey).toBe(HOSTILE)
  })

  test('is escaped in each text of a transport error', () => {
    const error = new TransportError('ERR_CSE_SERVICE', HOSTILE, {
      serviceCode: HOSTILE,
      requestId: HOSTILE,
      ec: HOSTILE,
      retryable: false,
    })
    for (const text of [error.message, error.serviceCode, error.requestId, error.ec]) {
      expect(text).toBe(printable(HOSTILE))
    }
  })
})
