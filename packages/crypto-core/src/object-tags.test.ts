import { expect, test } from 'vitest'
import { parseTaggingHeader, taggingHeader } from './object-tags.ts'

const tags = (count: number) => Array.from({ length: count }, (_, i) => ({ key: `k${i}`, value: '' }))

test('the header has keys and values URL-encoded, and no sign of its own in them', () => {
  const all = [
    { key: 'a b', value: '+-=._:/' },
    { key: 'A b', value: '' },
    { key: 'ä', value: '文' },
  ]
  const header = taggingHeader(all)
  expect(header).toBe('a%20b=%2B-%3D._%3A%2F&A%20b&%C3%A4=%E6%96%87')
  expect(parseTaggingHeader(header)).toEqual(all)
})

test('no tags are an empty header', () => {
  expect(taggingHeader([])).toBe('')
  expect(parseTaggingHeader('')).toEqual([])
})

test('10 tags with keys of 128 and values of 256 characters are allowed', () => {
  const longest = tags(10).map((_, i) => ({ key: String(i).repeat(128), value: 'v'.repeat(256) }))
  expect(parseTaggingHeader(taggingHeader(longest))).toEqual(longest)
})

test.each([
  ['11 tags', tags(11)],
  ['a key of 129 characters', [{ key: 'k'.repeat(129), value: '' }]],
  ['a value of 257 characters', [{ key: 'k', value: 'v'.repeat(257) }]],
  ['an empty key', [{ key: '', value: 'v' }]],
  ['a key twice', [...tags(2), { key: 'k1', value: 'other' }]],
  ['an ampersand', [{ key: 'k', value: 'a&b' }]],
  ['a line break', [{ key: 'k\n', value: '' }]],
  ['half of a surrogate pair', [{ key: '\ud83d', value: '' }]],
  ['a value that is missing', [{ key: 'k' } as never]],
])('%s: refused', (_what, refused) => {
  expect(() => taggingHeader(refused)).toThrow(expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }))
})
