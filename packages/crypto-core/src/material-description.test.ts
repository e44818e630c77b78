import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  checkedDescription,
  equalDescriptions,
  formatMaterialDescription,
  parseMaterialDescription,
} from './material-description.ts'

const description = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }))

test('the canonical text is compact, sorted and ASCII, for any order of the input', () => {
  const text =
    '{"":"","A":"/\\u003c\\u003e\\u0026","a":"q\\"","\\u00e4":"\\u4e2d","\\ud83d\\ude00":"\\u007f"}'
  expect(formatMaterialDescription({ '😀': '\u007f', ä: '中', a: 'q"', A: '/<>&', '': '' })).toBe(text)
})

test('the text of an empty description is empty, because its header is left out', () => {
  expect(formatMaterialDescription({})).toBe('')
})

test.each([undefined, '', '  ', '{}', '{ }', '[]'])('%j is an empty description', (text) => {
  expect(parseMaterialDescription(text)).toEqual({})
})

test.each([
  ['Python', '{"b": "a/b", "a": "\\u00fc<"}'],
  ['Go', '{"a":"ü\\u003c","b":"a/b"}'],
  ['Go, as an HTTP client hands its UTF-8 bytes out', '{"a":"Ã¼\\u003c","b":"a/b"}'],
  ['Java', '{"a":"ü<","b":"a\\/b"}'],
  ['C++', '{"a":"\\u00FC<","b":"a/b"}'],
  ['PHP', '{"b":"a\\/b","a":"\\u00fc<"}'],
])('the form of the %s SDK is parsed', (_sdk, text) => {
  expect(equalDescriptions(parseMaterialDescription(text), { a: 'ü<', b: 'a/b' })).toBe(true)
})

test.each(['{', 'null', '"a"', '1', '["a"]', '{"a":1}', '{"a":null}', '{"a":{}}'])(
  '%s is damaged',
  (text) => {
    expect(() => parseMaterialDescription(text)).toThrow(
      expect.objectContaining({ code: 'ERR_CSE_ENVELOPE_DAMAGED' }),
    )
  },
)

test('every description is the same after formatting and parsing', () => {
  fc.assert(
    fc.property(description, (given) => {
      const text = formatMaterialDescription(given)
      expect(text).toMatch(/^[\x20-\x7e]*$/)
      expect(equalDescriptions(parseMaterialDescription(text), given)).toBe(true)
    }),
  )
})

test('any text in the header leads to a description or to the same error', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      try {
        parseMaterialDescription(text)
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_CSE_ENVELOPE_DAMAGED' })
      }
    }),
  )
})

test('descriptions are equal only if all their pairs are, and __proto__ is a name like any other', () => {
  expect(equalDescriptions({ a: '1', b: '2' }, { b: '2', a: '1' })).toBe(true)
  expect(equalDescriptions({ a: '1' }, { a: '1', b: '2' })).toBe(false)
  expect(equalDescriptions({ a: '1' }, { a: '2' })).toBe(false)
  expect(equalDescriptions({ toString: '1' }, { a: '1' })).toBe(false)
  const odd = parseMaterialDescription('{"__proto__":"x"}')
  expect(formatMaterialDescription(odd)).toBe('{"__proto__":"x"}')
})

test('a description that is not a map of strings is refused; a checked one cannot change later', () => {
  for (const value of [null, [], 'a', { a: 1 }]) {
    expect(() => checkedDescription(value as never)).toThrow(
      expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }),
    )
  }
  const given: Record<string, string> = { a: '1' }
  const kept = checkedDescription(given)
  given['a'] = '2'
  expect(kept).toEqual({ a: '1' })
  expect(Object.isFrozen(kept)).toBe(true)
})
