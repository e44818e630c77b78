import { describe, expect, it } from 'vitest'
import { possibleLocations } from './possible-locations.ts'

describe('bucket and key are read', () => {
  it.each([
    ['demo.oss-cn-hangzhou.aliyuncs.com', '/a/b', [{ bucket: 'demo', key: 'a/b' }]],
    [
      'demo.oss-cn-hangzhou.aliyuncs.com',
      '/demo/a',
      [
        { bucket: 'demo', key: 'demo/a' },
        { bucket: 'demo', key: 'a' },
      ],
    ],
    ['oss-cn-hangzhou.aliyuncs.com', '/demo/a', [{ bucket: 'demo', key: 'a' }]],
    ['demo.cb-1.cn-hangzhou.oss-cloudbox.aliyuncs.com', '/a', [{ bucket: 'demo', key: 'a' }]],
    [
      'demo.localhost',
      '/a',
      [
        { bucket: 'demo', key: 'a' },
        { bucket: 'a', key: '' },
      ],
    ],
    ['127.0.0.1', '/demo/a%2Fb//c', [{ bucket: 'demo', key: 'a/b//c' }]],
    ['localhost', '/', [{ bucket: '', key: '' }]],
  ])('from %s%s', (hostname, path, expected) => {
    expect(possibleLocations(hostname, path, undefined)).toEqual(expected)
  })

  it('as the default bucket if the host names none', () => {
    expect(possibleLocations('localhost', '/a/b', 'demo')).toContainEqual({ bucket: 'demo', key: 'a/b' })
  })

  it('but not from a path with a malformed escape', () => {
    expect(possibleLocations('localhost', '/demo/%zz', undefined)).toEqual([])
  })
})
