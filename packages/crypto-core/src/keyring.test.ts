import { expect, test, vi } from 'vitest'
import { generateCek, generateIv } from './content-key.ts'
import type { Envelope } from './envelope.ts'
import { TransportError } from './errors.ts'
import { Keyring } from './keyring.ts'
import type { MasterKeyProvider } from './ports.ts'
import { showsSecret } from './testing/shown-secrets.ts'
import { createTestProvider } from './testing/test-provider.ts'
import { formatV1Start } from './v1-start.ts'

const code = (value: string) => expect.objectContaining({ code: value })

async function written(
  provider: MasterKeyProvider,
  change: Partial<Pick<Envelope, 'wrapAlgorithm' | 'materialDescription'>> = {},
): Promise<Envelope> {
  const { envelope } = await new Keyring({ encrypting: provider }).generate()
  return { ...envelope, ...change }
}

function spied(
  provider: MasterKeyProvider,
): MasterKeyProvider & { unwrap: ReturnType<typeof vi.fn<MasterKeyProvider['unwrap']>> } {
  return { ...provider, unwrap: vi.fn(provider.unwrap) }
}

test('an object is read with the key that its description names, and no other provider is called', async () => {
  const a = spied(createTestProvider({ seed: 1, materialDescription: { k: 'a' } }))
  const b = spied(createTestProvider({ seed: 2, materialDescription: { k: 'b' } }))
  const ring = new Keyring({ encrypting: a, decrypting: [b] })
  await expect(ring.unwrap(await written(b))).resolves.toHaveProperty('cek')
  expect(a.unwrap).not.toHaveBeenCalled()
  expect(b.unwrap).toHaveBeenCalledOnce()
})

test('the wrap algorithm is compared first, in any case; two algorithms may share a description', async () => {
  const a = createTestProvider({ seed: 1, materialDescription: { k: 'x' } })
  const b = createTestProvider({ seed: 2, materialDescription: { k: 'x' }, wrapAlgorithm: 'TEST/OTHER' })
  const ring = new Keyring({ encrypting: a, decrypting: [b] })
  await expect(ring.unwrap(await written(b, { wrapAlgorithm: 'test/other' }))).resolves.toHaveProperty('cek')
})

test('an object whose description no key has is an error that names it and the known keys; no key is tried', async () => {
  const a = spied(createTestProvider({ seed: 1, materialDescription: { k: 'a' } }))
  const envelope = await written(a, { materialDescription: { k: 'lost' } })
  const error = await new Keyring({ encrypting: a }).unwrap(envelope).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({
    code: 'ERR_CSE_NO_MATCHING_KEY',
    message: expect.stringMatching(/\{"k":"lost"\}.*\{"k":"a"\}/s),
  })
  expect(a.unwrap).not.toHaveBeenCalled()
})

test('an object whose wrap algorithm no key has is an error', async () => {
  const a = createTestProvider()
  await expect(
    new Keyring({ encrypting: a }).unwrap(await written(a, { wrapAlgorithm: 'KMS/ALICLOUD' })),
  ).rejects.toEqual(code('ERR_CSE_NO_MATCHING_KEY'))
})

test('a key that matches only by name is an error; no other key is tried', async () => {
  const wrong = createTestProvider({ seed: 1, materialDescription: { k: 'a' } })
  const right = spied(createTestProvider({ seed: 2, materialDescription: { k: 'b' } }))
  const envelope = await written(right, { materialDescription: { k: 'a' } })
  const ring = new Keyring({ encrypting: wrong, decrypting: [right], undescribed: [right] })
  await expect(ring.unwrap(envelope)).rejects.toEqual(code('ERR_CSE_UNWRAP_FAILED'))
  expect(right.unwrap).not.toHaveBeenCalled()
})

test('an object without a description is read by the only key without a description', async () => {
  const described = createTestProvider({ seed: 1, materialDescription: { k: 'a' } })
  const bare = createTestProvider({ seed: 2 })
  const ring = new Keyring({ encrypting: described, decrypting: [bare] })
  await expect(ring.unwrap(await written(bare))).resolves.toHaveProperty('cek')
})

test('an object without a description is read by the encrypting key, if its algorithm matches', async () => {
  const a = createTestProvider({ seed: 1, materialDescription: { k: 'a' } })
  const b = spied(createTestProvider({ seed: 2, materialDescription: { k: 'b' } }))
  const ring = new Keyring({ encrypting: a, decrypting: [b] })
  await expect(ring.unwrap(await written(a, { materialDescription: {} }))).resolves.toHaveProperty('cek')
  await expect(ring.unwrap(await written(b, { materialDescription: {} }))).rejects.toEqual(
    code('ERR_CSE_UNWRAP_FAILED'),
  )
  expect(b.unwrap).not.toHaveBeenCalled()
})

test('an object without a description is read by the only key of its algorithm', async () => {
  const other = createTestProvider({ seed: 1, wrapAlgorithm: 'TEST/OTHER', materialDescription: { k: 'a' } })
  const only = createTestProvider({ seed: 2, materialDescription: { k: 'b' } })
  const ring = new Keyring({ encrypting: other, decrypting: [only] })
  await expect(ring.unwrap(await written(only, { materialDescription: {} }))).resolves.toHaveProperty('cek')
})

test('of several candidates, an object without a description is read only by those listed for it, in order', async () => {
  const current = createTestProvider({
    seed: 1,
    wrapAlgorithm: 'TEST/OTHER',
    materialDescription: { k: 'a' },
  })
  const [b, c, d] = [2, 3, 4].map((seed) =>
    spied(createTestProvider({ seed, materialDescription: { k: String(seed) } })),
  ) as [ReturnType<typeof spied>, ReturnType<typeof spied>, ReturnType<typeof spied>]
  const envelope = await written(c, { materialDescription: {} })
  await expect(new Keyring({ encrypting: current, decrypting: [b, c, d] }).unwrap(envelope)).rejects.toEqual(
    code('ERR_CSE_NO_MATCHING_KEY'),
  )
  const ring = new Keyring({ encrypting: current, decrypting: [d], undescribed: [b, c] })
  await expect(ring.unwrap(envelope)).resolves.toHaveProperty('cek')
  expect(b.unwrap).toHaveBeenCalledOnce()
  expect(d.unwrap).not.toHaveBeenCalled()
  await expect(ring.unwrap(await written(d, { materialDescription: {} }))).rejects.toEqual(
    code('ERR_CSE_UNWRAP_FAILED'),
  )
})

test('only after a mismatch the next listed key is tried; any other failure ends the search', async () => {
  const current = createTestProvider({
    seed: 1,
    wrapAlgorithm: 'TEST/OTHER',
    materialDescription: { k: 'a' },
  })
  const down = new TransportError('ERR_CSE_NETWORK', 'key service down', { retryable: true })
  const broken = {
    ...createTestProvider({ seed: 2, materialDescription: { k: 'b' } }),
    unwrap: () => Promise.reject(down),
  }
  const right = spied(createTestProvider({ seed: 3, materialDescription: { k: 'c' } }))
  const ring = new Keyring({ encrypting: current, undescribed: [broken, right] })
  await expect(ring.unwrap(await written(right, { materialDescription: {} }))).rejects.toBe(down)
  expect(right.unwrap).not.toHaveBeenCalled()
})

test('two keys with the same algorithm and the same non-empty description are refused', () => {
  const twin = (seed: number, wrapAlgorithm = 'TEST/AES-KW') =>
    createTestProvider({ seed, wrapAlgorithm, materialDescription: { a: '1', b: '2' } })
  expect(() => new Keyring({ encrypting: twin(1), decrypting: [twin(2, 'test/aes-kw')] })).toThrow(
    code('ERR_CSE_INVALID_ARGUMENT'),
  )
  expect(() => new Keyring({ encrypting: twin(1), decrypting: [twin(2, 'TEST/B')] })).not.toThrow()
  expect(
    () =>
      new Keyring({
        encrypting: createTestProvider({ seed: 1 }),
        decrypting: [createTestProvider({ seed: 2 })],
      }),
  ).not.toThrow()
})

test('a provider that is listed several times is one key', () => {
  const a = createTestProvider({ materialDescription: { k: 'a' } })
  expect(new Keyring({ encrypting: a, decrypting: [a], undescribed: [a] }).providers).toEqual([a])
})

test('an object whose key can only encrypt is an error that says so', async () => {
  const publicOnly = createTestProvider({ encryptOnly: true, materialDescription: { k: 'a' } })
  for (const change of [{}, { materialDescription: {} }]) {
    await expect(
      new Keyring({ encrypting: publicOnly }).unwrap(await written(publicOnly, change)),
    ).rejects.toEqual(code('ERR_CSE_CANNOT_UNWRAP'))
  }
})

test('a provider that returns keys of a wrong length is refused', async () => {
  const provider = createTestProvider()
  const short: MasterKeyProvider = {
    ...provider,
    unwrap: async () => ({ cek: new Uint8Array(31), iv: new Uint8Array(16) }),
    generateContentKey: async () => ({ cek: new Uint8Array(16), wrappedCek: 'a', wrappedIv: 'b' }),
  }
  const ring = new Keyring({ encrypting: short })
  await expect(ring.unwrap(await written(provider))).rejects.toEqual(code('ERR_CSE_UNWRAP_FAILED'))
  await expect(ring.generate()).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
})

test('a value that is not a provider is refused when the keyring is built', () => {
  for (const provider of [
    undefined,
    {},
    { wrapAlgorithm: '' },
    { ...createTestProvider(), materialDescription: [] },
  ]) {
    expect(() => new Keyring({ encrypting: provider as never })).toThrow(code('ERR_CSE_INVALID_ARGUMENT'))
  }
})

test('the keyring returns its own copy: a provider may keep the key that it unwrapped', async () => {
  const real = createTestProvider()
  const { envelope } = await new Keyring({ encrypting: real }).generate()
  const kept = await real.unwrap(envelope)
  const cached: MasterKeyProvider = { ...real, unwrap: async () => kept }
  const ring = new Keyring({ encrypting: cached })
  const first = await ring.unwrap(envelope)
  const before = Uint8Array.from(first.cek)
  first.cek.fill(0)
  expect((await ring.unwrap(envelope)).cek).toEqual(before)
})

test('an object without a description is read by the encrypting key first, then by those listed for it', async () => {
  const a = createTestProvider({ seed: 1, materialDescription: { k: 'a' } })
  const b = spied(createTestProvider({ seed: 2, materialDescription: { k: 'b' } }))
  const c = spied(createTestProvider({ seed: 3, materialDescription: { k: 'c' } }))
  const ring = new Keyring({ encrypting: a, decrypting: [c], undescribed: [b] })
  await expect(ring.unwrap(await written(a, { materialDescription: {} }))).resolves.toHaveProperty('cek')
  expect(b.unwrap).not.toHaveBeenCalled()
  await expect(ring.unwrap(await written(b, { materialDescription: {} }))).resolves.toHaveProperty('cek')
  expect(c.unwrap).not.toHaveBeenCalled()
})

test('each object has its own CEK and IV', async () => {
  const ring = new Keyring({ encrypting: createTestProvider() })
  const keys = await Promise.all(Array.from({ length: 20 }, () => ring.generate()))
  expect(new Set(keys.map(({ contentKey }) => String(contentKey.cek))).size).toBe(20)
  expect(new Set(keys.map(({ contentKey }) => String(contentKey.iv))).size).toBe(20)
})

test.each([1, 2] as const)(
  'a content key that a provider repeats is refused, under any IV and in any keyring: V%i',
  async (envelopeVersion) => {
    const sound = createTestProvider()
    const first = await sound.generateContentKey(generateIv())
    const stuck: MasterKeyProvider = { ...sound, envelopeVersion, generateContentKey: async () => first }
    const ring = new Keyring({ encrypting: stuck })
    await expect(ring.generate()).resolves.toHaveProperty('envelope')
    for (const again of [ring, new Keyring({ encrypting: stuck })]) {
      await expect(again.generate()).rejects.toEqual(code('ERR_CSE_CONTENT_KEY_REUSED'))
    }
  },
)

test('the error of a repeated content key reveals nothing of the key', async () => {
  const made = { cek: generateCek(), wrappedCek: 'a', wrappedIv: 'b' }
  const ring = new Keyring({
    encrypting: { ...createTestProvider(), generateContentKey: async () => made },
  })
  await ring.generate()
  const error = await ring.generate().catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'ERR_CSE_CONTENT_KEY_REUSED' })
  expect(error).not.toHaveProperty('cause')
  expect(showsSecret(error, [made.cek])).toBe(false)
})

test('a key can be unwrapped any number of times', async () => {
  const ring = new Keyring({ encrypting: createTestProvider() })
  const { envelope, contentKey } = await ring.generate()
  for (let i = 0; i < 3; i++) await expect(ring.unwrap(envelope)).resolves.toEqual(contentKey)
})

test('a provider is selected for every wrap algorithm that it unwraps', async () => {
  const own = createTestProvider({ seed: 1, wrapAlgorithm: 'TEST/OTHER' })
  const both = { ...createTestProvider({ seed: 2 }), alsoUnwraps: ['legacy'] }
  const ring = new Keyring({ encrypting: own, decrypting: [both] })
  const envelope = await written(both, { wrapAlgorithm: 'LEGACY' })
  await expect(ring.unwrap(envelope)).resolves.toHaveProperty('cek')
  await expect(new Keyring({ encrypting: own }).unwrap(envelope)).rejects.toEqual(
    code('ERR_CSE_NO_MATCHING_KEY'),
  )
})

test('with a provider that writes V1, an object has a start value of 1 to 10 and a V1 envelope', async () => {
  const wrappedIvs: Uint8Array[] = []
  const provider: MasterKeyProvider = {
    ...createTestProvider(),
    envelopeVersion: 1,
    generateContentKey: async (iv) => {
      wrappedIvs.push(iv)
      return { cek: generateCek(), wrappedCek: 'cek', wrappedIv: 'start' }
    },
  }
  const ring = new Keyring({ encrypting: provider })
  const starts = new Set<string>()
  for (let i = 0; i < 300; i++) {
    const { contentKey, envelope } = await ring.generate({ unencryptedContentLength: 5 })
    expect(envelope).toEqual({
      version: 1,
      wrappedCek: 'cek',
      wrappedStart: 'start',
      cekAlgorithm: 'AES/GCM/NoPadding',
      wrapAlgorithm: 'TEST/AES-KW',
      materialDescription: {},
      unencryptedContentLength: 5,
    })
    expect(wrappedIvs.at(-1)).toEqual(contentKey.iv)
    starts.add(formatV1Start(contentKey.iv))
  }
  expect([...starts].map(Number).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
})

test('an object in parts is refused with a provider that writes V1', async () => {
  const provider: MasterKeyProvider = { ...createTestProvider(), envelopeVersion: 1 }
  await expect(
    new Keyring({ encrypting: provider }).generate({ dataSizeBytes: 5, partSizeBytes: 16 }),
  ).rejects.toEqual(code('ERR_CSE_OPERATION_REFUSED'))
})

test('two providers with the same description are refused even if they share only an additional algorithm', () => {
  const one = { ...createTestProvider({ seed: 1, materialDescription: { k: 'a' } }), alsoUnwraps: ['legacy'] }
  for (const change of [{ wrapAlgorithm: 'LEGACY' }, { wrapAlgorithm: 'TEST/B', alsoUnwraps: ['Legacy'] }]) {
    const other = { ...createTestProvider({ seed: 2, materialDescription: { k: 'a' } }), ...change }
    for (const [encrypting, decrypting] of [
      [one, other],
      [other, one],
    ] as const) {
      expect(() => new Keyring({ encrypting, decrypting: [decrypting] })).toThrow(
        code('ERR_CSE_INVALID_ARGUMENT'),
      )
    }
  }
})

test.each<[string, object]>([
  ['an unknown version', { envelopeVersion: 3 }],
  ['a version as text', { envelopeVersion: '1' }],
  ['additional algorithms that are not a list', { alsoUnwraps: 'kms' }],
  ['an additional algorithm without a name', { alsoUnwraps: [''] }],
  ['a description that is not a plain object', { materialDescription: new Map([['a', 'b']]) }],
  ['a description and V1 envelopes', { envelopeVersion: 1, materialDescription: { a: 'b' } }],
])('a provider with %s is refused when the keyring is built', (_name, change) => {
  const provider = { ...createTestProvider(), ...change } as MasterKeyProvider
  expect(() => new Keyring({ encrypting: provider })).toThrow(code('ERR_CSE_INVALID_ARGUMENT'))
})

test('a key that is added later reads its objects from then on, even those without a description', async () => {
  const current = createTestProvider({ seed: 1, materialDescription: { k: 'a' } })
  const old = createTestProvider({ seed: 2, materialDescription: { k: 'b' } })
  const bare = spied(createTestProvider({ seed: 3, materialDescription: { k: 'c' } }))
  const ring = new Keyring({ encrypting: current })
  const described = await written(old)
  const undescribed = await written(bare, { materialDescription: {} })
  await expect(ring.unwrap(described)).rejects.toEqual(code('ERR_CSE_NO_MATCHING_KEY'))
  ring.addDecrypting(old)
  await expect(ring.unwrap(described)).resolves.toHaveProperty('cek')
  ring.addDecrypting(bare)
  await expect(ring.unwrap(undescribed)).rejects.toEqual(code('ERR_CSE_UNWRAP_FAILED'))
  expect(bare.unwrap).not.toHaveBeenCalled()
  ring.addDecrypting(bare, { undescribed: true })
  await expect(ring.unwrap(undescribed)).resolves.toHaveProperty('cek')
  expect(ring.providers).toEqual([current, old, bare])
  expect((await ring.generate()).envelope.materialDescription).toEqual({ k: 'a' })
})

test('a key that is ambiguous or not valid is not added', async () => {
  const ring = new Keyring({ encrypting: createTestProvider({ seed: 1, materialDescription: { k: 'a' } }) })
  for (const provider of [createTestProvider({ seed: 2, materialDescription: { k: 'a' } }), {} as never]) {
    expect(() => ring.addDecrypting(provider)).toThrow(code('ERR_CSE_INVALID_ARGUMENT'))
  }
  expect(ring.providers.length).toBe(1)
})

test('with an identity, only the key with this identity is used, and it must be certain', async () => {
  const a = spied(createTestProvider({ seed: 1 }))
  const b = spied(createTestProvider({ seed: 2 }))
  const ring = new Keyring({ encrypting: a, decrypting: [b], undescribed: [b] })
  const [ofA, ofB] = [await written(a), await written(b)]
  for (const unwrap of [
    (envelope: Envelope, keyIdentity = b.keyIdentity) => ring.unwrap(envelope, { keyIdentity }),
    (envelope: Envelope, keyIdentity = b.keyIdentity) =>
      ring.unwrapToOpen(envelope, { acceptsOnlySealed: false, keyIdentity }),
  ]) {
    await expect(unwrap(ofB)).resolves.toHaveProperty('cek')
    expect(b.unwrap.mock.lastCall?.[1]).toEqual({ identified: true })
    await expect(unwrap(ofA)).rejects.toEqual(code('ERR_CSE_UNWRAP_FAILED'))
    expect(a.unwrap).not.toHaveBeenCalled()
    await expect(unwrap(ofA, 'another key')).rejects.toEqual(code('ERR_CSE_NO_MATCHING_KEY'))
  }
  await expect(ring.unwrap(ofA)).resolves.toHaveProperty('cek')
})
