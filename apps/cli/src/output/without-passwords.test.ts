import { expect, test } from 'vitest'
import { withoutPasswords } from './without-passwords.ts'

test.each([
  ['postgres://u:secret@h/d', 'postgres://u:***@h/d'],
  ['POSTGRESQL://u:secret@h', 'POSTGRESQL://u:***@h'],
  ['x "postgres://u:se:cr@et@h/d" y', 'x "postgres://u:***@h/d" y'],
  ['--queue=postgres://:secret@h', '--queue=postgres://:***@h'],
  ['postgres://h/d?user=u&password=secret&x=y', 'postgres://h/d?user=u&password=***&x=y'],
])('%s is printed as %s', (text, printed) => {
  expect(withoutPasswords(text)).toBe(printed)
})

test.each(['postgres://u@h/d', 'postgres://h:5432/d', 'https://a:b@h', 'mail a@b'])(
  '%s stays as it is',
  (text) => {
    expect(withoutPasswords(text)).toBe(text)
  },
)
