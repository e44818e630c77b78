import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../../emulator.ts'
import { signedRequest } from '../../testing/signed-request.ts'

let emulator: OssEmulator

beforeAll(async () => {
  emulator = await startOssEmulator()
})
afterAll(() => emulator.close())

describe('a PUT', () => {
  const put = (headers: Record<string, string>, body = 'x', key = 'put'): ReturnType<typeof signedRequest> =>
    signedRequest(emulator, { method: 'PUT', key, headers, body })

  it.each([
    [
      'a wrong Content-MD5',
      { 'content-md5': Buffer.alloc(16).toString('base64') },
      'InvalidDigest',
      '0017-00000503',
    ],
    ['an unreadable Content-MD5', { 'content-md5': 'abc' }, 'InvalidDigest', '0017-00000502'],
    ['a wrong CRC-64', { 'x-oss-hash-crc64ecma': '1' }, 'InvalidCRC64', undefined],
    ['a read condition', { 'if-match': '"x"' }, 'NotImplemented', '0017-00000245'],
    ['an underscore in a metadata name', { 'x-oss-meta-a_b': '1' }, 'InvalidArgument', '0011-00000004'],
    ['8 KB of metadata', { 'x-oss-meta-a': 'x'.repeat(8192) }, 'InvalidArgument', '0011-00000002'],
    ['an unknown ACL', { 'x-oss-object-acl': 'all' }, 'InvalidArgument', undefined],
    ['too many tags', { 'x-oss-tagging': 'abcdefghijk'.split('').join('&') }, 'InvalidTag', undefined],
  ])('with %s is refused and stores nothing', async (_, headers, code, ec) => {
    const response = await put(headers as Record<string, string>, 'x', 'refused')
    expect([response.status, response.element('Code'), response.headers['x-oss-ec']]).toEqual([400, code, ec])
    expect(await emulator.getStoredObject('demo', 'refused')).toBeUndefined()
  })

  it('without a length is refused with 411', async () => {
    const response = await signedRequest(emulator, { method: 'PUT', key: 'put', noLength: true })
    expect([response.status, response.element('Code')]).toEqual([411, 'MissingContentLength'])
  })

  it('may be empty or chunked', async () => {
    expect((await put({}, '')).status).toBe(200)
    expect((await emulator.getStoredObject('demo', 'put'))?.bytes.length).toBe(0)
    const chunked = await signedRequest(emulator, { method: 'PUT', key: 'put', body: 'abc', chunked: true })
    expect(chunked.status).toBe(200)
    expect(Buffer.from((await emulator.getStoredObject('demo', 'put'))?.bytes ?? []).toString()).toBe('abc')
  })

  it('does not overwrite if it forbids that', async () => {
    await put({}, 'old', 'once')
    const response = await put({ 'x-oss-forbid-overwrite': 'true' }, 'new', 'once')
    expect([response.status, response.element('Code'), response.headers['x-oss-ec']]).toEqual([
      409,
      'FileAlreadyExists',
      '0026-00000002',
    ])
  })

  it.each(['/a', '\\a', 'k'.repeat(1024)])('with an invalid key is refused: %j', async (key) => {
    const response = await put({}, 'x', key)
    expect([response.status, response.element('Code')]).toEqual([400, 'InvalidObjectName'])
  })
})
