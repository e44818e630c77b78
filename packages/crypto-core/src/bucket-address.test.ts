import { expect, test } from 'vitest'
import { type BucketAddress, checkedBucketAddress } from './bucket-address.ts'

const PLACE = { bucket: 'my-bucket', region: 'cn-hangzhou' }

test.each<[Partial<BucketAddress> & { secure?: boolean }, string | undefined, string]>([
  [{}, undefined, 'virtual'],
  [{ region: 'oss-cn-hangzhou' }, undefined, 'virtual'],
  [{ endpoint: 'https://oss.example' }, 'https://oss.example', 'virtual'],
  [{ endpoint: 'oss.example' }, 'https://oss.example', 'virtual'],
  [{ endpoint: 'oss.example:8080', secure: false }, 'http://oss.example:8080', 'virtual'],
  [{ endpoint: 'http://localhost:9' }, 'http://localhost:9', 'path'],
  [{ endpoint: 'http://127.0.0.1:9' }, 'http://127.0.0.1:9', 'path'],
  [{ endpoint: 'http://[::1]:9' }, 'http://[::1]:9', 'path'],
  [{ endpoint: 'https://img.example', addressing: 'cname' }, 'https://img.example', 'cname'],
])('the address %j has the endpoint %s and is %s', (options, origin, addressing) => {
  const { endpoint, ...checked } = checkedBucketAddress({ ...PLACE, ...options })
  expect(endpoint?.origin).toBe(origin)
  expect(checked).toEqual({ ...PLACE, addressing })
})

test.each<[object, string]>([
  [{ bucket: 'My' }, '`bucket`'],
  [{ bucket: undefined }, '`bucket`'],
  [{ region: undefined }, '`region`'],
  [{ region: 'cn hangzhou' }, '`region`'],
  [{ endpoint: 'https://' }, '`endpoint`'],
  [{ endpoint: 'ftp://a.b' }, '`endpoint`'],
  [{ endpoint: 'https://a.b/c' }, '`endpoint`'],
  [{ endpoint: 'https://a.b?c' }, '`endpoint`'],
  [{ endpoint: 'https://a.b#c' }, '`endpoint`'],
  [{ endpoint: 'https://user@a.b' }, '`endpoint`'],
  [{ endpoint: 'http://a.b', secure: true }, '`secure: true`'],
  [{ endpoint: 'https://my-bucket.a.b' }, '`endpoint`'],
  [{ endpoint: 'http://127.0.0.1', addressing: 'virtual' }, '"path"'],
  [{ addressing: 'cname' }, '`endpoint`'],
  [{ addressing: 'other' }, '`addressing`'],
])('the address %j is refused', (options, word) => {
  expect(() => checkedBucketAddress({ ...PLACE, ...options } as BucketAddress)).toThrow(
    expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT', message: expect.stringContaining(word) }),
  )
})
