import { expect, it } from 'vitest'
import { checkObjectKey } from './object-key.ts'

const REFUSED: readonly [string, string][] = [
  ['empty', ''],
  ['a leading slash', '/a'],
  ['a leading backslash', '\\a'],
  ['a dot', '.'],
  ['two dots', '..'],
  ['a dot segment', 'a/./b'],
  ['a dot-dot segment', 'a/../b'],
  ['a dot-dot segment at the end', 'a/..'],
  ['1,024 bytes', 'a'.repeat(1024)],
  ['1,023 bytes and more in UTF-8', '中'.repeat(342)],
  ['a lone surrogate', 'a\ud800b'],
]

it.each(REFUSED)('a key that is %s is refused', (_, key) => {
  expect(() => checkObjectKey(key)).toThrow(
    expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT', objectKey: key }),
  )
})

it.each([
  'a',
  'a/b',
  'a//b',
  '.a',
  'a.',
  '...',
  'a/...',
  '中'.repeat(341),
  'a'.repeat(1023),
  '😀',
  'a?b#c%2F+ \'"&<>',
])('the key %s is allowed', (key) => {
  expect(() => checkObjectKey(key)).not.toThrow()
})
