import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { AK, VECTORS_V1, VECTORS_V4 } from '../test/vectors.ts'
import { signV1, signV4 } from './sign.web.ts'

test.each(VECTORS_V4)('WebCrypto gives the published signature of version 4: $name', async (vector) => {
  const { request, scope, authorization } = vector
  expect(await signV4(request, AK, scope)).toBe(authorization)
  // With the signing key of before.
  expect(await signV4(request, AK, scope)).toBe(authorization)
})

test.each(VECTORS_V1)('WebCrypto gives the published signature of version 1: $name', async (vector) => {
  expect(await signV1(vector.request, vector)).toBe(vector.authorization)
})

test('a missing date rejects', async () => {
  const request = { method: 'GET', headers: {} }
  await expect(signV4(request, AK, { region: 'cn-hangzhou' })).rejects.toThrow(TypeError)
  await expect(signV1(request, AK)).rejects.toThrow(TypeError)
})

describe('an access key that changes while a request is signed', () => {
  const headers = { 'x-oss-date': '20261129T140553Z' }
  const request = { method: 'GET', bucket: 'bucket', key: 'key', headers }
  const old = { accessKeyId: 'old id', accessKeySecret: 'old secret' }
  const renewed = { accessKeyId: 'new id', accessKeySecret: 'new secret' }

  test.each([
    ['version 4', (key: typeof old) => signV4(request, key, { region: 'cn-hangzhou' })],
    ['version 1', (key: typeof old) => signV1(request, key)],
  ])('applies to the next request, and not to a part of this one: %s', async (_, sign) => {
    const key = { ...old }
    const { subtle } = crypto
    const hmac = subtle.sign
    const watched = vi.spyOn(subtle, 'sign').mockImplementation((...given) => {
      Object.assign(key, renewed)
      return hmac.apply(subtle, given)
    })
    onTestFinished(() => watched.mockRestore())
    const first = await sign(key)
    const second = await sign(key)
    expect(first).toBe(await sign(old))
    expect(second).toBe(await sign(renewed))
    // The signing key of the old secret is not kept for the new one.
    expect(second).not.toBe(first.replace('old id', 'new id'))
  })
})
