import { describe, expect, test, vi } from 'vitest'
import type { ContentFormat, Envelope } from './envelope.ts'
import { Keyring } from './keyring.ts'
import type { MasterKeyProvider } from './ports.ts'
import { createTestProvider } from './testing/test-provider.ts'

const RSA = 'RSA/NONE/PKCS1Padding'
const code = (value: string) => expect.objectContaining({ code: value })
const INVALID = code('ERR_CSE_INVALID_ARGUMENT')

const named = (seed: number, k: string) => createTestProvider({ seed, materialDescription: { k } })
const rsa = (seed: number, k?: string) =>
  createTestProvider({ seed, wrapAlgorithm: RSA, ...(k !== undefined && { materialDescription: { k } }) })
const unnamed = (provider: MasterKeyProvider): MasterKeyProvider => ({ ...provider, keyIdentity: undefined })

async function written(provider: MasterKeyProvider, format: ContentFormat): Promise<Envelope> {
  return (await new Keyring({ encrypting: provider }).generate({}, {}, format)).envelope
}

/** An envelope whose wrapped key is damaged. */
async function damaged(provider: MasterKeyProvider, format: ContentFormat): Promise<Envelope> {
  const envelope = await written(provider, format)
  return {
    ...envelope,
    wrappedCek: `${envelope.wrappedCek.startsWith('A') ? 'B' : 'A'}${envelope.wrappedCek.slice(1)}`,
  }
}

function watched(provider: MasterKeyProvider) {
  return { ...provider, unwrap: vi.fn(provider.unwrap) }
}

describe('a sealed-only key', () => {
  test('unwraps the keys of sealed objects, and no other; the key is not called for those', async () => {
    const strict = watched(named(1, 'strict'))
    const other = named(2, 'other')
    const ring = new Keyring({ encrypting: other, sealedOnly: [strict] })
    expect(ring.providers).toEqual([other, strict])
    expect([ring.hasSealedOnly, ring.isSealedOnly(strict), ring.isSealedOnly(other)]).toEqual([
      true,
      true,
      false,
    ])
    await expect(ring.unwrap(await written(strict, 'sealed'))).resolves.toHaveProperty('cek')
    strict.unwrap.mockClear()
    await expect(ring.unwrap(await written(strict, 'aes-ctr'))).rejects.toEqual(code('ERR_CSE_NOT_SEALED'))
    expect(strict.unwrap).not.toHaveBeenCalled()
    await expect(ring.unwrap(await written(other, 'aes-ctr'))).resolves.toHaveProperty('cek')
  })

  test('is struck out of the keys that are tried on an unsealed object without a description', async () => {
    const strict = watched(createTestProvider({ seed: 1 }))
    const other = createTestProvider({ seed: 2 })
    const ring = new Keyring({ encrypting: other, undescribed: [strict], sealedOnly: [strict] })
    await expect(ring.unwrap(await written(other, 'aes-ctr'))).resolves.toHaveProperty('cek')
    await expect(ring.unwrap(await written(strict, 'aes-ctr'))).rejects.toEqual(code('ERR_CSE_UNWRAP_FAILED'))
    expect(strict.unwrap).not.toHaveBeenCalled()
    await expect(ring.unwrap(await written(strict, 'sealed'))).resolves.toHaveProperty('cek')
  })

  test('refuses a V1 object, which is never sealed', async () => {
    const v1: MasterKeyProvider = { ...createTestProvider({ wrapAlgorithm: 'v1' }), envelopeVersion: 1 }
    const { envelope } = await new Keyring({ encrypting: v1 }).generate()
    const ring = new Keyring({ encrypting: named(2, 'k'), sealedOnly: [v1] })
    const relabelled = { ...envelope, cekAlgorithm: 'AES256_GCM_HKDF_64KB' } as Envelope
    for (const one of [envelope, relabelled]) {
      await expect(ring.unwrap(one)).rejects.toEqual(code('ERR_CSE_NOT_SEALED'))
    }
    expect(() => new Keyring({ encrypting: v1, sealedOnly: [v1] })).toThrow(INVALID)
  })

  test('requires that each provider states which key it holds', () => {
    const strict = named(1, 'strict')
    for (const provider of [unnamed(named(2, 'other')), { ...named(2, 'other'), keyIdentity: '' }]) {
      expect(() => new Keyring({ encrypting: provider, sealedOnly: [strict] })).toThrow(INVALID)
      expect(() => new Keyring({ encrypting: strict, sealedOnly: [strict, provider] })).toThrow(INVALID)
      const ring = new Keyring({ encrypting: strict, sealedOnly: [strict] })
      expect(() => ring.addDecrypting(provider)).toThrow(INVALID)
      expect(ring.providers).toEqual([strict])
      const open = new Keyring({ encrypting: named(3, 'k'), decrypting: [provider] })
      expect(() => open.addDecrypting(strict, { sealedOnly: true })).toThrow(INVALID)
      expect([open.providers.length, open.hasSealedOnly]).toEqual([2, false])
    }
  })

  test('is sealed-only in each provider that holds it', () => {
    const strict = named(1, 'strict')
    const twin = rsa(1)
    expect(() => new Keyring({ encrypting: twin, sealedOnly: [strict] })).toThrow(INVALID)
    expect(new Keyring({ encrypting: twin, sealedOnly: [strict, twin] }).isSealedOnly(twin)).toBe(true)
    const ring = new Keyring({ encrypting: strict, sealedOnly: [strict] })
    expect(() => ring.addDecrypting(twin)).toThrow(INVALID)
    expect(ring.providers).toEqual([strict])
    ring.addDecrypting(twin, { sealedOnly: true })
    expect(ring.isSealedOnly(twin)).toBe(true)
    const open = new Keyring({ encrypting: named(2, 'k'), decrypting: [twin] })
    expect(() => open.addDecrypting(strict, { sealedOnly: true })).toThrow(INVALID)
    open.addDecrypting(twin, { sealedOnly: true })
    open.addDecrypting(strict, { sealedOnly: true })
    expect(open.isSealedOnly(strict)).toBe(true)
  })

  test('is not made of the encrypting key later, nor beside plain objects', () => {
    const provider = named(1, 'k')
    const ring = new Keyring({ encrypting: provider })
    expect(() => ring.addDecrypting(provider, { sealedOnly: true })).toThrow(INVALID)
    ring.allowPlainObjects()
    expect(() => ring.addDecrypting(named(2, 'l'), { sealedOnly: true })).toThrow(INVALID)
    expect(ring.providers).toEqual([provider])
    expect(() => new Keyring({ encrypting: provider, sealedOnly: [provider] }).allowPlainObjects()).toThrow(
      INVALID,
    )
  })
})

describe('where only sealed objects are read under an RSA key', () => {
  const strictRing = (provider: MasterKeyProvider) =>
    new Keyring({ encrypting: provider, sealedOnly: [provider] })

  test.each([
    ['because the key is sealed-only', strictRing, false],
    [
      'because the reader accepts no others',
      (encrypting: MasterKeyProvider) => new Keyring({ encrypting }),
      true,
    ],
  ])(
    'a failed unwrap returns a key that follows from the wrapped values alone, %s',
    async (_why, ringOf, acceptsOnlySealed) => {
      const provider = rsa(1)
      const ring = ringOf(provider)
      const unwrapped = (envelope: Envelope) => ring.unwrapToOpen(envelope, { acceptsOnlySealed })
      const envelope = await damaged(provider, 'sealed')
      const key = await unwrapped(envelope)
      expect([key.cek.length, key.iv.length]).toEqual([32, 16])
      expect(await unwrapped(envelope)).toEqual(key)
      const beside = await damaged(provider, 'sealed')
      expect((await unwrapped({ ...beside, wrappedCek: envelope.wrappedCek })).cek).toEqual(key.cek)
      expect((await unwrapped(beside)).cek).not.toEqual(key.cek)
    },
  )

  test('a provider that rejects implicitly is asked for nothing else', async () => {
    const key = { cek: new Uint8Array(32).fill(7), iv: new Uint8Array(16).fill(8) }
    const provider = { ...watched(rsa(1)), unwrapWithImplicitRejection: vi.fn(async () => key) }
    const envelope = await damaged(provider, 'sealed')
    expect(await strictRing(provider).unwrapToOpen(envelope, { acceptsOnlySealed: false })).toEqual(key)
    expect(provider.unwrap).not.toHaveBeenCalled()
    expect(provider.unwrapWithImplicitRejection).toHaveBeenCalledExactlyOnceWith(envelope, {
      identified: true,
    })
  })

  test('nothing is visible either when a key that is not sealed-only is tried after it', async () => {
    const [strict, old] = [rsa(1, 'new'), rsa(2, 'old')]
    const ring = new Keyring({
      encrypting: strict,
      decrypting: [old],
      undescribed: [old],
      sealedOnly: [strict],
    })
    const undescribed = { ...(await damaged(strict, 'sealed')), materialDescription: {} }
    const options = { acceptsOnlySealed: false }
    await expect(ring.unwrapToOpen(undescribed, options)).resolves.toHaveProperty('cek')
    const { envelope, contentKey } = await new Keyring({ encrypting: old }).generate({}, {}, 'sealed')
    expect(await ring.unwrapToOpen({ ...envelope, materialDescription: {} }, options)).toEqual(contentKey)
  })

  test('a key that unwraps is the right one', async () => {
    const provider = rsa(1)
    const { envelope, contentKey } = await new Keyring({ encrypting: provider }).generate({}, {}, 'sealed')
    await expect(strictRing(provider).unwrapToOpen(envelope, { acceptsOnlySealed: false })).resolves.toEqual(
      contentKey,
    )
  })

  test('an unwrap for anything else than opening fails: an upload never continues under a random key', async () => {
    const provider = rsa(1)
    await expect(strictRing(provider).unwrap(await damaged(provider, 'sealed'))).rejects.toEqual(
      code('ERR_CSE_UNWRAP_FAILED'),
    )
  })

  test('errors that headers decide, and those of a key service, stay', async () => {
    const provider = rsa(1, 'a')
    const ring = strictRing(provider)
    const envelope = await written(provider, 'sealed')
    const options = { acceptsOnlySealed: true }
    const lost = { ...envelope, materialDescription: { k: 'lost' } }
    await expect(ring.unwrapToOpen(lost, options)).rejects.toEqual(code('ERR_CSE_NO_MATCHING_KEY'))
    const failing = { ...provider, unwrap: () => Promise.reject(new Error('a lost connection')) }
    await expect(strictRing(failing).unwrapToOpen(envelope, options)).rejects.toThrow('a lost connection')
  })
})

test.each([
  ['a key of another kind', () => named(1, 'k'), true, 'sealed'],
  ['a reader that also accepts other objects', () => rsa(1), false, 'sealed'],
  ['an object that is not sealed', () => rsa(1), true, 'aes-ctr'],
] as const)('a failed unwrap stays an error for %s', async (_what, make, acceptsOnlySealed, format) => {
  const provider = make()
  const ring = new Keyring({ encrypting: provider })
  await expect(ring.unwrapToOpen(await damaged(provider, format), { acceptsOnlySealed })).rejects.toEqual(
    code('ERR_CSE_UNWRAP_FAILED'),
  )
})
