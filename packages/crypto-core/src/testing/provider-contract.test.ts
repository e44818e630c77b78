import { describe, expect, test } from 'vitest'
import { decodeBase64, encodeBase64 } from '../bytes.ts'
import { generateCek } from '../content-key.ts'
import type { Envelope } from '../envelope.ts'
import { CseError, TransportError, unwrapFailed } from '../errors.ts'
import type { ContentKey, GeneratedContentKey, MasterKeyProvider } from '../ports.ts'
import { createWrappingProvider } from '../wrapping-provider.ts'
import { type ProviderContractOptions, providerContract } from './provider-contract.ts'
import { createTestProvider } from './test-provider.ts'

const UNWRAPS = 'unwraps what it wrapped'
const SHARED = 'unwraps what another provider of the same master key wrapped'
const LEAVES = 'does not change the IV and the envelope that it receives'
const IDENTITY = 'states the same identity for the same master key, and never that of another one'
const FRESH = 'makes a fresh 32-byte CEK for each object'
const HEADERS = 'writes values that are valid in headers'
const ENVELOPE = 'does not reveal a plaintext key in the envelope'
const PRINTED = 'does not reveal a key when it is printed'
const FOREIGN = 'refuses an envelope of another master key with the standard unwrap error'
const VERSION = 'refuses an envelope of the other version under its own name with the standard unwrap error'
const DAMAGED = 'refuses altered, truncated, swapped and malformed wrapped values with one and the same error'
const PARALLEL = 'handles concurrent calls'
const ABORTED = 'rejects a call with an aborted signal, with the signal’s reason'
const ABORTED_LATER =
  'a running call that is aborted rejects with the signal’s reason, unless it has already resolved'
const WRAPS = 'wraps a given content key so that only the same master key unwraps it, to the same CEK and IV'
const WRAPS_MANY = 'wraps given content keys in concurrent calls, and does not change them'
const LENGTHS = 'refuses to wrap a CEK or an IV of another length'
const RANDOMIZED = 'wraps a given content key differently each time'
const WITHOUT_WRAP = 'wraps no given content key, as its author states: objects cannot be re-wrapped under it'
const ENCRYPT_ONLY = 'encrypts without its private half, and refuses to decrypt'
const UNAVAILABLE =
  'distinguishes a key service that does not respond from a mismatch, and reveals no key in the error'

/** Returns the names of the rules that a provider breaks. */
async function broken(options: ProviderContractOptions): Promise<readonly string[]> {
  const names: string[] = []
  for (const rule of providerContract(options)) {
    await rule.run().catch(() => names.push(rule.name))
  }
  return names
}

type Flaw = (sound: MasterKeyProvider) => Partial<MasterKeyProvider> & Record<string, unknown>

/** A sound provider without `wrap`, with some members replaced. `sound` is the original. */
function flawed(flaw: Flaw): ProviderContractOptions {
  const make = (seed: number): MasterKeyProvider => {
    const { wrap: _wrap, ...sound } = createTestProvider({ seed })
    return { ...sound, ...flaw(sound) }
  }
  return { create: () => make(1), createOther: () => make(2), withoutWrap: true }
}

/** A sound provider with another `wrap`. */
function wrapping(
  wrap: (sound: Required<Pick<MasterKeyProvider, 'wrap'>>) => MasterKeyProvider['wrap'],
): ProviderContractOptions {
  const make = (seed: number): MasterKeyProvider => {
    const sound = createTestProvider({ seed }) as Required<MasterKeyProvider>
    return { ...sound, wrap: wrap(sound) } as MasterKeyProvider
  }
  return { create: () => make(1), createOther: () => make(2) }
}

/** A sound provider that rejects with another error than the standard one when key and envelope do not match. */
function mismatching(error: (envelope: Envelope) => unknown): ProviderContractOptions {
  return flawed((sound) => ({
    unwrap: (envelope, call) =>
      sound.unwrap(envelope, call).catch((thrown: unknown) => {
        call?.signal?.throwIfAborted()
        throw CseError.isInstance(thrown) ? error(envelope) : thrown
      }),
  }))
}

test('a sound provider breaks no rule', async () => {
  const down = () =>
    Promise.reject(
      new TransportError('ERR_CSE_NETWORK', 'The key service does not respond.', { retryable: true }),
    )
  const options: ProviderContractOptions = {
    create: () => createTestProvider(),
    createOther: () => createTestProvider({ seed: 2 }),
    createEncryptOnly: () => createTestProvider({ encryptOnly: true }),
    createUnavailable: () => createWrappingProvider({ wrapAlgorithm: 'T/T', wrap: down, unwrap: down }),
    secrets: [new Uint8Array(32).fill(1), 'a token'],
  }
  expect(await broken(options)).toEqual([])
  expect(providerContract(options).map((rule) => rule.name)).toEqual([
    UNWRAPS,
    SHARED,
    IDENTITY,
    LEAVES,
    FRESH,
    HEADERS,
    ENVELOPE,
    PRINTED,
    FOREIGN,
    VERSION,
    DAMAGED,
    PARALLEL,
    ABORTED,
    ABORTED_LATER,
    WRAPS,
    WRAPS_MANY,
    LENGTHS,
    ENCRYPT_ONLY,
    UNAVAILABLE,
  ])
})

describe('wrap', () => {
  test('detects a provider without it, unless its author says so', async () => {
    const { create, createOther } = flawed(() => ({}))
    expect(await broken({ create, createOther })).toEqual([
      ABORTED,
      ABORTED_LATER,
      WRAPS,
      WRAPS_MANY,
      LENGTHS,
    ])
    const stated = { create, createOther, withoutWrap: true, randomized: true }
    expect(await broken(stated)).toEqual([])
    const names = providerContract(stated).map((rule) => rule.name)
    expect(names).toContain(WITHOUT_WRAP)
    for (const name of [WRAPS, WRAPS_MANY, LENGTHS, RANDOMIZED]) expect(names).not.toContain(name)
  })

  test('may refuse where it is stated that there is none, and must not wrap there', async () => {
    const refusing = () =>
      Promise.reject(new CseError('ERR_CSE_OPERATION_REFUSED', 'V1 holds ten counter blocks.'))
    expect(await broken({ ...wrapping(() => refusing), withoutWrap: true })).toEqual([])
    expect(await broken({ ...wrapping(({ wrap }) => wrap), withoutWrap: true })).toEqual([WITHOUT_WRAP])
  })

  test('detects a provider that wraps a fresh CEK', async () => {
    const fresh = wrapping(
      ({ wrap }) =>
        (key, call) =>
          wrap({ cek: generateCek(), iv: key.iv }, call),
    )
    expect(await broken(fresh)).toEqual([WRAPS, WRAPS_MANY, LENGTHS])
  })

  test('detects a provider that wraps another IV', async () => {
    const zero = wrapping(
      ({ wrap }) =>
        (key, call) =>
          wrap({ cek: key.cek, iv: new Uint8Array(16) }, call),
    )
    expect(await broken(zero)).toEqual([WRAPS, WRAPS_MANY, LENGTHS])
  })

  test('detects a provider that does not wrap at all', async () => {
    const bare = wrapping(() => async ({ cek, iv }, call) => {
      call?.signal?.throwIfAborted()
      return { wrappedCek: encodeBase64(cek), wrappedIv: encodeBase64(iv) }
    })
    expect(await broken(bare)).toEqual([WRAPS, WRAPS_MANY, LENGTHS])
  })

  test('detects a provider that overwrites what it is given', async () => {
    const wiping = wrapping(({ wrap }) => async (key, call) => {
      const wrapped = await wrap(key, call)
      key.cek.fill(0)
      return wrapped
    })
    expect(await broken(wiping)).toEqual([WRAPS, WRAPS_MANY])
  })

  test('detects a provider that wraps whatever it is given', async () => {
    const padding = wrapping(({ wrap }) => ({ cek, iv }, call) => {
      const [wholeCek, wholeIv] = [new Uint8Array(32), new Uint8Array(16)]
      wholeCek.set(cek.subarray(0, 32))
      wholeIv.set(iv.subarray(0, 16))
      return wrap({ cek: wholeCek, iv: wholeIv }, call)
    })
    expect(await broken(padding)).toEqual([LENGTHS])
  })

  test('detects a provider that ignores an aborted signal', async () => {
    expect(
      await broken(
        wrapping(
          ({ wrap }) =>
            (key) =>
              wrap(key),
        ),
      ),
    ).toEqual([ABORTED])
  })

  test('detects a scheme that is said to be randomized and is not', async () => {
    expect(await broken({ ...wrapping(({ wrap }) => wrap), randomized: true })).toEqual([RANDOMIZED])
  })

  test('detects a service that does not respond, reported as a mismatch, and the CEK in its error', async () => {
    const away = (cause?: unknown) =>
      Promise.reject(new TransportError('ERR_CSE_NETWORK', 'It is away.', { retryable: true, cause }))
    const options = wrapping(({ wrap }) => wrap)
    const unavailable = (wrap: MasterKeyProvider['wrap']): ProviderContractOptions => ({
      ...options,
      createUnavailable: () =>
        ({ ...createTestProvider(), generateContentKey: () => away(), unwrap: () => away(), wrap }) as never,
    })
    expect(await broken(unavailable(() => away()))).toEqual([])
    expect(await broken(unavailable(() => Promise.reject(unwrapFailed())))).toEqual([UNAVAILABLE])
    const telling = unavailable(({ cek }) => away({ body: encodeBase64(cek) }))
    expect(await broken(telling)).toEqual([UNAVAILABLE])
  })
})

describe('keyIdentity', () => {
  test.each<[string, (sound: MasterKeyProvider) => unknown]>([
    ['of all keys', () => 'one'],
    ['that changes', () => `${Math.random()}`],
    ['that is empty', () => ''],
    ['that is no text', () => 7],
  ])('detects an identity %s', async (_what, identity) => {
    const made = flawed((sound) => ({ keyIdentity: identity(sound) }) as never)
    expect(await broken(made)).toEqual([IDENTITY])
  })

  test('does not have to be stated', async () => {
    expect(await broken(flawed(() => ({ keyIdentity: undefined })))).toEqual([])
  })
})

describe('generateContentKey', () => {
  test('detects a provider that caches one CEK for all objects', async () => {
    const cached = flawed((sound) => {
      let first: Promise<GeneratedContentKey> | undefined
      return {
        async generateContentKey(iv, call) {
          call?.signal?.throwIfAborted()
          first ??= sound.generateContentKey(iv)
          const { cek, wrappedCek } = await first
          return { cek, wrappedCek, wrappedIv: (await sound.generateContentKey(iv, call)).wrappedIv }
        },
      }
    })
    expect(await broken(cached)).toEqual([FRESH])
  })

  test('detects a provider that makes the same CEKs in each process', async () => {
    const keys = Array.from({ length: 30 }, () => createTestProvider().generateContentKey(new Uint8Array(16)))
    const counting = flawed((sound) => {
      let count = 0
      return {
        async generateContentKey(iv, call) {
          call?.signal?.throwIfAborted()
          const { cek, wrappedCek } = (await keys[count++ % keys.length]) as GeneratedContentKey
          return { cek, wrappedCek, wrappedIv: (await sound.generateContentKey(iv, call)).wrappedIv }
        },
      }
    })
    expect(await broken({ ...counting, createOther: () => createTestProvider({ seed: 2 }) })).toEqual([FRESH])
  })

  test('detects a provider that uses an unwrapped CEK for the next object', async () => {
    const reusing = flawed((sound) => {
      const known = new Map<string, Uint8Array>()
      let next: { readonly cek: Uint8Array; readonly wrappedCek: string } | undefined
      return {
        async generateContentKey(iv, call) {
          const made = await sound.generateContentKey(iv, call)
          const used = next === undefined ? made : { ...made, ...next }
          next = undefined
          known.set(used.wrappedCek, used.cek)
          return used
        },
        async unwrap(envelope, call) {
          const key = await sound.unwrap(envelope, call)
          if (known.has(envelope.wrappedCek)) next = { cek: key.cek, wrappedCek: envelope.wrappedCek }
          return key
        },
      }
    })
    expect(await broken(reusing)).toEqual([FRESH])
  })

  test('detects a CEK of 16 bytes', async () => {
    const short = flawed((sound) => ({
      async generateContentKey(iv, call) {
        const made = await sound.generateContentKey(iv, call)
        return { ...made, cek: made.cek.subarray(0, 16) }
      },
      async unwrap(envelope, call) {
        const { cek, iv } = await sound.unwrap(envelope, call)
        return { cek: cek.subarray(0, 16), iv }
      },
    }))
    expect(await broken(short)).toEqual([FRESH])
  })

  test('detects a provider that changes the IV that it receives', async () => {
    const changing = flawed((sound) => ({
      async generateContentKey(iv, call) {
        const made = await sound.generateContentKey(iv, call)
        iv.fill(0)
        return made
      },
    }))
    expect(await broken(changing)).toEqual([LEAVES])
  })

  test('detects a provider that wraps another IV than it receives', async () => {
    const own = flawed((sound) => ({
      generateContentKey: (_iv, call) => sound.generateContentKey(new Uint8Array(16), call),
    }))
    expect(await broken(own)).toEqual([UNWRAPS, SHARED, PARALLEL])
  })

  test('detects wrapped values that no header can hold', async () => {
    const spaced = flawed((sound) => ({
      async generateContentKey(iv, call) {
        const made = await sound.generateContentKey(iv, call)
        return { ...made, wrappedCek: `${made.wrappedCek}\n` }
      },
      unwrap: (envelope, call) =>
        sound.unwrap({ ...envelope, wrappedCek: envelope.wrappedCek.trimEnd() }, call),
    }))
    expect(await broken(spaced)).toContain(HEADERS)
  })

  test.each(['rsa', 'ACME HSM', 'ÄCME/HSM'])('detects the wrap algorithm %j', async (wrapAlgorithm) => {
    expect(await broken(flawed(() => ({ wrapAlgorithm })))).toEqual([HEADERS])
  })
})

describe('unwrap', () => {
  test('detects a provider that returns random keys for an envelope of another master key', async () => {
    const silent = flawed((sound) => ({
      unwrap: (envelope, call) =>
        sound.unwrap(envelope, call).catch((error: unknown): ContentKey => {
          call?.signal?.throwIfAborted()
          if (!CseError.isInstance(error)) throw error
          return { cek: generateCek(), iv: new Uint8Array(16) }
        }),
    }))
    expect(await broken(silent)).toEqual([FOREIGN, VERSION, DAMAGED])
  })

  test('detects a provider that only remembers its keys', async () => {
    const remembering = flawed(() => {
      const kept = new Map<string, ContentKey>()
      return {
        async generateContentKey(iv, call) {
          call?.signal?.throwIfAborted()
          const cek = generateCek()
          const [wrappedCek, wrappedIv] = [encodeBase64(generateCek()), encodeBase64(generateCek())]
          kept.set(wrappedCek + wrappedIv, { cek, iv })
          return { cek, wrappedCek, wrappedIv }
        },
        async unwrap(envelope, call) {
          call?.signal?.throwIfAborted()
          const key = envelope.version === 2 && kept.get(envelope.wrappedCek + envelope.wrappedIv)
          if (!key) throw unwrapFailed()
          return key
        },
      }
    })
    expect(await broken(remembering)).toEqual([SHARED])
  })

  test('detects a provider that unwraps an envelope only once', async () => {
    const once = flawed((sound) => {
      const done = new Set<string>()
      return {
        async unwrap(envelope, call) {
          const key = await sound.unwrap(envelope, call)
          if (done.has(envelope.wrappedCek)) throw unwrapFailed()
          done.add(envelope.wrappedCek)
          return key
        },
      }
    })
    expect(await broken(once)).toContain(UNWRAPS)
  })

  test('detects a provider whose methods lose their `this`', async () => {
    class Detached implements MasterKeyProvider {
      readonly wrapAlgorithm = 'TEST/AES-KW'
      readonly materialDescription = {}
      readonly #sound: MasterKeyProvider
      constructor(seed: number) {
        this.#sound = createTestProvider({ seed })
      }
      generateContentKey(iv: Uint8Array): Promise<GeneratedContentKey> {
        return this.#sound.generateContentKey(iv)
      }
      async unwrap(envelope: Envelope): Promise<ContentKey> {
        const inner = this.#inner
        return inner(envelope)
      }
      #inner(envelope: Envelope): Promise<ContentKey> {
        return this.#sound.unwrap(envelope)
      }
    }
    const rules = await broken({ create: () => new Detached(1), createOther: () => new Detached(2) })
    expect(rules).toEqual(expect.arrayContaining([UNWRAPS, SHARED, PARALLEL, FOREIGN, DAMAGED]))
  })

  test('detects a provider that mixes up concurrent calls', async () => {
    const mixing = flawed((sound) => {
      let current: Envelope | undefined
      return {
        async unwrap(envelope, call) {
          current = envelope
          await undefined
          return sound.unwrap(current, call)
        },
      }
    })
    expect(await broken(mixing)).toEqual([PARALLEL])
  })

  test('detects a provider that takes the start value of a V1 envelope for an IV', async () => {
    const careless = flawed((sound) => ({
      unwrap: (envelope, call) =>
        envelope.version === 2
          ? sound.unwrap(envelope, call)
          : sound.unwrap({ ...envelope, version: 2, wrappedIv: envelope.wrappedStart }, call),
    }))
    expect(await broken(careless)).toEqual([VERSION])
  })

  test('detects a provider that distinguishes the two values only by their position', async () => {
    const xor = (mask: number) => (bytes: Uint8Array) => bytes.map((byte) => byte ^ mask)
    const make = (mask: number): MasterKeyProvider =>
      createWrappingProvider({ wrapAlgorithm: 'T/XOR', wrap: xor(mask), unwrap: xor(mask) })
    expect(await broken({ create: () => make(1), createOther: () => make(2) })).toEqual([
      FOREIGN,
      DAMAGED,
      WRAPS,
    ])
  })
})

describe('errors', () => {
  test('detects a reason in the message', async () => {
    const telling = mismatching(
      (envelope) =>
        new CseError(
          'ERR_CSE_UNWRAP_FAILED',
          `${decodeBase64(envelope.wrappedCek)?.length} bytes do not fit`,
        ),
    )
    expect(await broken(telling)).toEqual([DAMAGED])
  })

  test('detects a reason as the cause', async () => {
    const causing = mismatching(
      () => new CseError('ERR_CSE_UNWRAP_FAILED', 'It does not match.', { cause: new Error('padding') }),
    )
    expect(await broken(causing)).toEqual([FOREIGN, VERSION, DAMAGED])
  })

  test('detects a reason in a property of the error', async () => {
    const carrying = mismatching(() => Object.assign(unwrapFailed(), { detail: 'padding' }))
    expect(await broken(carrying)).toEqual([FOREIGN, VERSION, DAMAGED])
  })

  test.each([
    new CseError('ERR_CSE_INVALID_KEY', 'It does not match.'),
    new TransportError('ERR_CSE_SERVICE', 'It does not match.', { retryable: true }),
    new Error('It does not match.'),
  ])('detects a mismatch with another error: %s', async (error) => {
    expect(await broken(mismatching(() => error))).toEqual([FOREIGN, VERSION, DAMAGED])
  })

  test('detects a provider that ignores an aborted signal', async () => {
    const deaf = flawed((sound) => ({
      generateContentKey: (iv) => sound.generateContentKey(iv),
      unwrap: (envelope) => sound.unwrap(envelope),
    }))
    expect(await broken(deaf)).toEqual([ABORTED])
  })

  test('detects a provider that reports an abort of a running call as a failure', async () => {
    const confused = flawed((sound) => ({
      async unwrap(envelope, call) {
        call?.signal?.throwIfAborted()
        await undefined
        if (call?.signal?.aborted) throw unwrapFailed()
        return sound.unwrap(envelope)
      },
    }))
    expect(await broken(confused)).toEqual([ABORTED_LATER])
  })

  test('detects a service that does not respond, reported as a mismatch', async () => {
    const sound = () => createTestProvider()
    const createUnavailable = (): MasterKeyProvider => ({
      ...sound(),
      wrap: () => Promise.reject(new TransportError('ERR_CSE_NETWORK', 'It is away.', { retryable: true })),
      generateContentKey: () =>
        Promise.reject(new TransportError('ERR_CSE_NETWORK', 'It is away.', { retryable: true })),
      unwrap: () => Promise.reject(unwrapFailed()),
    })
    const options = { create: sound, createOther: () => createTestProvider({ seed: 2 }), createUnavailable }
    expect(await broken(options)).toEqual([UNAVAILABLE])
  })

  test('detects the request in the error of a key service that does not respond', async () => {
    const sound = () => createTestProvider()
    const createUnavailable = (): MasterKeyProvider => ({
      ...sound(),
      wrap: () => Promise.reject(new TransportError('ERR_CSE_NETWORK', 'It is away.', { retryable: true })),
      generateContentKey: (iv) => {
        const cause = Object.assign(new Error('connect ECONNREFUSED'), {
          request: { body: JSON.stringify({ plaintext: encodeBase64(iv) }) },
        })
        return Promise.reject(
          new TransportError('ERR_CSE_NETWORK', 'It is away.', { retryable: true, cause }),
        )
      },
      unwrap: () => Promise.reject(new TransportError('ERR_CSE_NETWORK', 'It is away.', { retryable: true })),
    })
    const options = { create: sound, createOther: () => createTestProvider({ seed: 2 }), createUnavailable }
    expect(await broken(options)).toEqual([UNAVAILABLE])
  })

  test('detects an encrypt-only provider that reports a mismatch', async () => {
    const createEncryptOnly = (): MasterKeyProvider => ({
      ...createTestProvider(),
      canUnwrap: false,
      unwrap: () => Promise.reject(unwrapFailed()),
    })
    const options = {
      create: () => createTestProvider(),
      createOther: () => createTestProvider({ seed: 2 }),
      createEncryptOnly,
    }
    expect(await broken(options)).toEqual([ENCRYPT_ONLY])
  })
})

describe('revealed secrets', () => {
  /** A sound provider that reveals its last CEK. */
  const live = (show: (cek: Uint8Array) => Record<PropertyKey, unknown>): ProviderContractOptions => {
    const make = (seed: number): MasterKeyProvider => {
      const sound = createTestProvider({ seed })
      const provider: MasterKeyProvider = {
        ...sound,
        async generateContentKey(iv, call) {
          const made = await sound.generateContentKey(iv, call)
          Object.assign(provider, show(made.cek))
          return made
        },
      }
      return provider
    }
    return { create: () => make(1), createOther: () => make(2) }
  }

  const inspect = Symbol.for('nodejs.util.inspect.custom')
  const hex = (bytes: Uint8Array): string =>
    Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

  test.each<readonly [where: string, show: (cek: Uint8Array) => Record<PropertyKey, unknown>]>([
    ['a property', (cek) => ({ cek })],
    ['a list in a property', (cek) => ({ keys: [Array.from(cek)] })],
    ['a map', (cek) => ({ cache: new Map([['last', { cek }]]) })],
    ['its JSON', (cek) => ({ toJSON: () => ({ key: encodeBase64(cek) }) })],
    ['its text', (cek) => ({ toString: () => `provider ${hex(cek)}` })],
    ['what Node.js prints', (cek) => ({ [inspect]: () => `provider ${hex(cek).toUpperCase()}` })],
    ['a text in base64url', (cek) => ({ last: encodeBase64(cek).replaceAll('+', '-').replaceAll('/', '_') })],
  ])('detects a CEK in %s', async (_where, show) => {
    expect(await broken(live(show))).toEqual([PRINTED])
  })

  test('accepts a provider that prints itself without its key', async () => {
    const redacted = live((cek) => ({ cek, toJSON: () => ({}), [inspect]: () => 'provider' }))
    expect(await broken(redacted)).toEqual([])
  })

  test('detects a master key, passphrase or token in a property', async () => {
    const make = (seed: number) => ({ ...createTestProvider({ seed }), key: new Uint8Array(32).fill(seed) })
    const options = { create: () => make(1), createOther: () => make(2) }
    expect(await broken({ ...options, secrets: [new Uint8Array(32).fill(1)] })).toEqual([PRINTED])
    const tokens = flawed(() => ({ options: { token: 'open "sesame"' } }))
    expect(await broken({ ...tokens, secrets: ['open "sesame"'] })).toEqual([PRINTED])
  })

  test('detects a plaintext key in the envelope', async () => {
    const plain = flawed((sound) => ({
      async generateContentKey(iv, call) {
        const made = await sound.generateContentKey(iv, call)
        return { ...made, wrappedIv: `${made.wrappedIv}.${encodeBase64(made.cek)}` }
      },
      unwrap: (envelope, call) =>
        sound.unwrap(
          envelope.version === 2
            ? { ...envelope, wrappedIv: envelope.wrappedIv.split('.')[0] ?? '' }
            : envelope,
          call,
        ),
    }))
    expect(await broken(plain)).toContain(ENVELOPE)
  })

  test('detects a CEK in the error of a mismatch', async () => {
    const message = `The key ${encodeBase64(new Uint8Array(32).fill(1))} does not match.`
    const naming = mismatching(() => new CseError('ERR_CSE_UNWRAP_FAILED', message))
    expect(await broken(naming)).toEqual([])
    expect(await broken({ ...naming, secrets: [new Uint8Array(32).fill(1)] })).toEqual([FOREIGN, DAMAGED])
  })
})
