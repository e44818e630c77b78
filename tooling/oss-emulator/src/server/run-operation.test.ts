import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../emulator.ts'
import { rawRequest, signedRequest } from '../testing/signed-request.ts'

let emulator: OssEmulator

beforeAll(async () => {
  emulator = await startOssEmulator()
})
afterAll(() => emulator.close())

describe('an operation that the server lacks', () => {
  it.each([
    ['GET', '', 'website'],
    ['PUT', '', 'lifecycle'],
    ['GET', '', 'policy'],
    ['POST', 'a', 'restore'],
    ['GET', 'a', 'x-oss-process=image%2Finfo'],
    ['POST', 'a', 'x-oss-process'],
    ['POST', 'a', 'x-oss-async-process'],
    ['POST', '', ''],
  ])('is refused as not implemented: %s %s?%s', async (method, key, query) => {
    const response = await signedRequest(emulator, { method, key, query })
    expect([response.status, response.element('Code')]).toEqual([400, 'NotImplemented'])
  })
})

it('a form upload, which has no signature outside the form, is refused as not implemented', async () => {
  const response = await rawRequest(emulator.port, {
    method: 'POST',
    path: '/demo/',
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
    body: '--b--',
  })
  expect([response.status, response.element('Code')]).toEqual([400, 'NotImplemented'])
})

it.each([
  ['', { 'x-oss-callback': 'e30=' }],
  ['callback=e30%3D', {}],
])('a callback is ignored, both in the query and in a header: %j', async (query, headers) => {
  const response = await signedRequest(emulator, {
    method: 'PUT',
    key: 'callback',
    query,
    headers,
    body: 'x',
  })
  expect(response.status).toBe(200)
})
