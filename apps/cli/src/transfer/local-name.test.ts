import { describe, expect, test } from 'vitest'
import { localNameOf } from './local-name.ts'

const usage = expect.objectContaining({ kind: 'usage' })

/** 255 bytes in UTF-8. */
const LONGEST = `a${'ü'.repeat(127)}`

describe('the file name of an object', () => {
  test.each([
    ['report.pdf', 'report.pdf'],
    ['a/b/report.pdf', 'report.pdf'],
    ['a/...', '...'],
    ['a/.hidden', '.hidden'],
    ['a/-', '-'],
    ['a/--force', '--force'],
    ['a/b c ü', 'b c ü'],
    [`a/${LONGEST}`, LONGEST],
    ['a\\b', 'a\\b'],
  ])('of %j is %j', (key, name) => {
    expect(localNameOf(key, 'linux')).toBe(name)
  })

  test.each(['', 'a/', 'a/.', 'a/..', '.', '..', 'a\0b', 'a/b\0', `a/${LONGEST}b`])(
    '%j is not a file name on any system',
    (key) => {
      for (const platform of ['linux', 'darwin', 'win32'] as const) {
        expect(() => localNameOf(key, platform)).toThrow(usage)
      }
    },
  )

  test.each([
    'a\\b',
    '..\\..\\a',
    'c:a',
    'a:stream',
    'a?',
    'a*',
    'a|b',
    'a.',
    'a ',
    'nul',
    'CON.txt',
    'com1',
    'a\nb',
  ])('%j is not a file name on Windows', (key) => {
    expect(() => localNameOf(`dir/${key}`, 'win32')).toThrow(usage)
    expect(localNameOf(`dir/${key}`, 'linux')).toBe(key)
  })
})
