import { type Envelope, Keyring } from '@oss-cse/crypto-core'
import { createTestProvider } from '@oss-cse/crypto-core/testing'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { connectSites, KeySite } from '../test/support/key-site.ts'
import { publicKey } from '../test/support/public-key.ts'
import { RemoteProvider, type RemoteProviderOptions } from './remote-provider.ts'
import { encryptResults } from './response-key.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const thrownBy = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable('it resolved'),
    (error: unknown) => error,
  )

beforeAll(connectSites)

/** A site with objects `0`, `1` … and their envelopes. */
async function siteWith(count: number) {
  const encrypting = createTestProvider()
  const site = new KeySite(encrypting)
  const ring = new Keyring({ encrypting })
  const objects = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const { envelope, contentKey } = await ring.generate()
      return { key: await site.store(envelope, String(i)), envelope, contentKey }
    }),
  )
  return { site, objects, provider: site.provider() }
}

/** What a call asks for, as it is on the network. */
async function requestsOf(call: Request): Promise<readonly { readonly key: string }[]> {
  return (await call.json()).requests
}

/** Keeps copies of the calls, and lets them through when `open` is called. */
function gate(site: KeySite) {
  const { respond } = site
  const calls: Request[] = []
  const waiting: (() => void)[] = []
  site.respond = async (request) => {
    calls.push(request.clone())
    await new Promise<void>((resolve) => waiting.push(resolve))
    return respond(request)
  }
  return { calls, open: () => waiting.shift()?.() }
}

describe('requests', () => {
  test('of one turn are one call, and each has its own key', async () => {
    const { site, objects, provider } = await siteWith(60)
    const keys = await Promise.all(
      objects.map(({ key, envelope }) => provider.unwrap(envelope, { object: { key } })),
    )
    expect(keys).toEqual(objects.map(({ contentKey }) => contentKey))
    expect(site.calls).toHaveLength(1)
  })

  test('of more than 100 objects are several calls of at most 100', async () => {
    const { site, objects, provider } = await siteWith(230)
    const { respond } = site
    const sizes: number[] = []
    site.respond = async (request) => {
      sizes.push((await requestsOf(request.clone())).length)
      return respond(request)
    }
    await Promise.all(objects.map(({ key, envelope }) => provider.unwrap(envelope, { object: { key } })))
    expect(sizes).toEqual([100, 100, 30])
  })

  test('that come while two calls are under way wait, and leave together', async () => {
    const { site, objects, provider } = await siteWith(12)
    const { calls, open } = gate(site)
    const running = []
    for (const { key, envelope } of objects.slice(0, 2)) {
      running.push(provider.unwrap(envelope, { object: { key } }))
      await vi.waitFor(() => expect(calls).toHaveLength(running.length))
    }
    for (const { key, envelope } of objects.slice(2)) {
      running.push(provider.unwrap(envelope, { object: { key } }))
    }
    open()
    await running[0]
    await vi.waitFor(() => expect(calls).toHaveLength(3))
    open()
    open()
    await Promise.all(running)
    const asked = await Promise.all(calls.map(requestsOf))
    expect(asked.map((requests) => requests.map(({ key }) => key))).toEqual([
      ['0'],
      ['1'],
      objects.slice(2).map(({ key }) => key),
    ])
  })

  test('name the object, the version, the location and the digest of the envelope, and hold no envelope', async () => {
    const { site, objects, provider } = await siteWith(1)
    const { calls, open } = gate(site)
    const [{ envelope } = expect.unreachable()] = objects
    const object = { key: '0', versionId: 'v7', location: 'https://oss.example/bucket' }
    const unwrapping = provider.unwrap(envelope, { object })
    await vi.waitFor(() => expect(calls).toHaveLength(1))
    open()
    await unwrapping
    const [call = expect.unreachable()] = calls
    const text = await call.clone().text()
    expect(await requestsOf(call)).toEqual([
      {
        operation: 'unwrap',
        ...object,
        keyIdentity: 'test:1',
        envelopeDigest: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/),
      },
    ])
    expect(text).not.toContain(envelope.wrappedCek)
  })

  test('are not made without the object, or with a signal that is aborted', async () => {
    const { site, objects } = await siteWith(1)
    const [{ envelope } = expect.unreachable()] = objects
    const plain = new RemoteProvider({ url: site.url, wrapAlgorithm: 'TEST/AES-KW' })
    await expect(plain.unwrap(envelope)).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    await expect(plain.generateContentKey(new Uint8Array(16))).rejects.toEqual(
      code('ERR_CSE_INVALID_ARGUMENT'),
    )
    for (const length of [0, 15, 17]) {
      const iv = new Uint8Array(length)
      await expect(plain.generateContentKey(iv, { object: { key: 'a' } })).rejects.toEqual(
        code('ERR_CSE_INVALID_ARGUMENT'),
      )
    }
    expect(site.calls).toEqual([])
  })
})

describe('an abort', () => {
  test('ends one wait: the others of the call have their keys', async () => {
    const { site, objects, provider } = await siteWith(3)
    const { calls, open } = gate(site)
    const controller = new AbortController()
    const [first, ...others] = objects.map(({ key, envelope }, i) =>
      provider.unwrap(envelope, { object: { key }, ...(i === 0 && { signal: controller.signal }) }),
    )
    await vi.waitFor(() => expect(calls).toHaveLength(1))
    const reason = new Error('scrolled away')
    controller.abort(reason)
    await expect(first).rejects.toBe(reason)
    open()
    await expect(Promise.all(others)).resolves.toHaveLength(2)
    expect(calls[0]?.signal.aborted).toBe(false)
  })

  test('of all ends the call', async () => {
    const { site, objects, provider } = await siteWith(3)
    const { calls } = gate(site)
    const controller = new AbortController()
    const { signal } = controller
    const all = objects.map(({ key, envelope }) => provider.unwrap(envelope, { object: { key }, signal }))
    await vi.waitFor(() => expect(calls).toHaveLength(1))
    controller.abort(new Error('closed'))
    for (const one of all) await expect(one).rejects.toThrow('closed')
    await vi.waitFor(() => expect(calls[0]?.signal.aborted).toBe(true))
  })

  test('before the call leaves removes the request from it', async () => {
    const { site, objects, provider } = await siteWith(2)
    const controller = new AbortController()
    const [one, other] = objects.map(({ key, envelope }, i) =>
      provider.unwrap(envelope, { object: { key }, ...(i === 0 && { signal: controller.signal }) }),
    )
    // It is not sent in this turn, so that those of the same turn can join it.
    controller.abort(new Error('never mind'))
    await expect(one).rejects.toThrow('never mind')
    await expect(other).resolves.toEqual(objects[1]?.contentKey)
    expect(site.calls).toHaveLength(1)
  })
})

describe('headers', () => {
  test('are asked for each call, and sent', async () => {
    const { site, objects } = await siteWith(1)
    const [{ key, envelope } = expect.unreachable()] = objects
    let calls = 0
    const provider = site.provider({ headers: async () => ({ authorization: `Bearer ${++calls}` }) })
    const seen: (string | null)[] = []
    const { respond } = site
    site.respond = (request) => {
      seen.push(request.headers.get('authorization'))
      return respond(request)
    }
    await provider.unwrap(envelope, { object: { key } })
    await provider.unwrap(envelope, { object: { key } })
    expect(seen).toEqual(['Bearer 1', 'Bearer 2'])
  })

  test('that cannot be had are the error of the caller, and nothing is sent', async () => {
    const { site, objects } = await siteWith(1)
    const [{ key, envelope } = expect.unreachable()] = objects
    const signedOut = new Error('signed out')
    for (const headers of [
      () => Promise.reject(signedOut),
      () => {
        throw signedOut
      },
    ]) {
      await expect(site.provider({ headers }).unwrap(envelope, { object: { key } })).rejects.toBe(signedOut)
    }
    expect(site.calls).toEqual([])
  })
})

describe('the error of', () => {
  test.each([
    [401, 'ERR_CSE_ACCESS_DENIED', false],
    [403, 'ERR_CSE_ACCESS_DENIED', false],
    [400, 'ERR_CSE_SERVICE', false],
    // Not ERR_CSE_NOT_FOUND: what is missing is the key server, and not the object.
    [404, 'ERR_CSE_SERVICE', false],
    [405, 'ERR_CSE_SERVICE', false],
    [413, 'ERR_CSE_SERVICE', false],
    [204, 'ERR_CSE_SERVICE', false],
    [302, 'ERR_CSE_SERVICE', false],
    [307, 'ERR_CSE_SERVICE', false],
    [429, 'ERR_CSE_THROTTLED', true],
    [503, 'ERR_CSE_THROTTLED', true],
    [500, 'ERR_CSE_SERVICE', true],
    [502, 'ERR_CSE_SERVICE', true],
  ])('status %i is %s', async (status, expected, retryable) => {
    const { site, objects, provider } = await siteWith(1)
    const [{ key, envelope } = expect.unreachable()] = objects
    site.respond = async () => new Response(status < 400 ? null : 'secret', { status })
    const error = await thrownBy(provider.unwrap(envelope, { object: { key } }))
    expect(error).toMatchObject({ code: expected, status, retryable, name: 'TransportError' })
    expect(String(error)).not.toContain('secret')
  })

  test('a server that cannot be reached is ERR_CSE_NETWORK, and may be retried', async () => {
    const { objects, site } = await siteWith(1)
    const [{ key, envelope } = expect.unreachable()] = objects
    const provider = site.provider({ url: 'https://nobody.example/keys' })
    await expect(provider.unwrap(envelope, { object: { key } })).rejects.toMatchObject({
      code: 'ERR_CSE_NETWORK',
      retryable: true,
    })
  })

  test('a server that does not respond is ERR_CSE_TIMEOUT, and its request is aborted', async () => {
    const { site, objects } = await siteWith(1)
    const [{ key, envelope } = expect.unreachable()] = objects
    const { calls } = gate(site)
    const provider = site.provider({ timeoutMs: 1 })
    await expect(provider.unwrap(envelope, { object: { key } })).rejects.toMatchObject({
      code: 'ERR_CSE_TIMEOUT',
      retryable: true,
    })
    await vi.waitFor(() => expect(calls.every(({ signal }) => signal.aborted)).toBe(true))
  })

  const json = (value: unknown) => new Response(JSON.stringify(value))
  /** Encrypts any results as a key server does. */
  async function sealed(call: Request, results: unknown, change: object = {}): Promise<Response> {
    const { publicKey } = await call.json()
    const bytes = (text: string) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
    const text = new TextEncoder().encode(typeof results === 'string' ? results : JSON.stringify(results))
    const made = await encryptResults(text, bytes(publicKey))
    const base64 = (value: Uint8Array) => btoa(String.fromCharCode(...value))
    return json({
      version: 1,
      publicKey: base64(made.publicKey),
      ciphertext: base64(made.ciphertext),
      ...change,
    })
  }
  const key32 = btoa('k'.repeat(32))
  const iv16 = btoa('i'.repeat(16))

  test.each<[string, (call: Request) => Response | Promise<Response>]>([
    ['a page of a captive portal', () => new Response('<html>Sign in</html>')],
    ['an empty body', () => new Response('')],
    ['null', () => json(null)],
    ['an object without results', () => json({})],
    ['results in plaintext', () => json({ results: [{ cek: key32, iv: iv16 }] })],
    ['results that are no base64', (call) => sealed(call, {}, { ciphertext: '*' })],
    ['results that were altered', (call) => sealed(call, {}, { ciphertext: btoa('x'.repeat(40)) })],
    ['a key that is no point', (call) => sealed(call, {}, { publicKey: btoa('\x04'.repeat(65)) })],
    ['encrypted text that is no JSON', (call) => sealed(call, '{')],
    ['no results', (call) => sealed(call, { results: [] })],
    ['results that are no array', (call) => sealed(call, { results: { length: 1 } })],
    ['two results for one request', (call) => sealed(call, { results: [{ error: 'refused' }, {}] })],
    ['null as a result', (call) => sealed(call, { results: [null] })],
    ['a text as a result', (call) => sealed(call, { results: ['cek'] })],
    ['an unknown reason', (call) => sealed(call, { results: [{ error: 'because' }] })],
    ['a reason that every object has', (call) => sealed(call, { results: [{ error: 'constructor' }] })],
    ['a key of 31 bytes', (call) => sealed(call, { results: [{ cek: btoa('k'.repeat(31)), iv: iv16 }] })],
    ['an IV of 17 bytes', (call) => sealed(call, { results: [{ cek: key32, iv: btoa('i'.repeat(17)) }] })],
    ['a key that is no text', (call) => sealed(call, { results: [{ cek: 7, iv: iv16 }] })],
    [
      'a new key in place of a stored one',
      (call) => sealed(call, { results: [{ cek: key32, wrappedCek: 'a', wrappedIv: 'b' }] }),
    ],
  ])('%s is ERR_CSE_SERVICE, which is not retried', async (_what, respond) => {
    const { site, objects, provider } = await siteWith(1)
    const [{ key, envelope } = expect.unreachable()] = objects
    site.respond = async (request) => respond(request)
    await expect(provider.unwrap(envelope, { object: { key } })).rejects.toMatchObject({
      code: 'ERR_CSE_SERVICE',
      retryable: false,
    })
  })

  test.each([
    ['a stored key in place of a new one', { cek: key32, iv: iv16 }],
    ['a wrapped key that is no text', { cek: key32, wrappedCek: 7, wrappedIv: 'b' }],
    ['a key of 33 bytes', { cek: btoa('k'.repeat(33)), wrappedCek: 'a', wrappedIv: 'b' }],
  ])('%s is ERR_CSE_SERVICE too', async (_what, result) => {
    const { site, provider } = await siteWith(0)
    site.respond = (request) => sealed(request, { results: [result] })
    await expect(provider.generateContentKey(new Uint8Array(16))).rejects.toEqual(code('ERR_CSE_SERVICE'))
  })

  test.each([
    ['changed', 'ERR_CSE_PRECONDITION_FAILED', false],
    ['throttled', 'ERR_CSE_THROTTLED', true],
    ['unavailable', 'ERR_CSE_SERVICE', true],
  ])('an object that is %s is %s', async (reason, expected, retryable) => {
    const { site, objects, provider } = await siteWith(1)
    const [{ key, envelope } = expect.unreachable()] = objects
    site.respond = (request) => sealed(request, { results: [{ error: reason }] })
    await expect(provider.unwrap(envelope, { object: { key } })).rejects.toMatchObject({
      code: expected,
      retryable,
      objectKey: key,
    })
  })

  test('a refused read is the standard error of a failed unwrap, and of a refused write ERR_CSE_ACCESS_DENIED', async () => {
    const { site, objects, provider } = await siteWith(1)
    const [{ key, envelope } = expect.unreachable()] = objects
    site.respond = (request) => sealed(request, { results: [{ error: 'refused' }] })
    await expect(provider.unwrap(envelope, { object: { key } })).rejects.toEqual(
      code('ERR_CSE_UNWRAP_FAILED'),
    )
    await expect(provider.generateContentKey(new Uint8Array(16))).rejects.toMatchObject({
      code: 'ERR_CSE_ACCESS_DENIED',
      retryable: false,
    })
  })

  test('a call is that of each request in it, and the next call is made all the same', async () => {
    const { site, objects, provider } = await siteWith(5)
    const { respond } = site
    site.respond = async () => new Response(null, { status: 500 })
    const unwrap = ({ key, envelope }: { key: string; envelope: Envelope }) =>
      provider.unwrap(envelope, { object: { key } })
    for (const outcome of await Promise.allSettled(objects.map(unwrap))) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_CSE_SERVICE' } })
    }
    site.respond = respond
    await expect(Promise.all(objects.map(unwrap))).resolves.toHaveLength(5)
  })
})

describe('options', () => {
  const url = 'https://app.example/keys'
  const rsa = { publicKey }
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['neither a key nor an algorithm', { url }],
    ['both a key and an algorithm', { url, ...rsa, wrapAlgorithm: 'A' }],
    ['an algorithm without a key server', { wrapAlgorithm: 'A' }],
    ['an identity beside a public key', { url, ...rsa, keyIdentity: 'a' }],
    ['an empty identity', { url, wrapAlgorithm: 'A', keyIdentity: '' }],
    ['an empty algorithm', { url, wrapAlgorithm: '' }],
    ['http:// of another machine', { url: 'http://app.example/keys', ...rsa }],
    ['another protocol', { url: 'ftp://localhost/keys', ...rsa }],
    ['a URL that is none', { url: 'https://', ...rsa }],
    ['a description that is no map', { url, ...rsa, materialDescription: { a: 1 } }],
    ['names that are no array', { url, ...rsa, alsoUnwraps: 'rsa' }],
    ['headers that are no function', { url, ...rsa, headers: {} }],
    ['a timeout of 0', { url, ...rsa, timeoutMs: 0 }],
    ['a timeout that no timer has', { url, ...rsa, timeoutMs: 2 ** 31 }],
  ])('with %s are refused', (_what, options) => {
    expect(() => new RemoteProvider(options as RemoteProviderOptions)).toThrow(
      code('ERR_CSE_INVALID_ARGUMENT'),
    )
  })

  test.each([
    'https://app.example/keys',
    'http://localhost:3000/keys',
    'http://127.0.0.1/',
    'http://[::1]:8/',
  ])('accept %s', (address) => {
    expect(new RemoteProvider({ url: address, ...rsa })).toMatchObject({
      canUnwrap: true,
      wrapAlgorithm: 'RSA/NONE/PKCS1Padding',
    })
  })

  test('refuse a public key that cannot be used', () => {
    for (const bad of ['', 'not PEM', publicKey.replace('PUBLIC', 'PRIVATE'), new Uint8Array(300)]) {
      expect(() => new RemoteProvider({ url, publicKey: bad })).toThrow(code('ERR_CSE_INVALID_KEY'))
    }
  })

  test('with a public key alone make a provider that only encrypts', async () => {
    const provider = new RemoteProvider({ publicKey, materialDescription: { key: 'ours' } })
    expect(provider.canUnwrap).toBe(false)
    const { envelope } = await new Keyring({ encrypting: provider }).generate()
    await expect(provider.unwrap(envelope, { object: { key: 'a' } })).rejects.toEqual(
      code('ERR_CSE_CANNOT_UNWRAP'),
    )
  })

  test('with an algorithm make a provider that cannot wrap a given key, which would have to be sent', () => {
    expect(new RemoteProvider({ url, wrapAlgorithm: 'KMS/ALICLOUD' }).wrap).toBeUndefined()
  })
})
