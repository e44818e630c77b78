import { describe, expect, test } from 'vitest'
import { formatOssUrl, parseFileUrl, parseObjectUrl, parseOssUrl, parseTargetUrl } from './oss-url.ts'

describe('URLs of objects', () => {
  test('a key is taken as it is: slashes, spaces, percent signs and question marks', () => {
    const url = 'oss://bucket/a/b c%20d?e=#f\nü'
    expect(parseObjectUrl(url)).toEqual({ bucket: 'bucket', key: 'a/b c%20d?e=#f\nü' })
    expect(formatOssUrl(parseObjectUrl(url))).toBe(url)
  })

  test('a listing takes a bucket, with or without a prefix', () => {
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

  test.each([
    ['oss://bucket', 'a'],
    ['oss://bucket/', 'a'],
    ['oss://bucket/dir/', 'dir/a'],
    ['oss://bucket/dir', 'dir'],
    ['oss://bucket/dir/b', 'dir/b'],
  ])('a source uploaded to %j gets the key %j', (url, key) => {
    expect(parseTargetUrl(url, 'a')).toEqual({ bucket: 'bucket', key })
  })

  test.each([undefined, '', '.', '..'])(
    'a directory as target needs a name, and %j is not a name',
    (name) => {
      for (const url of ['oss://bucket', 'oss://bucket/', 'oss://bucket/dir/']) {
        expect(() => parseTargetUrl(url, name)).toThrow(expect.objectContaining({ kind: 'usage' }))
      }
    },
  )

  test.each(['oss://bucket/.', 'oss://bucket/..', 'oss://bucket/dir/.', 'oss://bucket/dir/..'])(
    '%j is no file',
    (url) => {
      expect(() => parseFileUrl(url)).toThrow(expect.objectContaining({ kind: 'usage' }))
      expect(() => parseTargetUrl(url, 'a')).toThrow(expect.objectContaining({ kind: 'usage' }))
      expect(parseObjectUrl(url).bucket).toBe('bucket')
    },
  )

  test.each(['oss://bucket', 'oss://bucket/'])('%j names no object', (url) => {
    expect(() => parseObjectUrl(url)).toThrow('names no object')
  })
})
