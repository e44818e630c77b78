import { createTestProvider } from '@oss-cse/crypto-core/testing'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { KeySite } from '../../test/support/key-site.ts'
import { ephemeralKey } from '../response-key.ts'

const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes))
const publicKey = base64((await ephemeralKey()).publicKey)
const unwrap = { operation: 'unwrap', key: 'a', envelopeDigest: btoa('d'.repeat(32)) }
const generate = {
  operation: 'generate',
  key: 'a',
  iv: btoa('i'.repeat(16)),
  wrapAlgorithm: 'TEST/AES-KW',
  materialDescription: '',
}
const call = { version: 1, publicKey, requests: [unwrap] }
const HEADERS = { 'content-type': 'application/json', 'oss-cse-key-request': '1' }

function setUp() {
  const authorize = vi.fn(() => 'user')
  const site = new KeySite(createTestProvider(), { authorize })
  const send = (body: unknown, init: RequestInit & { duplex?: 'half' } = {}) =>
    site.respond(
      new Request(site.url, {
        method: 'POST',
        headers: HEADERS,
        body: typeof body === 'object' ? JSON.stringify(body) : (body as string),
        ...init,
      }),
    )
  return { site, authorize, send }
}

test('a call is accepted with a charset, and its names in any case', async () => {
  const { send, authorize } = setUp()
  const headers = { 'Content-Type': 'Application/JSON; charset=utf-8', 'OSS-CSE-Key-Request': '1' }
  expect((await send(call, { headers })).status).toBe(200)
  expect((await send({ ...call, requests: [unwrap, generate] })).status).toBe(200)
  expect(authorize).toHaveBeenCalledTimes(3)
})

test.each<[string, number, RequestInit]>([
  [
    'a form of another site',
    415,
    { headers: { ...HEADERS, 'content-type': 'application/x-www-form-urlencoded' } },
  ],
  ['text, which another site can send', 415, { headers: { ...HEADERS, 'content-type': 'text/plain' } }],
  [
    'JSON by its ending only',
    415,
    { headers: { ...HEADERS, 'content-type': 'text/plain; application/json' } },
  ],
  ['no content type', 415, { headers: { 'oss-cse-key-request': '1' } }],
  ['no header of its own', 400, { headers: { 'content-type': 'application/json' } }],
  ['another version in the header', 400, { headers: { ...HEADERS, 'oss-cse-key-request': '2' } }],
  ['GET', 405, { method: 'GET', body: null }],
  ['PUT', 405, { method: 'PUT' }],
  ['OPTIONS', 405, { method: 'OPTIONS' }],
])('%s is refused with %i, and nobody is asked', async (_what, status, init) => {
  const { send, authorize, site } = setUp()
  const response = await send(call, init)
  expect(response.status).toBe(status)
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  expect(response.headers.get('content-type')).toBe('application/json')
  expect(response.headers.has('access-control-allow-origin')).toBe(false)
  expect(await response.json()).toEqual({ error: expect.any(String) })
  expect(authorize).not.toHaveBeenCalled()
  expect(site.transport.requests).toEqual([])
})

test.each<[string, unknown]>([
  ['no JSON', '{'],
  ['nothing', ''],
  ['null', 'null'],
  ['an array', [call]],
  ['another version', { ...call, version: 2 }],
  ['no public key', { ...call, publicKey: undefined }],
  ['a public key of 64 bytes', { ...call, publicKey: base64(new Uint8Array(64)) }],
  ['a public key that is no point', { ...call, publicKey: base64(new Uint8Array(65).fill(4)) }],
  ['a surplus property', { ...call, user: 'root' }],
  ['no requests', { ...call, requests: [] }],
  ['101 requests', { ...call, requests: Array(101).fill(unwrap) }],
  ['requests that are no array', { ...call, requests: unwrap }],
  ['an unknown operation', { ...call, requests: [{ ...unwrap, operation: 'decrypt' }] }],
  ['no operation', { ...call, requests: [{ ...unwrap, operation: undefined }] }],
  ['no key', { ...call, requests: [{ ...unwrap, key: undefined }] }],
  ['a key that is no text', { ...call, requests: [{ ...unwrap, key: ['a'] }] }],
  ['an envelope', { ...call, requests: [{ ...unwrap, envelope: { wrappedCek: 'a', wrappedIv: 'b' } }] }],
  ['a wrapped key', { ...call, requests: [{ ...unwrap, wrappedCek: 'a' }] }],
  ['no digest', { ...call, requests: [{ ...unwrap, envelopeDigest: undefined }] }],
  ['a digest of 31 bytes', { ...call, requests: [{ ...unwrap, envelopeDigest: btoa('d'.repeat(31)) }] }],
  ['a digest that is no base64', { ...call, requests: [{ ...unwrap, envelopeDigest: '*'.repeat(44) }] }],
  ['an empty version id', { ...call, requests: [{ ...unwrap, versionId: '' }] }],
  ['a version id of a new key', { ...call, requests: [{ ...generate, versionId: 'v' }] }],
  ['an empty identity', { ...call, requests: [{ ...unwrap, keyIdentity: '' }] }],
  ['an IV of 15 bytes', { ...call, requests: [{ ...generate, iv: btoa('i'.repeat(15)) }] }],
  ['a new key with a key of the page', { ...call, requests: [{ ...generate, cek: btoa('k'.repeat(32)) }] }],
  ['one wrong request among right ones', { ...call, requests: [unwrap, { operation: 'unwrap' }, unwrap] }],
])('a body with %s is refused with 400, without a detail, and nothing is read', async (_what, body) => {
  const { send, site } = setUp()
  const response = await send(body)
  expect(response.status).toBe(400)
  expect(JSON.stringify(await response.json())).not.toMatch(/root|wrappedCek|decrypt/)
  // A point is only known to be none when the results are encrypted.
  if (_what !== 'a public key that is no point') expect(site.transport.requests).toEqual([])
})

test('a body that is no UTF-8 is refused', async () => {
  const { send } = setUp()
  const bytes = new TextEncoder().encode(JSON.stringify(call))
  bytes[bytes.indexOf('a'.charCodeAt(0), 20)] = 0xff
  expect((await send('', { body: bytes })).status).toBe(400)
})

test('a body of more than 1 MiB is refused, and not read to its end', async () => {
  const { send, authorize } = setUp()
  expect((await send(' '.repeat(1024 * 1024 + 1))).status).toBe(413)
  let pulled = 0
  let cancelled = false
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled += 1
      controller.enqueue(new Uint8Array(64 * 1024).fill(0x20))
    },
    cancel() {
      cancelled = true
    },
  })
  const { respond } = new KeySite(createTestProvider(), { authorize })
  const request = new Request('https://keys.example/', { method: 'POST', headers: HEADERS })
  // Chromium streams request bodies over HTTP/2 only. A server has them in any case.
  const streamed = new Proxy(request, {
    get: (target, name) => (name === 'body' ? endless : Reflect.get(target, name)),
  })
  expect((await respond(streamed)).status).toBe(413)
  expect(pulled).toBeLessThan(20)
  expect(cancelled).toBe(true)
  expect(authorize).not.toHaveBeenCalled()
})

test('a body that breaks off is refused', async () => {
  const { site } = setUp()
  const broken = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('{"version":1,'))
      controller.error(new Error('ECONNRESET'))
    },
  })
  const request = new Request('https://keys.example/', { method: 'POST', headers: HEADERS })
  const streamed = new Proxy(request, {
    get: (target, name) => (name === 'body' ? broken : Reflect.get(target, name)),
  })
  expect((await site.respond(streamed)).status).toBe(400)
})

test('any JSON is refused or responded to, and never an exception', async () => {
  const { send } = setUp()
  const value = fc.oneof(
    fc.jsonValue(),
    fc.record({ version: fc.constant(1), publicKey: fc.constant(publicKey), requests: fc.jsonValue() }),
    fc.record({
      version: fc.constant(1),
      publicKey: fc.constant(publicKey),
      requests: fc.array(
        fc.record(
          {
            operation: fc.constantFrom('unwrap', 'generate', 'constructor', '__proto__'),
            key: fc.string({ unit: 'binary' }),
            versionId: fc.string(),
            location: fc.string(),
            envelopeDigest: fc.constant(unwrap.envelopeDigest),
            iv: fc.constant(generate.iv),
            wrapAlgorithm: fc.string(),
            materialDescription: fc.string(),
          },
          { requiredKeys: ['operation', 'key'] },
        ),
        { maxLength: 5 },
      ),
    }),
  )
  await fc.assert(
    fc.asyncProperty(value, async (body) => {
      expect([200, 400]).toContain((await send(JSON.stringify(body))).status)
    }),
    { numRuns: 200 },
  )
})
