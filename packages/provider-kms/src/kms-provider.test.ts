import { inspect } from 'node:util'
import { type Envelope, encodeBase64, Keyring, TransportError, unwrapFailed } from '@oss-cse/crypto-core'
import { generateIv } from '@oss-cse/crypto-core/internal'
import { providerContract } from '@oss-cse/crypto-core/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { FakeKms } from '../test/fake-kms.ts'
import { KmsProvider, type KmsProviderOptions } from './kms-provider.ts'

const KEY = '11111111-2222-3333-4444-555555555555'
const OTHER_KEY = '99999999-2222-3333-4444-555555555555'
const NO_WAIT = { minDelayMs: 0, maxDelayMs: 0 }
const code = (value: string) => expect.objectContaining({ code: value })
const MISMATCH = code('ERR_CSE_UNWRAP_FAILED')

function setUp(options: Partial<KmsProviderOptions> = {}) {
  const kms = new FakeKms()
  const provider = new KmsProvider({ client: kms, keyId: KEY, retry: NO_WAIT, ...options })
  return { kms, provider, ring: new Keyring({ encrypting: provider }) }
}

const throttled = () => new TransportError('ERR_CSE_THROTTLED', 'too many', { retryable: true })
const denied = () => new TransportError('ERR_CSE_ACCESS_DENIED', 'no', { retryable: false })

async function thrownBy(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.unreachable('it resolved'),
    (error: unknown) => error,
  )
}

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe.each(['blob', 'oss2'] as const)('the provider contract, encoding %s', (encoding) => {
  const kms = new FakeKms()
  for (const cached of [false, true]) {
    const rules = providerContract({
      create: () =>
        new KmsProvider({
          client: kms,
          keyId: KEY,
          encoding,
          passphrase: 'a long passphrase',
          materialDescription: { key: 'ours' },
          ...(cached && { unwrapCache: { maxEntries: 100, ttlMs: 60_000 } }),
        }),
      // A key of the same account: KMS itself would decrypt with it.
      createOther: () =>
        new KmsProvider({ client: kms, keyId: OTHER_KEY, encoding, passphrase: 'a long passphrase' }),
      createUnavailable: () => {
        const client = new FakeKms()
        client.before = () => {
          throw throttled()
        }
        return new KmsProvider({ client, keyId: KEY, encoding, retry: NO_WAIT })
      },
      randomized: true,
      secrets: ['a long passphrase'],
    })
    for (const rule of rules) test(`${rule.name}${cached ? ' (with a cache)' : ''}`, rule.run)
  }
})

describe('calls', () => {
  test('a write is one GenerateDataKey and one Encrypt of the IV, a read is two Decrypts, and both are concurrent', async () => {
    const { kms, ring } = setUp()
    // Each call responds only after the other one was made: sequential calls would never end.
    const rendezvous = (): Promise<void> =>
      new Promise((resolve) => {
        waiting.push(resolve)
        if (waiting.length === 2) for (const go of waiting.splice(0)) go()
      })
    const waiting: (() => void)[] = []
    kms.before = rendezvous
    const { envelope, contentKey } = await ring.generate()
    expect(kms.operations).toEqual(['generateDataKey', 'encrypt'])
    await expect(ring.unwrap(envelope)).resolves.toEqual(contentKey)
    expect(kms.operations.slice(2)).toEqual(['decrypt', 'decrypt'])
  })

  test('no request of a write or a read contains a content key in plaintext', async () => {
    const { kms, ring } = setUp({ encryptionContext: { a: 'b' } })
    const { contentKey, envelope } = await ring.generate()
    await ring.unwrap(envelope)
    const sent = JSON.stringify(kms.calls)
    expect(sent).not.toContain(encodeBase64(contentKey.cek))
    expect(sent).not.toContain(Buffer.from(contentKey.cek).toString('hex'))
    expect(kms.calls[1]).toMatchObject({ request: { plaintext: encodeBase64(contentKey.iv) } })
  })

  test.each(['blob', 'oss2'] as const)(
    'a re-wrap is two concurrent Encrypts of base64 texts, with the context, in the encoding of the provider: %s',
    async (encoding) => {
      const old = setUp()
      const { kms, provider, ring } = setUp({ encoding, encryptionContext: { app: 'x' } })
      const { envelope, contentKey } = await old.ring.generate()
      ring.addDecrypting(old.provider, { undescribed: true })
      const waiting: (() => void)[] = []
      kms.before = ({ operation }) =>
        operation === 'encrypt'
          ? new Promise<void>((resolve) => {
              waiting.push(resolve)
              if (waiting.length === 2) for (const go of waiting) go()
            })
          : undefined
      const rewrapped = await ring.rewrap({ ...envelope, materialDescription: {} })
      const encrypts = kms.calls.filter(({ operation }) => operation === 'encrypt')
      expect(encrypts.map(({ request }) => request)).toMatchObject([
        { keyId: KEY, plaintext: encodeBase64(contentKey.cek), encryptionContext: { app: 'x' } },
        { keyId: KEY, plaintext: encodeBase64(contentKey.iv), encryptionContext: { app: 'x' } },
      ])
      const decoded = Buffer.from(rewrapped.wrappedCek, 'base64').toString('latin1')
      const blob = encoding === 'blob' ? rewrapped.wrappedCek : decoded
      expect(Buffer.from(blob, 'base64').subarray(0, 36).toString()).toBe(KEY)
      expect(await provider.unwrap(rewrapped)).toEqual(contentKey)
    },
  )

  test('each call has the encryption context, which includes the passphrase', async () => {
    const { kms, ring } = setUp({ encryptionContext: { app: 'x' }, passphrase: 'päss"word' })
    await ring.unwrap((await ring.generate()).envelope)
    expect(kms.calls.map(({ request }) => request.encryptionContext)).toEqual(
      Array.from({ length: 4 }, () => ({ app: 'x', 'x-passphrase': 'päss"word' })),
    )
  })

  test('no context is sent if there is none', async () => {
    const { kms, ring } = setUp({ encryptionContext: {} })
    await ring.generate()
    expect(kms.calls.map(({ request }) => request.encryptionContext)).toEqual([undefined, undefined])
  })

  test('another passphrase or context is a mismatch', async () => {
    const { kms, ring } = setUp({ passphrase: 'a' })
    const { envelope } = await ring.generate()
    for (const options of [{}, { passphrase: 'b' }, { passphrase: 'a', encryptionContext: { c: 'd' } }]) {
      await expect(new KmsProvider({ client: kms, keyId: KEY, ...options }).unwrap(envelope)).rejects.toEqual(
        MISMATCH,
      )
    }
    const same = new KmsProvider({ client: kms, keyId: KEY, encryptionContext: { 'x-passphrase': 'a' } })
    await expect(same.unwrap(envelope)).resolves.toHaveProperty('cek')
  })
})

describe('encodings', () => {
  test('blob is the CiphertextBlob itself, oss2 is its text in base64 again, and each reads both', async () => {
    const kms = new FakeKms()
    const make = (encoding: 'blob' | 'oss2') =>
      new KmsProvider({ client: kms, keyId: KEY, encoding, retry: NO_WAIT })
    for (const encoding of ['blob', 'oss2'] as const) {
      const { envelope, contentKey } = await new Keyring({ encrypting: make(encoding) }).generate()
      const decoded = Buffer.from(envelope.wrappedCek, 'base64').toString('latin1')
      const blob = encoding === 'blob' ? envelope.wrappedCek : decoded
      expect(Buffer.from(blob, 'base64').subarray(0, 36).toString()).toBe(KEY)
      for (const reader of [make('blob'), make('oss2')]) {
        kms.calls.length = 0
        await expect(reader.unwrap(envelope)).resolves.toEqual(contentKey)
        expect(kms.calls.length).toBe(2)
      }
    }
  })

  /** A header that is itself the blob, although its text decodes to base64 text. */
  async function ambiguous(kms: FakeKms, provider: KmsProvider) {
    const { envelope } = await new Keyring({ encrypting: provider }).generate()
    if (envelope.version !== 2) throw new Error('a V2 envelope')
    const real = { cek: envelope.wrappedCek, iv: envelope.wrappedIv }
    const disguised = {
      ...envelope,
      wrappedCek: Buffer.from('AAAA').toString('base64'),
      wrappedIv: Buffer.from('BBBB').toString('base64'),
    }
    // The fake maps the disguised blobs to the real ones.
    const opened = kms.decrypt.bind(kms)
    kms.decrypt = async (request) => {
      const { ciphertextBlob } = request
      if (ciphertextBlob === disguised.wrappedCek) return opened({ ...request, ciphertextBlob: real.cek })
      if (ciphertextBlob === disguised.wrappedIv) return opened({ ...request, ciphertextBlob: real.iv })
      return opened(request)
    }
    return disguised
  }

  test('an ambiguous header is first tried as double-encoded, then unchanged', async () => {
    const { kms, provider } = setUp()
    const envelope = await ambiguous(kms, provider)
    kms.calls.length = 0
    await expect(provider.unwrap(envelope)).resolves.toHaveProperty('cek')
    expect(kms.calls.length).toBe(4)
    expect(
      kms.calls.slice(0, 2).map(({ request }) => (request as { ciphertextBlob?: string }).ciphertextBlob),
    ).toEqual(['AAAA', 'BBBB'])
  })

  test.each([throttled(), denied()])(
    'the other decoding is not tried if KMS fails for another reason: $code',
    async (failure) => {
      const { kms, provider } = setUp({ retry: { ...NO_WAIT, maxAttempts: 2 } })
      const envelope = await ambiguous(kms, provider)
      kms.calls.length = 0
      kms.before = () => {
        throw failure
      }
      await expect(provider.unwrap(envelope)).rejects.toEqual(code(failure.code))
      const asked = kms.calls.map(({ request }) => (request as { ciphertextBlob?: string }).ciphertextBlob)
      expect(asked.filter((blob) => blob !== 'AAAA' && blob !== 'BBBB')).toEqual([])
    },
  )

  test('a header that is not base64 is a mismatch, and KMS is not called', async () => {
    const { kms, provider, ring } = setUp()
    const { envelope } = await ring.generate()
    kms.calls.length = 0
    for (const change of [{ wrappedCek: '!' }, { wrappedIv: 'A' }, { wrappedCek: '' }]) {
      await expect(provider.unwrap({ ...envelope, ...change } as Envelope)).rejects.toEqual(MISMATCH)
    }
    expect(kms.calls).toEqual([])
  })
})

describe('V1 envelopes of oss2 2.5 to 2.10', () => {
  async function v1(kms: FakeKms, start: string): Promise<Envelope> {
    const made = await kms.generateDataKey({ keyId: KEY })
    return {
      version: 1,
      wrappedCek: made.ciphertextBlob,
      wrappedStart: kms.seal({ keyId: KEY }, start),
      cekAlgorithm: 'AES/GCM/NoPadding',
      wrapAlgorithm: 'kms',
      materialDescription: {},
    }
  }

  test('are read by the keyring: the key from base64, the start from decimal text', async () => {
    const { kms, ring } = setUp({ materialDescription: { key: 'x' } })
    const { iv } = await ring.unwrap(await v1(kms, '8'))
    expect(iv).toEqual(new Uint8Array(16).fill(8, 15))
  })

  test.each(['', 'OA==', 'eight', '-1'])(
    'a start that is not a decimal number is a mismatch: %j',
    async (start) => {
      const { kms, provider } = setUp()
      await expect(provider.unwrap(await v1(kms, start))).rejects.toEqual(
        start === '' ? code('ERR_CSE_SERVICE') : MISMATCH,
      )
    },
  )

  test('a V1 envelope of another algorithm, or a V2 envelope that names `kms`, is a mismatch', async () => {
    const { kms, provider, ring } = setUp()
    const envelope = await v1(kms, '8')
    await expect(provider.unwrap({ ...envelope, wrapAlgorithm: 'rsa' })).rejects.toEqual(MISMATCH)
    const { envelope: v2 } = await ring.generate()
    await expect(provider.unwrap({ ...v2, wrapAlgorithm: 'kms' })).rejects.toEqual(MISMATCH)
    await expect(provider.unwrap({ ...v2, wrapAlgorithm: 'kms/alicloud' })).resolves.toHaveProperty('cek')
  })
})

describe('the key of an object', () => {
  test('a blob that KMS decrypts with another key of the account is a mismatch', async () => {
    const { kms, ring } = setUp()
    const other = new KmsProvider({ client: kms, keyId: OTHER_KEY })
    await expect(other.unwrap((await ring.generate()).envelope)).rejects.toEqual(MISMATCH)
  })

  test.each([
    KEY.toUpperCase(),
    `acs:kms:cn-hangzhou:1234:key/${KEY}`,
    'alias/current',
    'acs:kms:cn-hangzhou:1234:alias/current',
  ])('the key is named by id, ARN or alias: %s', async (keyId) => {
    const { kms, ring } = setUp()
    const { envelope } = await ring.generate()
    await expect(new KmsProvider({ client: kms, keyId }).unwrap(envelope)).resolves.toHaveProperty('cek')
  })

  test('with an alias, everything that KMS decrypts is accepted', async () => {
    const { kms } = setUp()
    const other = new KmsProvider({ client: kms, keyId: OTHER_KEY })
    const { envelope } = await new Keyring({ encrypting: other }).generate()
    const byAlias = new KmsProvider({ client: kms, keyId: 'alias/current' })
    await expect(byAlias.unwrap(envelope)).resolves.toHaveProperty('cek')
  })

  test('an ARN of a region other than the client’s is refused by the constructor', () => {
    expect(() => setUp({ keyId: `acs:kms:cn-beijing:1234:key/${KEY}` })).toThrow(code('ERR_CSE_WRONG_REGION'))
  })

  test('a value that was wrapped with another key is not used', async () => {
    const { kms, provider } = setUp()
    kms.before = ({ operation }) =>
      operation === 'encrypt' ? { ciphertextBlob: 'YWJj', keyId: OTHER_KEY } : undefined
    await expect(provider.generateContentKey(generateIv())).rejects.toEqual(code('ERR_CSE_SERVICE'))
  })
})

describe('a wrap of a given content key', () => {
  const key = () => ({ cek: new Uint8Array(32).fill(1), iv: generateIv() })

  test('of a wrong length makes no call of KMS', async () => {
    const { kms, provider } = setUp()
    await expect(provider.wrap({ ...key(), cek: new Uint8Array(16) })).rejects.toEqual(
      code('ERR_CSE_INVALID_ARGUMENT'),
    )
    expect(kms.calls).toEqual([])
  })

  test.each<[string, object]>([
    ['of another key', { ciphertextBlob: 'YWJj', keyId: OTHER_KEY }],
    ['without a blob', { keyId: KEY }],
    ['whose blob no header can hold', { ciphertextBlob: 'YWJj\r\nx: y', keyId: KEY }],
  ])('is not made of a response %s', async (_what, response) => {
    const { kms, provider } = setUp()
    for (const which of [0, 1]) {
      kms.calls.length = 0
      kms.before = (_call, index) => (index === which ? response : undefined)
      await expect(provider.wrap(key())).rejects.toEqual(code('ERR_CSE_SERVICE'))
    }
  })

  test('must be certain of its key where the keyring asks for that', async () => {
    const { kms, provider } = setUp()
    kms.before = () => ({ ciphertextBlob: 'YWJj' })
    await expect(provider.wrap(key())).resolves.toEqual({ wrappedCek: 'YWJj', wrappedIv: 'YWJj' })
    await expect(provider.wrap(key(), { identified: true })).rejects.toEqual(code('ERR_CSE_SERVICE'))
  })

  test('is retried like other calls', async () => {
    const { kms, provider } = setUp()
    kms.before = (_call, index) => {
      if (index < 2) throw throttled()
    }
    await expect(provider.wrap(key())).resolves.toHaveProperty('wrappedCek')
  })
})

describe('failures of KMS', () => {
  test('throttling, 5xx and resets are retried', async () => {
    const { kms, ring } = setUp()
    kms.before = (_call, index) => {
      if (index < 4) throw throttled()
    }
    await expect(ring.generate()).resolves.toHaveProperty('envelope')
  })

  test('a permanent failure is thrown after the last attempt, with retriesExhausted', async () => {
    const { kms, provider } = setUp({ retry: { ...NO_WAIT, maxAttempts: 3 } })
    kms.before = ({ operation }) => {
      if (operation === 'encrypt') throw throttled()
    }
    const error = await thrownBy(provider.generateContentKey(generateIv()))
    expect(error).toMatchObject({ code: 'ERR_CSE_THROTTLED', retryable: true, retriesExhausted: true })
    expect(kms.operations.filter((operation) => operation === 'encrypt').length).toBe(3)
  })

  test('any other failure is thrown unchanged, without a retry', async () => {
    const { kms, provider } = setUp()
    const failure = denied()
    kms.before = ({ operation }) => {
      if (operation === 'generateDataKey') throw failure
    }
    await expect(provider.generateContentKey(generateIv())).rejects.toBe(failure)
    expect(kms.operations.filter((operation) => operation === 'generateDataKey').length).toBe(1)
  })

  test('a failure of one of two calls aborts the other', async () => {
    const { kms, provider } = setUp()
    kms.before = ({ operation, request }) => {
      if (operation === 'encrypt') throw denied()
      return new Promise((_resolve, reject) => {
        request.signal?.addEventListener('abort', () => reject(request.signal?.reason), { once: true })
      })
    }
    await expect(provider.generateContentKey(generateIv())).rejects.toEqual(code('ERR_CSE_ACCESS_DENIED'))
  })

  test('a failure of KMS takes precedence over a mismatch, whichever is first', async () => {
    const { kms, provider, ring } = setUp()
    const { envelope } = await ring.generate()
    for (const failing of [0, 1]) {
      kms.calls.length = 0
      kms.before = async (_call, index) => {
        if (index !== failing) throw unwrapFailed()
        await new Promise(setImmediate)
        throw denied()
      }
      await expect(provider.unwrap(envelope)).rejects.toEqual(code('ERR_CSE_ACCESS_DENIED'))
    }
  })

  test.each([
    ['no plaintext', { ciphertextBlob: 'YWJj' }],
    ['an empty response', {}],
    ['a key of 16 bytes', { plaintext: encodeBase64(new Uint8Array(16)), ciphertextBlob: 'YWJj' }],
    ['a plaintext that is not base64', { plaintext: 'ü'.repeat(32), ciphertextBlob: 'YWJj' }],
    ['a plaintext that is no text', { plaintext: 5, ciphertextBlob: 'YWJj' }],
    ['no blob', { plaintext: encodeBase64(new Uint8Array(32)) }],
    [
      'a blob that is not a valid header value',
      { plaintext: encodeBase64(new Uint8Array(32)), ciphertextBlob: 'a b' },
    ],
    ['nothing at all', null],
  ])('a response without a usable key throws ERR_CSE_SERVICE: %s', async (_name, response) => {
    const { kms, provider } = setUp()
    kms.before = ({ operation }) => (operation === 'generateDataKey' ? response : undefined)
    await expect(provider.generateContentKey(generateIv())).rejects.toEqual(code('ERR_CSE_SERVICE'))
  })

  test.each([{}, { plaintext: '' }, { plaintext: 7 }, null])(
    'a Decrypt without a plaintext throws ERR_CSE_SERVICE: %j',
    async (response) => {
      const { kms, provider, ring } = setUp()
      const { envelope } = await ring.generate()
      kms.before = () => response
      await expect(provider.unwrap(envelope)).rejects.toEqual(code('ERR_CSE_SERVICE'))
    },
  )

  test('an error that is not a CseError is not passed on: it may contain the request', async () => {
    const { kms, provider } = setUp()
    for (const thrown of [new Error('POST /?Plaintext=U0VDUkVU failed'), 'SECRET', undefined]) {
      kms.before = () => {
        throw thrown
      }
      const error = await thrownBy(provider.generateContentKey(generateIv()))
      expect(error).toMatchObject({ code: 'ERR_CSE_SERVICE', retryable: false })
      expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/SECRET|U0VDUkVU/)
      expect((error as Error).cause).toBeUndefined()
    }
  })

  test('a client that throws synchronously is treated the same', async () => {
    const kms = new FakeKms()
    kms.encrypt = () => {
      throw new Error('SECRET')
    }
    const provider = new KmsProvider({ client: kms, keyId: KEY })
    await expect(provider.generateContentKey(generateIv())).rejects.toEqual(code('ERR_CSE_SERVICE'))
  })
})

test('an abort ends the wait at once, even if the client ignores signals', async () => {
  const { kms, provider, ring } = setUp()
  const { envelope } = await ring.generate()
  const reason = new Error('stop')
  for (const call of [
    (signal: AbortSignal) => provider.unwrap(envelope, { signal }),
    (signal: AbortSignal) => provider.generateContentKey(generateIv(), { signal }),
  ]) {
    const controller = new AbortController()
    kms.before = () => {
      queueMicrotask(() => controller.abort(reason))
      return new Promise(() => {})
    }
    await expect(call(controller.signal)).rejects.toBe(reason)
  }
})

describe('the cache of unwrapped keys', () => {
  const unwrapCache = { maxEntries: 2, ttlMs: 1000 }

  test('without a cache, each read calls KMS', async () => {
    const { kms, ring } = setUp()
    const { envelope } = await ring.generate()
    await ring.unwrap(envelope)
    await ring.unwrap(envelope)
    expect(kms.operations.filter((operation) => operation === 'decrypt').length).toBe(4)
  })

  test('a cached key is not unwrapped again, and a caller wipes only a copy', async () => {
    const { kms, provider, ring } = setUp({ unwrapCache })
    const { envelope, contentKey } = await ring.generate()
    for (let read = 0; read < 3; read++) {
      const key = await provider.unwrap(envelope)
      expect(key).toEqual(contentKey)
      key.cek.fill(0)
      key.iv.fill(0)
    }
    expect(kms.calls.length).toBe(4)
  })

  test('each object is written with its own key, with or without a cache', async () => {
    const { kms, ring } = setUp({ unwrapCache })
    const keys = await Promise.all(Array.from({ length: 5 }, () => ring.generate()))
    expect(new Set(keys.map(({ contentKey }) => String(contentKey.cek))).size).toBe(5)
    expect(kms.calls.length).toBe(10)
  })

  test('a key is removed after its lifetime, even if it was used often', async () => {
    vi.useFakeTimers()
    const { kms, provider, ring } = setUp({ unwrapCache })
    const { envelope } = await ring.generate()
    await provider.unwrap(envelope)
    vi.advanceTimersByTime(999)
    await provider.unwrap(envelope)
    expect(kms.calls.length).toBe(4)
    vi.advanceTimersByTime(2)
    await provider.unwrap(envelope)
    expect(kms.calls.length).toBe(6)
  })

  test('the cache never exceeds maxEntries: the least recently used key is removed first', async () => {
    const { kms, provider, ring } = setUp({ unwrapCache })
    const [a, b, c] = [await ring.generate(), await ring.generate(), await ring.generate()]
    for (const { envelope } of [a, b, a, c]) await provider.unwrap(envelope)
    kms.calls.length = 0
    await provider.unwrap(a.envelope)
    expect(kms.calls.length).toBe(0)
    await provider.unwrap(b.envelope)
    expect(kms.calls.length).toBe(2)
  })

  test('any difference in algorithm, description, wrapped bytes or context is another entry', async () => {
    const { kms, provider, ring } = setUp({ unwrapCache: { maxEntries: 99, ttlMs: 60_000 } })
    const { envelope } = await ring.generate()
    const { envelope: foreign } = await ring.generate()
    await provider.unwrap(envelope)
    kms.calls.length = 0
    await expect(provider.unwrap({ ...envelope, wrapAlgorithm: 'other' })).rejects.toEqual(MISMATCH)
    for (const change of [
      { materialDescription: { a: 'b' } },
      { wrappedCek: foreign.wrappedCek },
      { wrappedIv: foreign.version === 2 ? foreign.wrappedIv : '' },
    ]) {
      kms.calls.length = 0
      await provider.unwrap({ ...envelope, ...change } as Envelope)
      expect(kms.calls.length, JSON.stringify(Object.keys(change))).toBe(2)
    }
    const bound = new KmsProvider({ client: kms, keyId: KEY, passphrase: 'p', unwrapCache })
    await expect(bound.unwrap(envelope)).rejects.toEqual(MISMATCH)
  })

  test('a hit is checked like a miss: an aborted signal and a foreign algorithm reject', async () => {
    const { provider, ring } = setUp({ unwrapCache })
    const { envelope } = await ring.generate()
    await provider.unwrap(envelope)
    const reason = new Error('stop')
    await expect(provider.unwrap(envelope, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await expect(provider.unwrap({ ...envelope, wrapAlgorithm: 'kms' })).rejects.toEqual(MISMATCH)
  })

  test('a failed unwrap is not cached', async () => {
    const { kms, provider, ring } = setUp({ unwrapCache })
    const { envelope } = await ring.generate()
    kms.before = () => {
      throw denied()
    }
    await expect(provider.unwrap(envelope)).rejects.toEqual(code('ERR_CSE_ACCESS_DENIED'))
    kms.before = () => undefined
    kms.calls.length = 0
    await expect(provider.unwrap(envelope)).resolves.toHaveProperty('cek')
    expect(kms.calls.length).toBe(2)
  })

  test('concurrent reads of one object share two calls', async () => {
    const { kms, provider, ring } = setUp({ unwrapCache })
    const { envelope, contentKey } = await ring.generate()
    kms.calls.length = 0
    const keys = await Promise.all(Array.from({ length: 20 }, () => provider.unwrap(envelope)))
    expect(kms.calls.length).toBe(2)
    expect(keys.every((key) => String(key.cek) === String(contentKey.cek))).toBe(true)
    expect(new Set(keys.map(({ cek }) => cek)).size).toBe(20)
  })

  test('a cleared cache calls KMS again', async () => {
    const { kms, provider, ring } = setUp({ unwrapCache })
    const { envelope } = await ring.generate()
    await provider.unwrap(envelope)
    provider.clearUnwrapCache()
    kms.calls.length = 0
    await provider.unwrap(envelope)
    expect(kms.calls.length).toBe(2)
  })

  test.each([
    { maxEntries: 0, ttlMs: 1 },
    { maxEntries: 1, ttlMs: 0 },
    { maxEntries: 1, ttlMs: 86_400_001 },
    { maxEntries: 1.5, ttlMs: 1 },
    { maxEntries: 1, ttlMs: Number.POSITIVE_INFINITY },
    { maxEntries: 1 } as never,
  ])('a cache without limits is refused: %j', (options) => {
    expect(() => setUp({ unwrapCache: options })).toThrow(code('ERR_CSE_INVALID_ARGUMENT'))
  })
})

describe('the identity of the key', () => {
  test('is its id, in whatever form and case the key was named', () => {
    const identityOf = (keyId: string) => setUp({ keyId }).provider.keyIdentity
    expect(identityOf(KEY)).toBe(`kms:${KEY}`)
    expect(identityOf(`acs:kms:cn-hangzhou:1234:key/${KEY.toUpperCase()}`)).toBe(`kms:${KEY}`)
  })

  test.each(['alias/main', 'acs:kms:cn-hangzhou:1234:alias/main'])(
    'is not known of an alias: %s',
    (keyId) => {
      const { provider } = setUp({ keyId })
      expect(provider.keyIdentity).toBeUndefined()
      expect(() => new Keyring({ encrypting: provider, sealedOnly: [provider] })).toThrow(
        code('ERR_CSE_INVALID_ARGUMENT'),
      )
    },
  )

  test('is not known with a client that does not promise to name the key', async () => {
    const kms = new FakeKms()
    const client = {
      generateDataKey: kms.generateDataKey.bind(kms),
      encrypt: kms.encrypt.bind(kms),
      decrypt: kms.decrypt.bind(kms),
    }
    expect(setUp({ client }).provider.keyIdentity).toBeUndefined()
  })

  test.each([undefined, null, ''])(
    'is required of each response in a keyring with a sealed-only key, and nowhere else: %j',
    async (keyId) => {
      for (const unwrapCache of [undefined, { maxEntries: 9, ttlMs: 60_000 }]) {
        const { kms, provider, ring } = setUp({ unwrapCache })
        const { envelope, contentKey } = await ring.generate({}, {}, 'sealed')
        const decrypt = kms.decrypt.bind(kms)
        kms.decrypt = async (request) => ({ ...(await decrypt(request)), keyId: keyId as never })
        // Without the key: as ever. Any other answer names another key.
        if (keyId === undefined) await expect(ring.unwrap(envelope)).resolves.toEqual(contentKey)
        const strict = new Keyring({ encrypting: provider, sealedOnly: [provider] })
        await expect(strict.unwrap(envelope)).rejects.toEqual(code('ERR_CSE_SERVICE'))
      }
    },
  )
})

describe('options', () => {
  test.each<[string, object]>([
    ['no client', { client: undefined }],
    ['a client of the SDK, not wrapped', { client: { encryptEx() {} } }],
    ['no key', { keyId: undefined }],
    ['an empty key', { keyId: '' }],
    ['a key with a line break', { keyId: 'a\nb' }],
    ['an empty passphrase', { passphrase: '' }],
    ['a passphrase twice', { passphrase: 'a', encryptionContext: { 'x-passphrase': 'b' } }],
    ['a context that is no map', { encryptionContext: ['a'] }],
    ['a context of numbers', { encryptionContext: { a: 1 } }],
    ['a context that is a Map', { encryptionContext: new Map([['a', 'b']]) }],
    ['a context that is null', { encryptionContext: null }],
    ['an unknown encoding', { encoding: 'double' }],
    ['a description of numbers', { materialDescription: { a: 1 } }],
    ['retries that are none', { retry: { maxAttempts: 0 } }],
  ])('are refused by the constructor: %s', (_name, options) => {
    expect(() => setUp(options)).toThrow(code('ERR_CSE_INVALID_ARGUMENT'))
  })

  test('an IV of a wrong length is refused before any KMS call', async () => {
    const { kms, provider } = setUp()
    await expect(provider.generateContentKey(new Uint8Array(15))).rejects.toEqual(
      code('ERR_CSE_INVALID_ARGUMENT'),
    )
    expect(kms.calls).toEqual([])
  })
})

test('the output of a provider contains its key’s name, and neither passphrase, context nor keys', async () => {
  const { provider, ring } = setUp({
    passphrase: 'SECRET-1',
    encryptionContext: { a: 'SECRET-2' },
    unwrapCache: { maxEntries: 9, ttlMs: 60_000 },
  })
  const { envelope, contentKey } = await ring.generate()
  await provider.unwrap(envelope)
  const shown = [
    inspect(provider, { depth: 9, showHidden: true }),
    JSON.stringify(provider),
    String(provider),
  ].join('\n')
  expect(shown).toContain(KEY)
  expect(shown).not.toMatch(/SECRET/)
  expect(shown).not.toContain(encodeBase64(contentKey.cek))
})
