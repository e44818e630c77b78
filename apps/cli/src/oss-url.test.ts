import { describe, expect, test } from 'vitest'
import { formatOssUrl, parseObjectUrl, parseOssUrl } from './oss-url.ts'

describe('addresses of objects', () => {
  test('a key stands as it is: slashes, spaces, percent signs and question marks', () => {
    const url = 'oss://bucket/a/b c%20d?e=#f\nü'
    expect(parseObjectUrl(url)).toEqual({ bucket: 'bucket', key: 'a/b c%20d?e=#f\nü' })
    expect(formatOssUrl(parseObjectUrl(url))).toBe(url)
  })

  test('a bucket may stand alone or with a prefix where a listing is meant', () => {
    expect(parseOssUrl('oss://bucket')).toEqual({ bucket: 'bucket', key: '' })
    expect(parseOssUrl('oss://bucket/')).toEqual({ bucket: 'bucket', key: '' })
    expect(parseOssUrl('oss://bucket/a/')).toEqual({ bucket: 'bucket', key: 'a/' })
  })

  test.each([
    '',
    'bucket/key',
    'oss:/bucket/key',
    'oss://',
    'oss:///key',
    's3://bucket/key',
    'oss://B/key',
    'oss://-a-/key',
  ])('%j is refused', (url) =>
    expect(() => parseOssUrl(url)).toThrow(expect.objectContaining({ kind: 'usage' })),
  )

  test.each(['oss://bucket', 'oss://bucket/'])('%j names no object', (url) => {
    expect(() => parseObjectUrl(url)).toThrow('names no object')
  })
})
