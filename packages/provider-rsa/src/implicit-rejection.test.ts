import { type Envelope, Keyring } from '@oss-cse/crypto-core'
import { describe, expect, test } from 'vitest'
import { keyDirectory } from '../test/support/key-directory.ts'
import { makeRsaKeys, privatePem, publicPem } from '../test/support/keys.ts'
import { LocalRsaProvider } from './local-rsa-provider.ts'
import { RsaProvider } from './rsa-provider.ts'
import type { RsaUnwrapOptions } from './rsa-unwrapper.ts'

const [ours, other] = [makeRsaKeys(2048), makeRsaKeys(2048)]
type Keys = typeof ours
const files = ({ privateKey, publicKey }: Keys) =>
  keyDirectory({ privateKeyPem: privatePem(privateKey), publicKeyPem: publicPem(publicKey) })

const kinds: readonly (readonly [
  string,
  (keys: Keys, options?: RsaUnwrapOptions) => RsaProvider | LocalRsaProvider,
])[] = [
  [
    'RsaProvider',
    ({ privateKey }, options) => new RsaProvider({ privateKey: privatePem(privateKey), ...options }),
  ],
  ['LocalRsaProvider', (keys, options) => new LocalRsaProvider({ directory: files(keys), ...options })],
]
const unwrapCache = { maxEntries: 100, ttlMs: 60_000 }

/** Ways in which a wrapped value does not unwrap. */
const DAMAGE: readonly (readonly [string, (wrapped: string) => string])[] = [
  ['a flipped bit', (wrapped) => `${wrapped.startsWith('A') ? 'B' : 'A'}${wrapped.slice(1)}`],
  ['a wrong length', (wrapped) => wrapped.slice(0, -4)],
  ['a number out of range', () => Buffer.alloc(256, 0xff).toString('base64')],
  ['no base64', () => '*'],
  ['nothing', () => ''],
]

describe.each(kinds)('implicit rejection of a %s', (_kind, create) => {
  async function wrapped(provider = create(ours)): Promise<{
    envelope: Envelope & { version: 2 }
    cek: Uint8Array
    iv: Uint8Array
  }> {
    const { envelope, contentKey } = await new Keyring({ encrypting: provider }).generate({}, {}, 'sealed')
    if (envelope.version !== 2) throw new Error('V1')
    return { envelope, ...contentKey }
  }

  test('returns what unwraps', async () => {
    const provider = create(ours)
    const { envelope, cek, iv } = await wrapped()
    expect(await provider.unwrapWithImplicitRejection(envelope)).toEqual({ cek, iv })
  })

  test.each(DAMAGE)('replaces a value with %s, and leaves the other one as it is', async (_what, damage) => {
    const provider = create(ours)
    const { envelope, cek, iv } = await wrapped()
    const { wrappedCek, wrappedIv } = envelope
    const withoutCek = await provider.unwrapWithImplicitRejection({
      ...envelope,
      wrappedCek: damage(wrappedCek),
    })
    expect(withoutCek.cek).toHaveLength(32)
    expect(withoutCek.cek).not.toEqual(cek)
    expect(withoutCek.iv).toEqual(iv)
    const withoutIv = await provider.unwrapWithImplicitRejection({
      ...envelope,
      wrappedIv: damage(wrappedIv),
    })
    expect(withoutIv.iv).toHaveLength(16)
    expect(withoutIv.iv).not.toEqual(iv)
    expect(withoutIv.cek).toEqual(cek)
  })

  test('replaces a wrapped value alike in each call, process and envelope, and in no other way', async () => {
    const provider = create(ours)
    const { envelope } = await wrapped()
    const { wrappedCek } = envelope
    const damaged = { ...envelope, wrappedCek: (DAMAGE[0]?.[1] ?? String)(wrappedCek) }
    const { cek } = await provider.unwrapWithImplicitRejection(damaged)
    const beside = { ...damaged, wrappedIv: (await wrapped()).envelope.wrappedIv }
    const others = [
      await provider.unwrapWithImplicitRejection(beside),
      await create(ours).unwrapWithImplicitRejection(damaged),
      await create(ours, { unwrapInWorker: true }).unwrapWithImplicitRejection(damaged),
    ]
    for (const same of others) expect(same.cek).toEqual(cek)
    const different = [
      await provider.unwrapWithImplicitRejection({ ...envelope, wrappedCek: '*' }),
      await create(other).unwrapWithImplicitRejection(damaged),
    ]
    for (const unlike of different) expect(unlike.cek).not.toEqual(cek)
    expect(
      (await create(ours).unwrapWithImplicitRejection({ ...envelope, wrappedCek: '*', wrappedIv: '*' })).iv,
    ).not.toEqual(different[0]?.cek.slice(0, 16))
  })

  test('and the cache keep apart what was replaced and what fails', async () => {
    const { envelope } = await wrapped()
    const cached = create(ours, { unwrapCache })
    const damaged = { ...envelope, wrappedCek: '*' }
    const first = await cached.unwrapWithImplicitRejection(damaged)
    expect(await cached.unwrapWithImplicitRejection(damaged)).toEqual(first)
    await expect(cached.unwrap(damaged)).rejects.toMatchObject({ code: 'ERR_CSE_UNWRAP_FAILED' })
    cached.clearUnwrapCache()
  })
})

test('a public key has no implicit rejection', async () => {
  const provider = new RsaProvider({ publicKey: publicPem(ours.publicKey) })
  const { envelope } = await new Keyring({ encrypting: provider }).generate()
  await expect(provider.unwrapWithImplicitRejection(envelope)).rejects.toMatchObject({
    code: 'ERR_CSE_CANNOT_UNWRAP',
  })
})
