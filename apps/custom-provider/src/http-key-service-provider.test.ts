import { inspect } from 'node:util'
import { CryptoBucket } from '@oss-cse/bucket'
import { encodeBase64, Keyring, type MasterKeyProvider } from '@oss-cse/crypto-core'
import { createTestProvider, MemoryTransport, providerContract } from '@oss-cse/crypto-core/testing'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { testInBucket } from '../test/bucket-rules.ts'
import { startDemoKeyService } from '../test/demo-key-service.ts'
import { createHttpKeyServiceProvider, type HttpKeyServiceOptions } from './http-key-service-provider.ts'

const token = 'a-token-that-opens-the-service'
const startService = () => startDemoKeyService({ token, keyIds: ['ours', 'the other'] })
const shared = await startService()
afterAll(() => shared.close())

// One for each test: an aborted request may still arrive, and must not consume the faults of another test.
let service = shared
beforeEach(async () => {
  service = await startService()
})
afterEach(() => service.close())

function createProvider(options: Partial<HttpKeyServiceOptions> = {}): MasterKeyProvider {
  const retry = { minDelayMs: 0, maxDelayMs: 0 }
  return createHttpKeyServiceProvider({
    url: service.url,
    keyId: 'ours',
    getToken: () => token,
    retry,
    ...options,
  })
}

describe('the provider contract', () => {
  const rules = providerContract({
    create: () => createProvider({ url: shared.url, materialDescription: { key: '2026-11' } }),
    createOther: () => createProvider({ url: shared.url, keyId: 'the other' }),
    // No service listens on port 9.
    createUnavailable: () => createProvider({ url: 'http://127.0.0.1:9/' }),
    randomized: true,
    secrets: [token],
  })
  for (const rule of rules) test(rule.name, rule.run)
})

testInBucket(() => createProvider())

async function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  )
}

const IV = Uint8Array.from({ length: 16 }, (_, index) => 200 + index)
const once = { retry: { maxAttempts: 1 } }

describe('a failure of the service', () => {
  test.each([
    [401, 'ERR_CSE_ACCESS_DENIED', false],
    [403, 'ERR_CSE_ACCESS_DENIED', false],
    [404, 'ERR_CSE_MASTER_KEY_NOT_FOUND', false],
    [429, 'ERR_CSE_THROTTLED', true],
    [400, 'ERR_CSE_SERVICE', false],
    [422, 'ERR_CSE_SERVICE', false],
    [500, 'ERR_CSE_SERVICE', true],
    [501, 'ERR_CSE_SERVICE', false],
    [503, 'ERR_CSE_SERVICE', true],
  ])('with status %i throws %s, retryable: %s', async (status, code, retryable) => {
    service.faults.push(status, status)
    const error = await failureOf(createProvider(once).generateContentKey(IV))
    expect(error).toMatchObject({ name: 'TransportError', code, status, retryable })
  })

  test.each([429, 500, 'cut'] as const)('that is temporary (%s) is overcome by a retry', async (fault) => {
    service.faults.push(fault, fault)
    const provider = createProvider()
    const { envelope, contentKey } = await new Keyring({ encrypting: provider }).generate()
    service.faults.push(fault, fault)
    expect((await provider.unwrap(envelope)).cek).toEqual(contentKey.cek)
    expect(service.requests).toHaveLength(8)
  })

  test('that is permanent has retriesExhausted set, so that a bucket does not multiply the attempts', async () => {
    const transport = new MemoryTransport()
    await new CryptoBucket({ transport, provider: createProvider() }).put('object', 'text')
    const events: unknown[] = []
    const provider = createProvider({ retry: { maxAttempts: 2, minDelayMs: 0, maxDelayMs: 0 } })
    const bucket = new CryptoBucket({ transport, provider, logger: (event) => events.push(event) })
    service.requests.length = 0
    service.faults.push(500, 500, 500, 500)
    expect(await failureOf(bucket.getBytes('object'))).toMatchObject({
      code: 'ERR_CSE_SERVICE',
      retryable: true,
      retriesExhausted: true,
    })
    // The first of two calls to fail aborts the other.
    expect([3, 4]).toContain(service.requests.length)
    expect(events).toEqual([])
  })

  test('each request names its object, so that the service can decide by it', async () => {
    const transport = new MemoryTransport()
    const bucket = new CryptoBucket({ transport, provider: createProvider() })
    service.requests.length = 0
    await bucket.put('report', 'text')
    await bucket.getBytes('report', { versionId: 'v1' })
    const asked = service.requests.map(({ target, body }) => [
      target.split('/').at(-1),
      JSON.parse(body).object,
    ])
    const object = { location: 'memory:', key: 'report' }
    expect(asked).toEqual([
      ['wrap', object],
      ['wrap', object],
      ['unwrap', { ...object, versionId: 'v1' }],
      ['unwrap', { ...object, versionId: 'v1' }],
    ])
  })

  test('no response within the time limit throws ERR_CSE_TIMEOUT', async () => {
    service.faults.push('silence', 'silence')
    const error = await failureOf(createProvider({ ...once, timeoutMs: 1 }).generateContentKey(IV))
    expect(error).toMatchObject({ code: 'ERR_CSE_TIMEOUT', retryable: true })
  })

  test('a response that is too long is refused, and not read to its end', async () => {
    const text = JSON.stringify({ bytes: 'AAAA', padding: 'x'.repeat(1_000_000) })
    service.faults.push({ text }, { text })
    expect(await failureOf(createProvider(once).generateContentKey(IV))).toMatchObject({
      code: 'ERR_CSE_SERVICE',
      retryable: false,
    })
  })

  test('a redirect is not followed: it would send the request to another server', async () => {
    service.faults.push(307, 308)
    expect(await failureOf(createProvider().generateContentKey(IV))).toMatchObject({
      code: 'ERR_CSE_SERVICE',
    })
    expect(service.requests.map(({ target }) => target)).not.toContain('/elsewhere')
  })

  test('a key that the service does not have throws ERR_CSE_MASTER_KEY_NOT_FOUND', async () => {
    const provider = createProvider({ keyId: '../ours' })
    expect(await failureOf(provider.generateContentKey(IV))).toMatchObject({
      code: 'ERR_CSE_MASTER_KEY_NOT_FOUND',
    })
  })

  test('a wrong or missing token throws ERR_CSE_ACCESS_DENIED and is not a mismatch', async () => {
    const { envelope } = await new Keyring({ encrypting: createProvider() }).generate()
    const getters = [() => 'wrong', () => Promise.reject(new Error(`the refresh token ${token} is over`))]
    for (const getToken of getters) {
      const error = await failureOf(createProvider({ getToken }).unwrap(envelope))
      expect(error).toMatchObject({ code: 'ERR_CSE_ACCESS_DENIED', retryable: false })
      expect(inspect(error)).not.toContain(token)
    }
  })

  test('a mismatch is not retried', async () => {
    const { envelope } = await new Keyring({ encrypting: createProvider({ keyId: 'the other' }) }).generate()
    service.requests.length = 0
    expect(await failureOf(createProvider().unwrap(envelope))).toMatchObject({
      code: 'ERR_CSE_UNWRAP_FAILED',
    })
    expect(service.requests).toHaveLength(2)
  })
})

describe('what the provider reveals', () => {
  test.each<{ readonly text: string } | number | 'cut'>([
    400,
    422,
    500,
    'cut',
    { text: 'Bearer' },
    { text: '{"bytes":"!"}' },
    { text: 'null' },
    { text: encodeBase64(IV) },
  ])('no failure shows the request or the response: %j', async (fault) => {
    service.faults.push(fault, fault)
    const error = await failureOf(createProvider(once).generateContentKey(IV))
    expect(error).toMatchObject({ name: 'TransportError' })
    const shown = inspect(error, { depth: null, showHidden: true })
    const sent = service.requests.map(({ body }) => (JSON.parse(body) as { bytes: string }).bytes)
    for (const secret of [...sent, encodeBase64(IV), token]) expect(shown).not.toContain(secret)
    expect(sent.length).toBeGreaterThan(0)
    expect(error).not.toHaveProperty('cause')
  })

  test('no URL contains any part of a content key', async () => {
    const { envelope } = await new Keyring({ encrypting: createProvider() }).generate()
    await createProvider().unwrap(envelope)
    expect(new Set(service.requests.map(({ target }) => target))).toEqual(
      new Set(['/v1/keys/ours/wrap', '/v1/keys/ours/unwrap']),
    )
  })

  test('the output of the provider does not contain the token', () => {
    expect(inspect(createProvider(), { depth: null, showHidden: true })).not.toContain(token)
  })
})

test('an abort ends a request in progress, and the call rejects with the reason', async () => {
  const { envelope } = await new Keyring({ encrypting: createProvider() }).generate()
  const controller = new AbortController()
  service.faults.push('silence', 'silence')
  let waiting = 0
  service.onRequest = () => {
    waiting += 1
    if (waiting === 2) controller.abort('stop')
  }
  const call = createProvider().unwrap(envelope, { signal: controller.signal })
  expect(await failureOf(call)).toBe('stop')
  expect(waiting).toBe(2)
})

test.each(['http://keys.example/', 'ftp://keys.example/', 'keys.example', ''])(
  'content keys are not sent in plaintext: the URL %j is refused',
  (url) => {
    expect(() => createProvider({ url })).toThrow(
      expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }),
    )
  },
)

test('the keyring does not try another key if the service is unavailable', async () => {
  const transport = new MemoryTransport()
  await new CryptoBucket({ transport, provider: createProvider() }).put('object', 'text')
  const away = createProvider({ ...once })
  const keyring = new Keyring({
    encrypting: createTestProvider({ materialDescription: { key: 'new' } }),
    undescribed: [away, createProvider({ keyId: 'the other' })],
  })
  const bucket = new CryptoBucket({ transport, keyring, retry: { maxAttempts: 1 } })
  service.faults.push(503, 503)
  service.requests.length = 0
  expect(await failureOf(bucket.getBytes('object'))).toMatchObject({ code: 'ERR_CSE_SERVICE' })
  expect(new Set(service.requests.map(({ target }) => target))).toEqual(new Set(['/v1/keys/ours/unwrap']))
  service.faults.length = 0
  expect(await bucket.getBytes('object')).toEqual(new TextEncoder().encode('text'))
})
