import { expect, test } from 'vitest'
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
