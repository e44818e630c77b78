import { privateDecrypt } from 'node:crypto'
import { CseError, type Envelope, Keyring, unwrapFailed } from '@oss-cse/crypto-core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { keyDirectory } from '../test/support/key-directory.ts'
import { makeRsaKeys, privatePem, publicPem, thrownBy } from '../test/support/keys.ts'
import { LocalRsaProvider } from './local-rsa-provider.ts'
import { RsaProvider } from './rsa-provider.ts'
import type { RsaUnwrapOptions } from './rsa-unwrapper.ts'

vi.mock('node:crypto', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:crypto')>()
  return { ...original, privateDecrypt: vi.fn(original.privateDecrypt) }
})

const decrypt = vi.mocked(privateDecrypt)
const { privateKey, publicKey } = makeRsaKeys(2048)
const pems = { privateKeyPem: privatePem(privateKey), publicKeyPem: publicPem(publicKey) }
const unwrapCache = { maxEntries: 9, ttlMs: 60_000 }

const kinds: readonly (readonly [string, (options: RsaUnwrapOptions) => RsaProvider | LocalRsaProvider])[] = [
  ['RsaProvider', (options) => new RsaProvider({ privateKey: pems.privateKeyPem, ...options })],
  ['LocalRsaProvider', (options) => new LocalRsaProvider({ directory: keyDirectory(pems), ...options })],
  [
    'LocalRsaProvider, V1',
    (options) => new LocalRsaProvider({ directory: keyDirectory(pems), format: 'v1', ...options }),
  ],
]

beforeEach(() => {
  decrypt.mockClear()
})
afterEach(() => {
  vi.useRealTimers()
})

describe.each(kinds)('the cache of unwrapped keys of a %s', (_kind, create) => {
  /** A provider with its first object, whose key it has not unwrapped yet. */
  async function setUp(options: RsaUnwrapOptions) {
    const provider = create(options)
    const { envelope, contentKey } = await new Keyring({ encrypting: provider }).generate()
    decrypt.mockClear()
    return { provider, envelope, contentKey }
  }

  test('is off by default: each unwrap does its RSA work', async () => {
    const { provider, envelope } = await setUp({})
    await provider.unwrap(envelope)
    await provider.unwrap(envelope)
    expect(decrypt).toHaveBeenCalledTimes(4)
  })

  test('saves the RSA work of a repeated unwrap, and a caller wipes only a copy', async () => {
    const { provider, envelope, contentKey } = await setUp({ unwrapCache })
    for (let read = 0; read < 3; read++) {
      const key = await provider.unwrap(envelope)
      expect(key).toEqual(contentKey)
      key.cek.fill(0)
      key.iv.fill(0)
    }
    expect(decrypt).toHaveBeenCalledTimes(2)
  })

  test('lets concurrent unwraps of one object share the work', async () => {
    const { provider, envelope, contentKey } = await setUp({ unwrapCache })
    const keys = await Promise.all(Array.from({ length: 20 }, () => provider.unwrap(envelope)))
    expect(decrypt).toHaveBeenCalledTimes(2)
    expect(keys.every((key) => String(key.cek) === String(contentKey.cek))).toBe(true)
    expect(new Set(keys.map(({ cek }) => cek)).size).toBe(20)
  })

  test('does not hold a failure: the same RSA work ends in the same error each time', async () => {
    const { provider, envelope } = await setUp({ unwrapCache })
    const broken = { ...envelope, wrappedCek: Buffer.alloc(256, 0x11).toString('base64') }
    for (const times of [2, 4, 6]) {
      await expect(provider.unwrap(broken)).rejects.toStrictEqual(unwrapFailed())
      expect(decrypt).toHaveBeenCalledTimes(times)
    }
  })

  test('has an entry for each difference in what selects the result', async () => {
    const { provider, envelope } = await setUp({ unwrapCache })
    const other = (await setUp({})).envelope
    await provider.unwrap(envelope)
    const otherIv: Partial<Envelope> =
      other.version === 1 ? { wrappedStart: other.wrappedStart } : { wrappedIv: other.wrappedIv }
    for (const change of [{ materialDescription: { a: 'b' } }, { wrappedCek: other.wrappedCek }, otherIv]) {
      decrypt.mockClear()
      await provider.unwrap({ ...envelope, ...change } as Envelope)
      expect(decrypt, JSON.stringify(Object.keys(change))).toHaveBeenCalledTimes(2)
    }
  })

  test('is checked like the key: a cached object is refused under another algorithm or version', async () => {
    const { provider, envelope } = await setUp({ unwrapCache })
    await provider.unwrap(envelope)
    const { wrappedCek, wrapAlgorithm, materialDescription, cekAlgorithm } = envelope
    const common = { wrappedCek, wrapAlgorithm, materialDescription, cekAlgorithm }
    const otherVersion: Envelope =
      envelope.version === 1
        ? { version: 2, ...common, wrappedIv: envelope.wrappedStart }
        : { version: 1, ...common, wrappedStart: envelope.wrappedIv }
    for (const changed of [{ ...envelope, wrapAlgorithm: 'KMS/ALICLOUD' }, otherVersion]) {
      await expect(provider.unwrap(changed)).rejects.toStrictEqual(unwrapFailed())
    }
    const reason = new Error('stop')
    const signal = AbortSignal.abort(reason)
    await expect(provider.unwrap(envelope, { signal })).rejects.toBe(reason)
  })

  test('forgets a key after its lifetime, and all keys when it is cleared', async () => {
    vi.useFakeTimers()
    const { provider, envelope } = await setUp({ unwrapCache })
    await provider.unwrap(envelope)
    vi.advanceTimersByTime(unwrapCache.ttlMs)
    await provider.unwrap(envelope)
    expect(decrypt).toHaveBeenCalledTimes(4)
    provider.clearUnwrapCache()
    await provider.unwrap(envelope)
    expect(decrypt).toHaveBeenCalledTimes(6)
  })

  test('never gives two objects one key', async () => {
    const { provider } = await setUp({ unwrapCache })
    const keyring = new Keyring({ encrypting: provider })
    const made = await Promise.all(Array.from({ length: 5 }, () => keyring.generate()))
    for (const { envelope, contentKey } of made) expect(await keyring.unwrap(envelope)).toEqual(contentKey)
    expect(new Set(made.map(({ contentKey }) => String(contentKey.cek))).size).toBe(5)
  })

  test.each([{ maxEntries: 0, ttlMs: 1 }, { maxEntries: 1 }, true])('refuses the options %j', (options) => {
    const error = thrownBy(() => create({ unwrapCache: options as RsaUnwrapOptions['unwrapCache'] }))
    expect(CseError.isInstance(error) && [error.code, error.message]).toEqual([
      'ERR_CSE_INVALID_ARGUMENT',
      expect.stringContaining('`unwrapCache`'),
    ])
  })
})

test.each([{ unwrapCache }, { unwrapInWorker: true }])(
  'an option of unwrapping is refused for a public key, which does not unwrap: %j',
  (options: RsaUnwrapOptions) => {
    expect(thrownBy(() => new RsaProvider({ publicKey: pems.publicKeyPem, ...options }))).toMatchObject({
      code: 'ERR_CSE_INVALID_ARGUMENT',
      message: expect.stringContaining(`\`${Object.keys(options)[0]}\``),
    })
  },
)

test('the option unwrapInWorker is a boolean', () => {
  const options = { privateKey: pems.privateKeyPem, unwrapInWorker: 2 as unknown as boolean }
  expect(thrownBy(() => new RsaProvider(options))).toMatchObject({
    code: 'ERR_CSE_INVALID_ARGUMENT',
    message: expect.stringContaining('`unwrapInWorker`'),
  })
  const switchedOff = { publicKey: pems.publicKeyPem, unwrapInWorker: false, unwrapCache: undefined }
  expect(() => new RsaProvider(switchedOff)).not.toThrow()
})
