import { type ContentFormat, Keyring, TransportError } from '@oss-cse/crypto-core'
import { createTestProvider } from '@oss-cse/crypto-core/testing'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { connectSites, headersOf, KeySite } from '../../test/support/key-site.ts'
import { sealedSite } from '../../test/support/sealed-site.ts'
import { createKeyServer, type KeyServerFailure, type KeyServerOptions } from '../server.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const UNWRAP_FAILED = code('ERR_CSE_UNWRAP_FAILED')

beforeAll(connectSites)
afterEach(() => {
  vi.useRealTimers()
})

/** A site with one object, `a`, and what its operator is told. */
async function setUp(options: Partial<KeyServerOptions> = {}, format: ContentFormat = 'aes-ctr') {
  const failures: KeyServerFailure[] = []
  const encrypting = createTestProvider()
  const site = new KeySite(encrypting, { onFailure: (failure) => failures.push(failure), ...options })
  const { envelope, contentKey } = await new Keyring({ encrypting }).generate({}, {}, format)
  await site.store(envelope, 'a')
  const provider = site.provider()
  const unwrap = (key = 'a', versionId?: string) =>
    provider.unwrap(envelope, { object: { key, versionId } }).then(
      (unwrapped) => unwrapped,
      (error: unknown) => error,
    )
  return { site, failures, envelope, contentKey, provider, unwrap }
}

describe('authorize', () => {
  test('decides about each key, with the request, before anything is sent to the bucket', async () => {
    const asked: unknown[] = []
    const { site, unwrap, contentKey } = await setUp({
      authorize: async (request, wanted) => {
        await new Promise((resolve) => setTimeout(resolve))
        asked.push([
          request.headers.get('cookie'),
          request.headers.get('x-session'),
          wanted,
          site.transport.requests.length,
        ])
        return 'user'
      },
    })
    const provider = site.provider({ headers: () => ({ 'x-session': 's' }) })
    expect(await unwrap()).toEqual(contentKey)
    await provider.generateContentKey(new Uint8Array(16), { object: { key: 'b', location: 'memory:' } })
    expect(asked).toEqual([
      [null, null, { operation: 'unwrap', key: 'a' }, 0],
      [null, 's', { operation: 'generate', key: 'b', location: 'memory:' }, 1],
    ])
  })

  test.each([
    ['undefined', () => undefined],
    ['an empty name', () => ''],
    // What a callback returns that only answers yes or no.
    ['true', () => true as unknown as string],
    ['null', () => null as unknown as string],
  ])('that returns %s refuses, and the bucket is not asked', async (_what, authorize) => {
    const { site, unwrap, failures } = await setUp({ authorize })
    expect(await unwrap()).toEqual(UNWRAP_FAILED)
    await expect(site.provider().generateContentKey(new Uint8Array(16))).rejects.toEqual(
      code('ERR_CSE_ACCESS_DENIED'),
    )
    expect(site.transport.requests).toEqual([])
    expect(failures.map(({ operation, user }) => [operation, user])).toEqual([
      ['unwrap', undefined],
      ['generate', undefined],
    ])
  })

  test('that throws makes the page try again later, and the bucket is not asked', async () => {
    const down = new Error('the database is down')
    const { site, unwrap, failures } = await setUp({ authorize: () => Promise.reject(down) })
    expect(await unwrap()).toMatchObject({ code: 'ERR_CSE_SERVICE', retryable: true })
    expect(site.transport.requests).toEqual([])
    expect(failures).toMatchObject([{ operation: 'unwrap', key: 'a', error: down }])
  })

  test('may refuse some keys of a call', async () => {
    const { site, provider, envelope, contentKey } = await setUp({
      authorize: (_request, { key }) => (key.startsWith('mine/') ? 'me' : undefined),
    })
    const keys = ['mine/1', 'yours/1', 'mine/2']
    for (const key of keys) await site.store(envelope, key)
    const outcomes = await Promise.allSettled(
      keys.map((key) => provider.unwrap(envelope, { object: { key } })),
    )
    expect(outcomes).toEqual([
      { status: 'fulfilled', value: contentKey },
      { status: 'rejected', reason: UNWRAP_FAILED },
      { status: 'fulfilled', value: contentKey },
    ])
    expect(site.transport.requests.map(({ key }) => key).sort()).toEqual(['mine/1', 'mine/2'])
    expect(site.calls).toHaveLength(1)
  })
})

describe('one error is what the page learns of', () => {
  test.each<[string, (site: KeySite) => Promise<unknown> | unknown, string]>([
    ['an object that is not there', (site) => site.transport.objects.delete('a'), 'ERR_CSE_NOT_FOUND'],
    [
      'one that is not encrypted',
      (site) => site.transport.plant('a', new Uint8Array()),
      'ERR_CSE_NOT_ENCRYPTED',
    ],
    [
      'one whose envelope is damaged',
      async (site) => {
        const [name = ''] = Object.keys(headersOf((await setUp()).envelope))
        await site.transport.plant('a', new Uint8Array(), { [name]: 'x' })
      },
      'ERR_CSE_ENVELOPE_DAMAGED',
    ],
    [
      'a link',
      (site) => {
        const stored = site.transport.objects.get('a')
        site.transport.objects.delete('a')
        if (stored !== undefined) site.transport.objects.set('b', stored)
        site.transport.links.set('a', 'b')
      },
      'ERR_CSE_OPERATION_REFUSED',
    ],
    [
      'a bucket that refuses the credentials of the key server',
      (site) => {
        site.transport.intercept = () => {
          throw new TransportError('ERR_CSE_ACCESS_DENIED', 'no', { retryable: false, status: 403 })
        }
      },
      'ERR_CSE_ACCESS_DENIED',
    ],
    [
      'an error that nobody expected',
      (site) => {
        site.transport.intercept = () => {
          throw new TypeError('undefined is not a function')
        }
      },
      '',
    ],
  ])('%s', async (_what, change, operatorCode) => {
    const { site, unwrap, failures } = await setUp()
    await change(site)
    expect(await unwrap()).toEqual(UNWRAP_FAILED)
    expect(failures).toHaveLength(1)
    if (operatorCode !== '') expect(failures[0]?.error).toEqual(code(operatorCode))
  })

  test('a key that does not unwrap', async () => {
    const { site, envelope, failures } = await setUp()
    const damaged = { ...envelope, wrappedCek: btoa('x'.repeat(40)) }
    await site.store(damaged, 'a')
    await expect(site.provider().unwrap(damaged, { object: { key: 'a' } })).rejects.toEqual(UNWRAP_FAILED)
    expect(failures[0]?.error).toEqual(UNWRAP_FAILED)
  })

  test('a master key that the server does not have', async () => {
    const { site, failures } = await setUp()
    const foreign = createTestProvider({ seed: 9, wrapAlgorithm: 'TEST/OTHER' })
    const { envelope } = await new Keyring({ encrypting: foreign }).generate()
    await site.store(envelope, 'b')
    await expect(site.provider().unwrap(envelope, { object: { key: 'b' } })).rejects.toEqual(UNWRAP_FAILED)
    expect(failures[0]?.error).toEqual(code('ERR_CSE_NO_MATCHING_KEY'))
  })

  test('another master key than the page expects, although the server has it', async () => {
    const other = createTestProvider({ seed: 2 })
    const ours = createTestProvider({ seed: 1 })
    const keyring = new Keyring({ encrypting: ours, decrypting: [other], undescribed: [other] })
    const { site } = await setUp({ keyring })
    const { envelope, contentKey } = await new Keyring({ encrypting: other }).generate()
    await site.store(envelope, 'b')
    const object = { key: 'b' }
    await expect(site.provider().unwrap(envelope, { object })).rejects.toEqual(UNWRAP_FAILED)
    const unnamed = site.provider({ keyIdentity: undefined })
    await expect(unnamed.unwrap(envelope, { object })).resolves.toEqual(contentKey)
  })
})

describe('what may pass later', () => {
  test.each([
    ['ERR_CSE_NETWORK', undefined],
    ['ERR_CSE_THROTTLED', 503],
    ['ERR_CSE_SERVICE', 500],
  ] as const)('as %s of the bucket, is an error that the page may retry', async (failure, status) => {
    const { site, unwrap, contentKey } = await setUp()
    site.transport.intercept = () => {
      throw new TransportError(failure, 'bucket.internal does not respond', { retryable: true, status })
    }
    const error = await unwrap()
    expect(error).toMatchObject({ code: 'ERR_CSE_SERVICE', retryable: true })
    expect(String(error)).not.toContain('internal')
    site.transport.intercept = undefined
    expect(await unwrap()).toEqual(contentKey)
  })

  test('as too many keys of one user, is an error that the page may retry; other users have theirs', async () => {
    let user = 'a'
    const { site, unwrap, failures } = await setUp({
      authorize: () => user,
      rateLimit: { perSecond: 0.001, burst: 3 },
    })
    for (let i = 0; i < 3; i++) expect(await unwrap()).toHaveProperty('cek')
    expect(await unwrap()).toMatchObject({ code: 'ERR_CSE_THROTTLED', retryable: true })
    expect(failures).toMatchObject([{ error: { code: 'ERR_CSE_THROTTLED' } }])
    expect(site.transport.requests).toHaveLength(3)
    user = 'b'
    expect(await unwrap()).toHaveProperty('cek')
  })
})

describe('an object that was replaced', () => {
  test('since the page read it is an error that says so, and its key is not unwrapped', async () => {
    const unwrap = vi.fn(createTestProvider().unwrap)
    const keyring = new Keyring({ encrypting: { ...createTestProvider(), unwrap } })
    const { site, failures, unwrap: read } = await setUp({ keyring })
    const { envelope } = await keyring.generate()
    await site.store(envelope, 'a')
    expect(await read()).toMatchObject({ code: 'ERR_CSE_PRECONDITION_FAILED', objectKey: 'a' })
    expect(failures).toMatchObject([{ error: { code: 'ERR_CSE_PRECONDITION_FAILED' } }])
    expect(unwrap).not.toHaveBeenCalled()
  })

  test('is read as it was by its version', async () => {
    const { site, envelope, contentKey, unwrap } = await setUp()
    site.transport.versioning = 'Enabled'
    const put = (bytes: Uint8Array, headers: Record<string, string>) =>
      site.transport.put({
        key: 'a',
        headers,
        body: {
          open: async function* () {
            yield bytes
          },
        },
      })
    const first = await put(new Uint8Array(), headersOf(envelope))
    const { envelope: second } = await site.keyring.generate()
    await put(new Uint8Array(), headersOf(second))
    const versionId = first.headers['x-oss-version-id']
    expect(versionId).toBeDefined()
    expect(await unwrap('a', versionId)).toEqual(contentKey)
    expect(await unwrap('a')).toMatchObject({ code: 'ERR_CSE_PRECONDITION_FAILED' })
  })

  test('in the response of another version than the requested one is refused', async () => {
    const { site, failures, unwrap } = await setUp()
    const { transport } = site
    site.respond = site.serverWith({
      onFailure: (failure) => failures.push(failure),
      transport: {
        get: transport.get,
        async head(request) {
          const { status, headers } = await transport.head(request)
          return { status, headers: { ...headers, 'x-oss-version-id': 'v2' } }
        },
      },
    })
    expect(await unwrap('a', 'v1')).toEqual(UNWRAP_FAILED)
    expect(failures).toMatchObject([{ error: { code: 'ERR_CSE_SERVICE' } }])
    expect(await unwrap('a', 'v2')).toHaveProperty('cek')
    expect(await unwrap('a')).toHaveProperty('cek')
  })
})

describe('a new content key', () => {
  const iv = new Uint8Array(16).fill(5)
  const object = { key: 'new' }

  test('is wrapped by the encrypting key, and the bucket is not asked', async () => {
    const { site, provider } = await setUp()
    const made = await provider.generateContentKey(iv, { object })
    expect(site.transport.requests).toEqual([])
    const envelope = {
      version: 2,
      cekAlgorithm: 'AES/CTR/NoPadding',
      wrapAlgorithm: provider.wrapAlgorithm,
      materialDescription: {},
      ...made,
    } as const
    expect(await site.keyring.unwrap(envelope)).toEqual({ cek: made.cek, iv })
  })

  test.each([
    ['another algorithm', { wrapAlgorithm: 'KMS/ALICLOUD' }],
    ['another name', { materialDescription: { key: 'last year' } }],
    ['another identity', { keyIdentity: 'test:2' }],
  ])('is refused to a page that expects %s: nobody could read its objects', async (_what, options) => {
    const { site, failures } = await setUp()
    await expect(site.provider(options).generateContentKey(iv, { object })).rejects.toEqual(
      code('ERR_CSE_ACCESS_DENIED'),
    )
    expect(failures).toMatchObject([{ operation: 'generate', error: { code: 'ERR_CSE_NO_MATCHING_KEY' } }])
  })

  test('is refused where the key of the server writes V1, which a page does not', async () => {
    const keyring = new Keyring({ encrypting: { ...createTestProvider(), envelopeVersion: 1 } })
    const { site } = await setUp({ keyring })
    await expect(site.provider().generateContentKey(iv, { object })).rejects.toEqual(
      code('ERR_CSE_ACCESS_DENIED'),
    )
  })
})

describe("accept: 'sealed'", () => {
  test('refuses the key of an object that is not sealed, before the unwrap', async () => {
    const { failures, unwrap } = await setUp({ accept: 'sealed' })
    expect(await unwrap()).toEqual(UNWRAP_FAILED)
    expect(failures).toMatchObject([{ error: { code: 'ERR_CSE_NOT_SEALED' } }])
    const sealed = await setUp({ accept: 'sealed' }, 'sealed')
    expect(await sealed.unwrap()).toEqual(sealed.contentKey)
  })

  test('returns a key that opens nothing where an RSA key does not unwrap, and always the same', async () => {
    const encrypting = createTestProvider({ wrapAlgorithm: 'RSA/NONE/PKCS1Padding' })
    const keyring = new Keyring({ encrypting })
    const { site, failures } = await setUp({ keyring, accept: 'sealed' })
    const { envelope } = await keyring.generate({}, {}, 'sealed')
    const damaged = { ...envelope, wrappedCek: btoa('x'.repeat(40)) }
    await site.store(damaged, 'b')
    const read = () => site.provider().unwrap(damaged, { object: { key: 'b' } })
    const key = await read()
    expect(key).toMatchObject({ cek: expect.any(Uint8Array) })
    expect(await read()).toEqual(key)
    expect(failures).toEqual([])
  })
})

describe('context', () => {
  test('lets the key of an object out under its own name', async () => {
    const { site, envelope, contentKey, unwrap } = await sealedSite((key) => `bucket/${key}`)
    expect(await unwrap('a')).toEqual(contentKey)
    expect(envelope.version).toBe(2)
    expect(site.transport.requests).toMatchObject([{ operation: 'get', headers: { range: 'bytes=0-39' } }])
  })

  test('refuses an envelope that was copied to another object, with its content or without', async () => {
    const { site, envelope, unwrap, failures } = await sealedSite((key) => `bucket/${key}`)
    const original = site.transport.objects.get('a')
    for (const bytes of [original?.bytes ?? new Uint8Array(), new Uint8Array(), new Uint8Array(500)]) {
      await site.transport.plant('thief/a', bytes, headersOf(envelope))
      expect(await unwrap('thief/a')).toEqual(UNWRAP_FAILED)
    }
    expect(failures.map(({ error }) => error)).toEqual([
      code('ERR_CSE_AUTHENTICATION_FAILED'),
      expect.anything(),
      code('ERR_CSE_AUTHENTICATION_FAILED'),
    ])
  })

  test('refuses a key that does not unwrap in the same way', async () => {
    const { site, envelope, failures } = await sealedSite((key) => key)
    const damaged = { ...envelope, wrappedCek: btoa('x'.repeat(40)) }
    await site.transport.plant(
      'a',
      site.transport.objects.get('a')?.bytes ?? new Uint8Array(),
      headersOf(damaged),
    )
    await expect(site.provider().unwrap(damaged, { object: { key: 'a' } })).rejects.toEqual(UNWRAP_FAILED)
    expect(failures).toMatchObject([{ error: { code: 'ERR_CSE_AUTHENTICATION_FAILED' } }])
  })
})

describe('a response', () => {
  test('leaves at a multiple of the step, whatever is in it', async () => {
    const { site, provider, envelope } = await setUp({ responseStepMs: 50 })
    const { setTimeout: realTimeout } = globalThis
    vi.useFakeTimers()
    /** Until the response waits for its time. The page has a timer of its own, for the whole call. */
    const responded = async () => {
      while (vi.getTimerCount() < 2) await new Promise((resolve) => realTimeout(resolve))
    }
    let settled = 0
    const read = (key: string) =>
      provider.unwrap(envelope, { object: { key } }).then(
        () => ++settled,
        () => ++settled,
      )
    for (const key of ['a', 'missing']) {
      const before = settled
      const reading = read(key)
      await responded()
      await vi.advanceTimersByTimeAsync(49)
      expect(settled).toBe(before)
      await vi.advanceTimersByTimeAsync(1)
      expect(await reading).toBe(before + 1)
    }
    let release = (): void => {}
    const started = new Promise<void>((resolve) => {
      site.transport.intercept = () => {
        resolve()
        return new Promise<void>((done) => {
          release = done
        })
      }
    })
    const slow = read('a')
    await started
    await vi.advanceTimersByTimeAsync(60)
    release()
    await responded()
    await vi.advanceTimersByTimeAsync(39)
    expect(settled).toBe(2)
    await vi.advanceTimersByTimeAsync(1)
    expect(await slow).toBe(3)
  })

  test('has the ETag and the version of what was read, but holds no key in plaintext', async () => {
    const { site, contentKey, unwrap } = await setUp()
    const texts: string[] = []
    const { respond } = site
    site.respond = async (request) => {
      const response = await respond(request)
      texts.push(await response.clone().text())
      expect(response.headers.get('cache-control')).toBe('no-store')
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
      return response
    }
    expect(await unwrap()).toEqual(contentKey)
    expect(texts).toHaveLength(1)
    expect(texts[0]).not.toContain(btoa(String.fromCharCode(...contentKey.cek)))
    expect(Object.keys(JSON.parse(texts[0] ?? ''))).toEqual(['version', 'publicKey', 'ciphertext'])
  })

  test('does not depend on a log that throws', async () => {
    const { unwrap } = await setUp({
      authorize: () => undefined,
      onFailure: () => {
        throw new Error('disk full')
      },
    })
    expect(await unwrap()).toEqual(UNWRAP_FAILED)
  })
})

describe('options', () => {
  const site = new KeySite(createTestProvider())
  const valid: KeyServerOptions = {
    keyring: site.keyring,
    transport: site.transport,
    authorize: () => 'somebody',
  }
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['no authorize', { ...valid, authorize: undefined }],
    ['no keyring', { ...valid, keyring: undefined }],
    ['a provider as the keyring', { ...valid, keyring: createTestProvider() }],
    ['no transport', { ...valid, transport: {} }],
    ['an unknown accept', { ...valid, accept: 'all' }],
    ['a context without sealed objects', { ...valid, context: () => '' }],
    ['a context that is no function', { ...valid, accept: 'sealed', context: 'a' }],
    ['a negative step', { ...valid, responseStepMs: -1 }],
    ['a step of an hour', { ...valid, responseStepMs: 3_600_000 }],
    ['a rate of 0', { ...valid, rateLimit: { perSecond: 0 } }],
  ])('with %s are refused', (_what, options) => {
    expect(() => createKeyServer(options as KeyServerOptions)).toThrow(code('ERR_CSE_INVALID_ARGUMENT'))
  })

  test('of the least are enough', () => {
    expect(createKeyServer(valid)).toBeTypeOf('function')
  })
})
