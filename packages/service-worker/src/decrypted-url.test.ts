import { describe, expect, test } from 'vitest'
import { decryptedUrl } from './decrypted-url.ts'

const invalid = expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' })

test.each([
  'a',
  'a/b.png',
  '/a',
  'a/../b',
  './a',
  'a?b#c%2F',
  '电影 😀.mp4',
  '...',
  '%2e%2e',
  'a\\b',
  'a\nb',
])('the URL of the key %j survives a browser, and contains the whole key', (key) => {
  const { hash, pathname, search } = new URL(decryptedUrl(key), 'https://app.example/page/')
  expect([hash, search]).toEqual(['', ''])
  expect(pathname.startsWith('/cse/')).toBe(true)
  expect(decodeURIComponent(pathname.slice('/cse/'.length))).toBe(key)
})

test('a name for the download is in the query', () => {
  const url = new URL(decryptedUrl('a', { downloadName: 'x & y?.png' }), 'https://app.example')
  expect(url.searchParams.get('download')).toBe('x & y?.png')
  expect(decryptedUrl('a', { downloadName: '' })).toBe('/cse/a?download=')
})

test('the path may be another one', () => {
  expect(decryptedUrl('a', { path: '/app/files/' })).toBe('/app/files/a')
})

describe('refused', () => {
  test.each(['', '.', '..', '\ud800'])('is the key %j', (key) => {
    expect(() => decryptedUrl(key)).toThrow(invalid)
  })

  test.each(['', 'cse/', '/cse', '//host/', '/a/../b/', '/a?b/', '/ä/', 'https://host/'])(
    'is the path %j',
    (path) => {
      expect(() => decryptedUrl('a', { path })).toThrow(invalid)
    },
  )
})
