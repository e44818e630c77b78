import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { type ContentFormat, contentFormat, type Envelope, type EnvelopeV2 } from './envelope.ts'
import { decodeEnvelope, encodeEnvelope } from './envelope-codec.ts'
import { TransportError, unwrapFailed } from './errors.ts'
import { Keyring } from './keyring.ts'
import type { EnvelopeExtras } from './new-envelope.ts'
import type { ContentKey, MasterKeyProvider } from './ports.ts'
import { createTestProvider } from './testing/test-provider.ts'

const RSA = 'RSA/NONE/PKCS1Padding'
const code = (value: string) => expect.objectContaining({ code: value })

const named = (seed: number, k: string) => createTestProvider({ seed, materialDescription: { k } })

/** A provider that writes and reads V1 envelopes. */
function v1Provider(seed: number): MasterKeyProvider {
  const inner = createTestProvider({ seed, wrapAlgorithm: 'v1' })
  return {
    ...inner,
    envelopeVersion: 1,
    unwrap: async (envelope, call) => {
      if (envelope.version !== 1) throw unwrapFailed()
      return inner.unwrap({ ...envelope, version: 2, wrappedIv: envelope.wrappedStart }, call)
    },
  }
}

async function written(
  provider: MasterKeyProvider,
  format: ContentFormat = 'aes-ctr',
  extras: EnvelopeExtras = {},
): Promise<{ readonly envelope: Envelope; readonly contentKey: ContentKey }> {
  return new Keyring({ encrypting: provider }).generate(extras, {}, format)
}

/** A provider whose calls are recorded. */
function watched(provider: MasterKeyProvider) {
  const { unwrap, wrap } = provider as Required<MasterKeyProvider>
  return { ...provider, unwrap: vi.fn(unwrap), wrap: vi.fn(wrap) }
}

function without({ wrap: _wrap, ...provider }: MasterKeyProvider): MasterKeyProvider {
  return provider
}

test('the target alone unwraps the new envelope of any object, to the same content key, and nothing else of it changed', async () => {
  const [old, old1, target] = [named(1, 'old'), v1Provider(2), named(3, 'new')]
  const ring = new Keyring({ encrypting: target, decrypting: [old, old1] })
  const length = fc.option(fc.nat(), { nil: undefined })
  const whole = fc.record(
    { unencryptedContentLength: length, unencryptedContentMd5: fc.constant('XUFAKrxLKna5cZ2REBfFkg==') },
    { requiredKeys: [] },
  )
  const parts = fc.record(
    { dataSizeBytes: fc.nat(), partSizeBytes: fc.integer({ min: 1, max: 2 ** 31 }) },
    { requiredKeys: [] },
  )
  const objects = fc.oneof(
    fc.record({ provider: fc.constant(old1), format: fc.constant('aes-ctr' as const), extras: whole }),
    fc.record({
      provider: fc.constant(old),
      format: fc.constantFrom('aes-ctr' as const, 'sealed' as const),
      extras: fc.tuple(whole, parts).map(([one, other]) => ({ ...one, ...other })),
    }),
  )
  await fc.assert(
    fc.asyncProperty(objects, async ({ provider, format, extras }) => {
      const { envelope, contentKey } = await written(provider, format, extras)
      const before = JSON.stringify(envelope)
      const rewrapped = decodeEnvelope(encodeEnvelope(await ring.rewrap(envelope))) as Envelope
      expect(JSON.stringify(envelope)).toBe(before)
      expect(contentFormat(rewrapped)).toBe(format)
      const { wrappedCek, wrappedIv, cekAlgorithm, ...rest } = rewrapped as Envelope & { version: 2 }
      expect(rest).toEqual({
        version: 2,
        wrapAlgorithm: target.wrapAlgorithm,
        materialDescription: { k: 'new' },
        ...extras,
      })
      expect(await new Keyring({ encrypting: target }).unwrap(rewrapped)).toEqual(contentKey)
      await expect(new Keyring({ encrypting: old }).unwrap(rewrapped)).rejects.toEqual(
        code('ERR_CSE_NO_MATCHING_KEY'),
      )
    }),
  )
})

test('the encrypting key is the target, unless another one of the keyring is named', async () => {
  const [a, b, c] = [named(1, 'a'), named(2, 'b'), named(3, 'c')]
  const ring = new Keyring({ encrypting: a, decrypting: [b, c] })
  const { envelope, contentKey } = await written(b)
  for (const [target, options] of [
    [a, {}],
    [c, { target: c }],
    [b, { target: b }],
  ] as const) {
    const rewrapped = await ring.rewrap(envelope, options)
    expect(rewrapped.materialDescription).toEqual(target.materialDescription)
    expect(await target.unwrap(rewrapped)).toEqual(contentKey)
  }
})

test('a target without a description writes an envelope without one', async () => {
  const [old, bare] = [named(1, 'old'), createTestProvider({ seed: 2 })]
  const { envelope } = await written(old)
  const rewrapped = await new Keyring({ encrypting: bare, decrypting: [old] }).rewrap(envelope)
  expect(rewrapped.materialDescription).toEqual({})
})

describe('refused before any key is called', () => {
  const strict = watched(named(1, 'strict'))
  const open = watched(named(2, 'open'))
  const bare = watched(createTestProvider({ seed: 3 }))
  const alsoBare = watched(createTestProvider({ seed: 4 }))
  const publicOnly = watched(
    createTestProvider({ seed: 5, encryptOnly: true, materialDescription: { k: 'p' } }),
  )
  const noWrap = without(watched(named(6, 'no wrap')))
  const v1 = watched(v1Provider(7))

  test.each<[string, Keyring, MasterKeyProvider, ContentFormat, MasterKeyProvider | undefined, string]>([
    [
      'a target without `wrap`',
      new Keyring({ encrypting: noWrap, decrypting: [open] }),
      open,
      'aes-ctr',
      undefined,
      'ERR_CSE_OPERATION_REFUSED',
    ],
    [
      'a target that writes V1',
      new Keyring({ encrypting: v1, decrypting: [open] }),
      open,
      'aes-ctr',
      undefined,
      'ERR_CSE_OPERATION_REFUSED',
    ],
    [
      'a target outside the keyring',
      new Keyring({ encrypting: open }),
      open,
      'aes-ctr',
      named(8, 'x'),
      'ERR_CSE_INVALID_ARGUMENT',
    ],
    [
      'an object that is not sealed, for a target that reads only sealed ones',
      new Keyring({ encrypting: strict, decrypting: [open], sealedOnly: [strict] }),
      open,
      'aes-ctr',
      undefined,
      'ERR_CSE_NOT_SEALED',
    ],
    [
      'a V1 object, for a target that reads only sealed ones',
      new Keyring({ encrypting: strict, decrypting: [v1], sealedOnly: [strict] }),
      v1,
      'aes-ctr',
      undefined,
      'ERR_CSE_NOT_SEALED',
    ],
    [
      'an object that is not sealed, of a key that reads only sealed ones',
      new Keyring({ encrypting: open, sealedOnly: [strict] }),
      strict,
      'aes-ctr',
      undefined,
      'ERR_CSE_NOT_SEALED',
    ],
    [
      'a sealed object of a key that reads only sealed ones, for a target that also reads others',
      new Keyring({ encrypting: open, sealedOnly: [strict] }),
      strict,
      'sealed',
      undefined,
      'ERR_CSE_OPERATION_REFUSED',
    ],
    [
      'a target that the keyring would not select, because the encrypting key has no description either',
      new Keyring({ encrypting: bare, decrypting: [open, alsoBare] }),
      open,
      'aes-ctr',
      alsoBare,
      'ERR_CSE_INVALID_ARGUMENT',
    ],
    [
      'an object of no key of the keyring',
      new Keyring({ encrypting: open }),
      strict,
      'sealed',
      undefined,
      'ERR_CSE_NO_MATCHING_KEY',
    ],
    [
      'an object whose key only encrypts',
      new Keyring({ encrypting: open, decrypting: [publicOnly] }),
      publicOnly,
      'aes-ctr',
      undefined,
      'ERR_CSE_CANNOT_UNWRAP',
    ],
  ])('%s', async (_what, ring, writer, format, target, expected) => {
    const { envelope } = await written(writer, format)
    await expect(ring.rewrap(envelope, { target })).rejects.toEqual(code(expected))
    for (const { unwrap, wrap } of [strict, open, bare, alsoBare, publicOnly, v1]) {
      expect(unwrap).not.toHaveBeenCalled()
      expect(wrap).not.toHaveBeenCalled()
    }
  })
})

test('a sealed object moves from one sealed-only key to another, and each key must be certain', async () => {
  const [old, target] = [watched(named(1, 'old')), watched(named(2, 'new'))]
  const ring = new Keyring({ encrypting: target, sealedOnly: [target, old] })
  const { envelope, contentKey } = await written(old, 'sealed')
  const rewrapped = await ring.rewrap(envelope)
  expect(await new Keyring({ encrypting: target, sealedOnly: [target] }).unwrap(rewrapped)).toEqual(
    contentKey,
  )
  expect(old.unwrap.mock.lastCall?.[1]).toMatchObject({ identified: true })
  expect(target.wrap.mock.lastCall?.[1]).toMatchObject({ identified: true })
})

test('of two keys without a description, a listed one can be the target, and so can the encrypting one', async () => {
  const [a, b] = [createTestProvider({ seed: 1 }), createTestProvider({ seed: 2 })]
  const ring = new Keyring({ encrypting: a, undescribed: [b] })
  const { envelope, contentKey } = await written(b)
  for (const target of [a, b]) {
    const rewrapped = await ring.rewrap(envelope, { target })
    expect(await target.unwrap(rewrapped)).toEqual(contentKey)
    expect(await ring.unwrap(rewrapped)).toEqual(contentKey)
  }
})

test('a target that only encrypts is enough', async () => {
  const [old, target] = [named(1, 'old'), named(2, 'new')]
  const half = createTestProvider({ seed: 2, encryptOnly: true, materialDescription: { k: 'new' } })
  const { envelope, contentKey } = await written(old)
  const rewrapped = await new Keyring({ encrypting: half, decrypting: [old] }).rewrap(envelope)
  expect(await target.unwrap(rewrapped)).toEqual(contentKey)
})

test('a wrong key of the same name is a failed unwrap, never another key, even where only sealed objects are read', async () => {
  const make = (seed: number, k: string) =>
    createTestProvider({ seed, wrapAlgorithm: RSA, materialDescription: { k } })
  const target = watched(make(1, 'new'))
  const rejecting = vi.fn()
  const wrong = { ...watched(make(2, 'old')), unwrapWithImplicitRejection: rejecting }
  const ring = new Keyring({ encrypting: target, decrypting: [wrong], sealedOnly: [target, wrong] })
  const { envelope } = await written(make(3, 'old'), 'sealed')
  await expect(ring.rewrap(envelope)).rejects.toEqual(code('ERR_CSE_UNWRAP_FAILED'))
  expect(wrong.unwrap).toHaveBeenCalledOnce()
  expect(rejecting).not.toHaveBeenCalled()
  expect(target.wrap).not.toHaveBeenCalled()
})

test('the present key is told the object that is read, and the target the one that is written', async () => {
  const [old, target] = [watched(named(1, 'old')), watched(named(2, 'new'))]
  const ring = new Keyring({ encrypting: target, decrypting: [old] })
  const { envelope } = await written(old)
  const object = { location: 'memory:', key: 'a', versionId: 'v1' }
  const { signal } = new AbortController()
  await ring.rewrap(envelope, { object, signal })
  expect(old.unwrap).toHaveBeenLastCalledWith(envelope, { object, signal })
  expect(target.wrap).toHaveBeenLastCalledWith(expect.anything(), {
    object: { location: 'memory:', key: 'a' },
    signal,
  })
  const targetObject = { location: 'memory:other', key: 'b' }
  await ring.rewrap(envelope, { object, targetObject })
  expect(old.unwrap.mock.lastCall?.[1]).toMatchObject({ object })
  expect(target.wrap.mock.lastCall?.[1]).toMatchObject({ object: targetObject })
})

test('an abort during the unwrap rejects with the reason, and nothing is wrapped', async () => {
  const controller = new AbortController()
  const [old, target] = [named(1, 'old'), watched(named(2, 'new'))]
  const aborting: MasterKeyProvider = {
    ...old,
    unwrap: async (envelope) => {
      const key = await old.unwrap(envelope)
      controller.abort('stop')
      return key
    },
  }
  const ring = new Keyring({ encrypting: target, decrypting: [aborting] })
  const { envelope } = await written(old)
  await expect(ring.rewrap(envelope, { signal: controller.signal })).rejects.toBe('stop')
  expect(target.wrap).not.toHaveBeenCalled()
})

describe('the content key', () => {
  const down = new TransportError('ERR_CSE_NETWORK', 'The key service is down.', { retryable: true })

  test.each([
    ['when it is wrapped', undefined],
    ['when the target fails, whose error is thrown unchanged', down],
  ])('is overwritten %s; the copy of its provider is not', async (_when, failure) => {
    const [old, target] = [named(1, 'old'), named(2, 'new')]
    const { envelope, contentKey } = await written(old)
    const kept = await old.unwrap(envelope)
    const given: ContentKey[] = []
    const seen: ContentKey[] = []
    const taking: MasterKeyProvider = {
      ...target,
      wrap: async (key) => {
        given.push(key)
        seen.push({ cek: Uint8Array.from(key.cek), iv: Uint8Array.from(key.iv) })
        if (failure !== undefined) throw failure
        return { wrappedCek: 'cek', wrappedIv: 'iv' }
      },
    }
    const caching: MasterKeyProvider = { ...old, unwrap: async () => kept }
    const rewrapped = new Keyring({ encrypting: taking, decrypting: [caching] }).rewrap(envelope)
    if (failure === undefined) await expect(rewrapped).resolves.toMatchObject({ wrappedCek: 'cek' })
    else await expect(rewrapped).rejects.toBe(failure)
    expect(seen).toEqual([contentKey])
    expect(given).toEqual([{ cek: new Uint8Array(32), iv: new Uint8Array(16) }])
    expect(kept).toEqual(contentKey)
  })

  test.each<[string, object]>([
    ['nothing', {}],
    ['an empty text', { wrappedCek: '', wrappedIv: 'iv' }],
    ['a line break', { wrappedCek: 'cek', wrappedIv: 'i\nv' }],
    ['bytes', { wrappedCek: new Uint8Array(3), wrappedIv: 'iv' }],
  ])('is not lost to a target that returns %s for it', async (_what, made) => {
    const [old, target] = [named(1, 'old'), named(2, 'new')]
    const faulty = { ...target, wrap: async () => made } as MasterKeyProvider
    const { envelope } = await written(old)
    await expect(new Keyring({ encrypting: faulty, decrypting: [old] }).rewrap(envelope)).rejects.toEqual(
      code('ERR_CSE_INVALID_ARGUMENT'),
    )
  })
})

describe('whether two envelopes hold the same key', () => {
  const [old, target] = [named(1, 'old'), named(3, 'new')]
  const ring = new Keyring({ encrypting: target, decrypting: [old] })

  test('a re-wrapped one does, and that of another object does not', async () => {
    const { envelope } = await written(old)
    const { envelope: other } = await written(old)
    expect(await ring.holdSameKey(envelope, await ring.rewrap(envelope))).toBe(true)
    expect(await ring.holdSameKey(envelope, other)).toBe(false)
  })

  test('the same content key with another IV is not the same', async () => {
    const { envelope } = await written(old)
    const { envelope: other } = await written(old)
    const mixed = { ...envelope, wrappedIv: (other as EnvelopeV2).wrappedIv } as EnvelopeV2
    expect(await ring.holdSameKey(envelope, mixed)).toBe(false)
  })

  test('one that does not unwrap is an error', async () => {
    const { envelope } = await written(old)
    const { envelope: foreign } = await written(
      createTestProvider({ seed: 9, materialDescription: { k: 'new' } }),
    )
    await expect(ring.holdSameKey(envelope, foreign)).rejects.toEqual(code('ERR_CSE_UNWRAP_FAILED'))
  })
})
