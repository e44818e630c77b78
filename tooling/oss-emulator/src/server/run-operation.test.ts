import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../emulator.ts'
import { rawRequest, signedRequest } from '../testing/signed-request.ts'

let emulator: OssEmulator

beforeAll(async () => {
  emulator = await startOssEmulator()
})
afterAll(() => emulator.close())

describe('what the server does not do', () => {
  it.each([
    ['GET', '', 'website'],
    ['PUT', '', 'lifecycle'],
    ['GET', '', 'policy'],
    ['POST', 'a', 'restore'],
    ['GET', 'a', 'x-oss-process=image%2Finfo'],
    ['POST', 'a', 'x-oss-process'],
    ['POST', 'a', 'x-oss-async-process'],
    ['POST', '', ''],
  ])('is refused as such: %s %s?%s', async (method, key, query) => {
    const answer = await signedRequest(emulator, { method, key, query })
    expect([answer.status, answer.element('Code')]).toEqual([400, 'NotImplemented'])
  })
})

it('a form upload, which has no signature outside the form, is refused as not implemented', async () => {
  const answer = await rawRequest(emulator.port, {
    method: 'POST',
    path: '/demo/',
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
    body: '--b--',
  })
  expect([answer.status, answer.element('Code')]).toEqual([400, 'NotImplemented'])
})

it.each([
  ['', { 'x-oss-callback': 'e30=' }],
  ['callback=e30%3D', {}],
])('a callback is ignored, whether %j or a header asks for it', async (query, headers) => {
  const answer = await signedRequest(emulator, { method: 'PUT', key: 'callback', query, headers, body: 'x' })
  expect(answer.status).toBe(200)
})
