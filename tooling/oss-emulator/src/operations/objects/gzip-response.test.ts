import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../../emulator.ts'
import { type RawResponse, signedRequest } from '../../testing/signed-request.ts'

const KILOBYTE = Buffer.alloc(1024, 'text ')
/** Larger than each buffer on the way, and without repetition. */
const LARGE = Buffer.from(Array.from({ length: 300_000 }, (_, i) => `${i}\n`).join(''))

let emulator: OssEmulator

beforeAll(async () => {
  emulator = await startOssEmulator()
  await put('text', KILOBYTE)
})
afterAll(() => emulator.close())

async function put(
  key: string,
  bytes: Uint8Array,
  headers: Record<string, string> = { 'content-type': 'text/plain; charset=utf-8' },
): Promise<void> {
  const { status } = await signedRequest(emulator, { method: 'PUT', key, headers, body: bytes })
  expect(status).toBe(200)
}

function read(
  key: string,
  headers: Record<string, string> = { 'accept-encoding': 'gzip, deflate' },
  rest: { readonly method?: string; readonly query?: string } = {},
): Promise<RawResponse> {
  return signedRequest(emulator, { key, headers, ...rest })
}

/** Whether a response is compressed. A response that is not must have the bytes of the object. */
function isGzip({ status, headers, body }: RawResponse, bytes: Uint8Array): boolean {
  expect(status).toBe(200)
  if (headers['content-encoding'] === 'gzip') return gunzipSync(body).equals(bytes)
  expect(body.equals(bytes)).toBe(true)
  expect(headers).toMatchObject({
    'content-length': String(bytes.length),
    etag: expect.any(String),
    'accept-ranges': 'bytes',
  })
  return false
}

describe('a text object of 1 KB or more whose client accepts gzip', () => {
  it('is compressed, without ETag, length and ranges, and with the checksums of the stored bytes', async () => {
    const plain = await read('text', {})
    const { status, headers, body } = await read('text')
    expect([status, gunzipSync(body).equals(KILOBYTE)]).toEqual([200, true])
    expect(headers).toMatchObject({
      'content-encoding': 'gzip',
      'content-type': 'text/plain; charset=utf-8',
      vary: 'Accept-Encoding',
      'x-oss-hash-crc64ecma': plain.headers['x-oss-hash-crc64ecma'],
      'content-md5': plain.headers['content-md5'],
    })
    for (const name of ['etag', 'content-length', 'accept-ranges']) {
      expect(headers[name], name).toBeUndefined()
    }
  })

  it.each([
    'text/plain',
    'TEXT/HTML',
    'text/css;charset=utf-8',
    'text/xml',
    'text/json',
    'text/cache-manifest',
    'application/json',
    'application/javascript',
    'application/x-javascript',
    'application/rss+xml',
  ])('is of the type %s', async (type) => {
    await put('typed', KILOBYTE, { 'content-type': type })
    expect(isGzip(await read('typed'), KILOBYTE)).toBe(true)
  })

  it.each(['application/octet-stream', 'image/svg+xml', 'application/xml', 'text/markdown'])(
    'is not of the type %s',
    async (type) => {
      await put('typed', KILOBYTE, { 'content-type': type })
      expect(isGzip(await read('typed'), KILOBYTE)).toBe(false)
    },
  )

  it('has at least 1,024 bytes', async () => {
    const small = KILOBYTE.subarray(1)
    await put('small', small)
    expect(isGzip(await read('small'), small)).toBe(false)
  })

  it.each([
    ['gzip', true],
    ['br, GZIP;q=0.5', true],
    ['gzip;q=0', false],
    ['gzip; q=0.0, br', false],
    ['identity', false],
    ['deflate, br', false],
    ['x-gzip', false],
    ['*', false],
    ['', false],
  ])('is compressed only for the encoding gzip: %j', async (accepted, compressed) => {
    expect(isGzip(await read('text', { 'accept-encoding': accepted }), KILOBYTE)).toBe(compressed)
  })

  it('is compressed even if it is large, both from memory and from the disk', async () => {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'oss-emulator-'))
    const onDisk = await startOssEmulator({ dataDirectory })
    try {
      for (const server of [emulator, onDisk]) {
        const headers = { 'content-type': 'text/plain' }
        await signedRequest(server, { method: 'PUT', key: 'large', headers, body: LARGE })
        const response = await signedRequest(server, { key: 'large', headers: { 'accept-encoding': 'gzip' } })
        expect(response.body.length).toBeLessThan(LARGE.length)
        expect(isGzip(response, LARGE)).toBe(true)
      }
    } finally {
      await onDisk.close()
      await rm(dataDirectory, { recursive: true })
    }
  })
})

describe('nothing is compressed', () => {
  it('if the object has its own encoding, stored or requested', async () => {
    const zipped = gzipSync(LARGE)
    await put('zipped', zipped, { 'content-type': 'text/plain', 'content-encoding': 'gzip' })
    const { headers, body } = await read('zipped')
    expect([headers['content-length'], body.equals(zipped)]).toEqual([String(zipped.length), true])
    expect(headers.etag).toBeDefined()
    const named = await read('text', undefined, { query: 'response-content-encoding=br' })
    expect([named.headers['content-encoding'], named.body.equals(KILOBYTE)]).toEqual(['br', true])
  })

  it.each([
    ['bytes=0-', 206],
    ['bytes=0-9', 206],
    ['bytes=2000-', 200],
    ['nonsense', 200],
  ])('if the request has a Range: %s', async (range, status) => {
    const { headers, ...response } = await read('text', { 'accept-encoding': 'gzip', range })
    expect(response.status).toBe(status)
    expect(headers['content-encoding']).toBeUndefined()
    expect(headers.etag).toBeDefined()
  })

  it('in a response that is not the object', async () => {
    const etag = (await read('text', {})).headers.etag ?? ''
    const same = await read('text', { 'accept-encoding': 'gzip', 'if-none-match': etag })
    expect([same.status, same.headers.etag, same.headers['content-encoding']]).toEqual([304, etag, undefined])
    const missing = await read(`missing/${'x'.repeat(1000)}`)
    expect([missing.element('Code'), missing.headers['content-encoding']]).toEqual(['NoSuchKey', undefined])
  })

  it('for a HEAD, unless the option gzip says so', async () => {
    const head = await read('text', undefined, { method: 'HEAD' })
    expect([head.headers['content-length'], head.headers['content-encoding']]).toEqual(['1024', undefined])
    const other = await startOssEmulator({ gzip: 'get-and-head' })
    try {
      const headers = { 'content-type': 'text/plain' }
      await signedRequest(other, { method: 'PUT', key: 'text', headers, body: KILOBYTE })
      const request = { method: 'HEAD', key: 'text', headers: { 'accept-encoding': 'gzip' } }
      const bare = await signedRequest(other, request)
      expect([bare.status, bare.headers['content-encoding']]).toEqual([200, 'gzip'])
      expect([bare.headers.etag, bare.headers['content-length']]).toEqual([undefined, undefined])
    } finally {
      await other.close()
    }
  })

  it('if the option gzip is off', async () => {
    const off = await startOssEmulator({ gzip: 'off' })
    try {
      const headers = { 'content-type': 'text/plain' }
      await signedRequest(off, { method: 'PUT', key: 'text', headers, body: KILOBYTE })
      const response = await signedRequest(off, { key: 'text', headers: { 'accept-encoding': 'gzip' } })
      expect(isGzip(response, KILOBYTE)).toBe(false)
    } finally {
      await off.close()
    }
  })
})

describe('a fault also hits a compressed body', () => {
  it('and flips a bit', async () => {
    const whole = await read('text')
    emulator.injectFault({ kind: 'corrupt-body', afterBytes: 20 })
    const { body } = await read('text')
    expect(body.length).toBe(whole.body.length)
    expect([...body.keys()].filter((i) => body[i] !== whole.body[i])).toEqual([20])
  })

  it.each(['reset-during-response', 'truncate-response'] as const)('and ends it early: %s', async (kind) => {
    emulator.injectFault({ kind })
    await expect(read('text')).rejects.toThrow()
  })
})

it('a compressed response to another origin varies by encoding and origin', async () => {
  const open = await startOssEmulator({ cors: [{ allowedOrigins: ['*'] }] })
  try {
    const type = { 'content-type': 'text/plain' }
    await signedRequest(open, { method: 'PUT', key: 'text', headers: type, body: KILOBYTE })
    const headers = { 'accept-encoding': 'gzip', origin: 'https://app.example' }
    const response = await signedRequest(open, { key: 'text', headers })
    expect(response.headers.vary).toBe('Accept-Encoding, Origin')
  } finally {
    await open.close()
  }
})
