import { describe, expect, test, vi } from 'vitest'
import { CseError, TransportError } from './errors.ts'
import { Keyring } from './keyring.ts'
import { providerContract } from './testing/provider-contract.ts'
import { createTestProvider } from './testing/test-provider.ts'
import { createWrappingProvider, type WrappingCallOptions } from './wrapping-provider.ts'

describe('the provider contract', () => {
  const rules = providerContract({
    create: () => createTestProvider({ seed: 1, materialDescription: { k: 'ü' } }),
    createOther: () => createTestProvider({ seed: 2 }),
    createEncryptOnly: () => createTestProvider({ seed: 1, encryptOnly: true }),
  })
  for (const rule of rules) test(rule.name, rule.run)
})

test('both CEK and IV are unwrapped before either is judged', async () => {
  const { envelope } = await new Keyring({ encrypting: createTestProvider() }).generate()
  const unwrap = vi.fn(() => {
    throw new Error('authentication tag mismatch')
  })
  const provider = createWrappingProvider({ wrapAlgorithm: 'TEST/AES-KW', wrap: (bytes) => bytes, unwrap })
  const error = await provider.unwrap(envelope).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({
    code: 'ERR_CSE_UNWRAP_FAILED',
    message: expect.not.stringContaining('mismatch'),
  })
  expect(error).not.toHaveProperty('cause')
  expect(unwrap).toHaveBeenCalledTimes(2)
})

test('a key service that does not respond is not a mismatch: its TransportError is thrown unchanged', async () => {
  const down = new TransportError('ERR_CSE_NETWORK', 'the key service is down', { retryable: true })
  const { envelope } = await new Keyring({ encrypting: createTestProvider() }).generate()
  const provider = createWrappingProvider({
    wrapAlgorithm: 'T/T',
    wrap: (bytes) => bytes,
    unwrap: () => Promise.reject(down),
  })
  await expect(provider.unwrap(envelope)).rejects.toBe(down)
})

test('any other error is a mismatch, and none of its details is thrown', async () => {
  const detail = new CseError('ERR_CSE_INVALID_KEY', 'padding byte 3', { cause: new Error('inside') })
  const { envelope } = await new Keyring({ encrypting: createTestProvider() }).generate()
  const provider = createWrappingProvider({
    wrapAlgorithm: 'T/T',
    wrap: (bytes) => bytes,
    unwrap: () => Promise.reject(detail),
  })
  const error = await provider.unwrap(envelope).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({
    code: 'ERR_CSE_UNWRAP_FAILED',
    message: expect.not.stringContaining('padding'),
  })
  expect(error).not.toHaveProperty('cause')
})

test('an object with its own methods can be passed unchanged', async () => {
  class KeyService {
    readonly wrapAlgorithm = 'T/T'
    readonly #mask = 0x5a
    wrap(bytes: Uint8Array): Uint8Array {
      return bytes.map((byte) => byte ^ this.#mask)
    }
    unwrap(wrapped: Uint8Array): Uint8Array {
      return this.wrap(wrapped)
    }
  }
  const provider = createWrappingProvider(new KeyService())
  const { envelope, contentKey } = await new Keyring({ encrypting: provider }).generate()
  expect((await provider.unwrap(envelope)).cek).toEqual(contentKey.cek)
})

test.each(['rsa', 'RSA', '', 'a b', 'ü'])(
  'the wrap algorithm %j is refused when the provider is built',
  (wrapAlgorithm) => {
    expect(() => createWrappingProvider({ wrapAlgorithm, wrap: (bytes) => bytes })).toThrow(
      expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }),
    )
  },
)

test('an unwrapped value of a wrong length is a mismatch', async () => {
  const { envelope } = await new Keyring({ encrypting: createTestProvider() }).generate()
  const provider = createWrappingProvider({
    wrapAlgorithm: 'T/T',
    wrap: (bytes) => bytes,
    unwrap: () => new Uint8Array(24),
  })
  await expect(provider.unwrap(envelope)).rejects.toMatchObject({ code: 'ERR_CSE_UNWRAP_FAILED' })
})

test('a V1 envelope is a mismatch, and the service is not called', async () => {
  const unwrap = vi.fn(() => new Uint8Array(32))
  const provider = createWrappingProvider({ wrapAlgorithm: 'T/T', wrap: (bytes) => bytes, unwrap })
  const envelope = {
    version: 1,
    wrappedCek: 'AAAA',
    wrappedStart: 'AAAA',
    cekAlgorithm: 'AES/GCM/NoPadding',
    wrapAlgorithm: 'T/T',
    materialDescription: {},
  } as const
  await expect(provider.unwrap(envelope)).rejects.toMatchObject({ code: 'ERR_CSE_UNWRAP_FAILED' })
  expect(unwrap).not.toHaveBeenCalled()
})

test('both functions receive the name of the value, so that they can bind it', async () => {
  const fields: string[] = []
  const provider = createWrappingProvider({
    wrapAlgorithm: 'T/T',
    wrap: (bytes, { field }) => {
      fields.push(`wrap ${field} ${bytes.length}`)
      return bytes
    },
    unwrap: (wrapped, { field }) => {
      fields.push(`unwrap ${field} ${wrapped.length}`)
      return wrapped
    },
  })
  const { envelope } = await new Keyring({ encrypting: provider }).generate()
  await provider.unwrap(envelope)
  expect(fields.sort()).toEqual(['unwrap cek 32', 'unwrap iv 16', 'wrap cek 32', 'wrap iv 16'])
})

test('a running call that is aborted rejects with the signal’s reason, whatever the function throws', async () => {
  const controller = new AbortController()
  const failLate = async (): Promise<Uint8Array> => {
    controller.abort('stop')
    throw new TransportError('ERR_CSE_NETWORK', 'the connection broke', { retryable: true })
  }
  const provider = createWrappingProvider({ wrapAlgorithm: 'T/T', wrap: failLate, unwrap: failLate })
  const { signal } = controller
  await expect(provider.generateContentKey(new Uint8Array(16), { signal })).rejects.toBe('stop')
})

test('when one of two calls fails, the other is aborted, and nothing continues in the background', async () => {
  const down = new TransportError('ERR_CSE_NETWORK', 'the key service is down', { retryable: true })
  const aborted: string[] = []
  const call = (_bytes: Uint8Array, { field, signal }: WrappingCallOptions): Promise<Uint8Array> =>
    field === 'iv'
      ? Promise.reject(down)
      : new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => {
            aborted.push(field)
            reject(new Error('aborted'))
          })
        })
  const provider = createWrappingProvider({ wrapAlgorithm: 'TEST/AES-KW', wrap: call, unwrap: call })
  await expect(provider.generateContentKey(new Uint8Array(16))).rejects.toBe(down)
  const { envelope } = await new Keyring({ encrypting: createTestProvider() }).generate()
  await expect(provider.unwrap(envelope)).rejects.toBe(down)
  expect(aborted).toEqual(['cek', 'cek'])
})

test('an abort ends the wait for a function that ignores its signal', async () => {
  const never = () => new Promise<Uint8Array>(() => {})
  const provider = createWrappingProvider({ wrapAlgorithm: 'TEST/AES-KW', wrap: never, unwrap: never })
  const { envelope } = await new Keyring({ encrypting: createTestProvider() }).generate()
  const controller = new AbortController()
  const { signal } = controller
  const calls = [
    provider.generateContentKey(new Uint8Array(16), { signal }),
    provider.unwrap(envelope, { signal }),
  ]
  controller.abort('stop')
  const outcomes = await Promise.allSettled(calls)
  expect(outcomes).toEqual([
    { status: 'rejected', reason: 'stop' },
    { status: 'rejected', reason: 'stop' },
  ])
})

test.each<[string, unknown]>([
  ['a text', 'd3JhcHBlZA=='],
  ['nothing', undefined],
  ['no bytes', new Uint8Array()],
  ['an array of numbers', [1, 2, 3]],
])('a wrap function that returns %s is refused: nobody could unwrap the envelope', async (_name, wrapped) => {
  const provider = createWrappingProvider({ wrapAlgorithm: 'TEST/X', wrap: () => wrapped as Uint8Array })
  await expect(provider.generateContentKey(new Uint8Array(16))).rejects.toMatchObject({
    code: 'ERR_CSE_INVALID_ARGUMENT',
    message: expect.stringContaining('Uint8Array'),
  })
})
