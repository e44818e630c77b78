import { describe, expect, test } from 'vitest'
import { generateWebAesKey, importWebAesKey } from './aes-keys.ts'
import { createWebAesProvider } from './aes-provider.ts'
import { generateWebRsaKeyPair, importWebRsaKeyPair, OAEP_SHA1 } from './rsa-keys.ts'
import { createWebRsaProvider } from './rsa-provider.ts'
import { createWebRsaPublicProvider } from './rsa-public-provider.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const INVALID = code('ERR_CSE_INVALID_KEY')

const pem = (label: string, der: ArrayBuffer) =>
  `-----BEGIN ${label}-----\n${btoa(String.fromCharCode(...new Uint8Array(der)))}\n-----END ${label}-----\n`

/** A pair that an app generated elsewhere. */
async function extractablePair(hash = 'SHA-1'): Promise<CryptoKeyPair> {
  const algorithm = { name: 'RSA-OAEP', hash, modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) }
  return crypto.subtle.generateKey(algorithm, true, ['encrypt', 'decrypt'])
}

const pair = await extractablePair()
const jwk = await crypto.subtle.exportKey('jwk', pair.privateKey)
const privateKey = pem('PRIVATE KEY', await crypto.subtle.exportKey('pkcs8', pair.privateKey))
const publicKey = pem('PUBLIC KEY', await crypto.subtle.exportKey('spki', pair.publicKey))
const safe = await importWebRsaKeyPair({ jwk })

describe('a generated or imported key', () => {
  test.each([
    ['AES, generated', generateWebAesKey],
    ['AES, imported', () => importWebAesKey(crypto.getRandomValues(new Uint8Array(32)))],
    ['RSA, generated', async () => (await generateWebRsaKeyPair({ bits: 2048 })).privateKey],
    ['RSA, of a JWK', async () => (await importWebRsaKeyPair({ jwk })).privateKey],
    ['RSA, of PEM', async () => (await importWebRsaKeyPair({ privateKey, publicKey })).privateKey],
  ])('cannot be exported (%s)', async (_kind, make) => {
    const key = await make()
    expect(key.extractable).toBe(false)
    for (const format of ['raw', 'pkcs8', 'jwk'] as const) {
      await expect(crypto.subtle.exportKey(format as 'raw', key)).rejects.toThrow()
    }
  })

  test('is the same key from PEM and from a JWK, whatever use the JWK names', async () => {
    const signing = { ...jwk, alg: 'PS256', use: 'sig', key_ops: ['sign'] }
    const providers = await Promise.all(
      [{ privateKey, publicKey }, { jwk }, { jwk: signing }].map(async (source) =>
        createWebRsaProvider(await importWebRsaKeyPair(source)),
      ),
    )
    const identity = createWebRsaPublicProvider({ publicKey }).keyIdentity
    expect(providers.map(({ keyIdentity }) => keyIdentity)).toEqual([identity, identity, identity])
  })

  test('has the size that was asked for', async () => {
    const { publicKey } = await generateWebRsaKeyPair({ bits: 2176 })
    expect(publicKey.algorithm).toMatchObject({ modulusLength: 2176, hash: { name: 'SHA-1' } })
  })
})

describe('refuses', () => {
  test.each([0, 1024, 2056, 8320, 2048.5, Number.NaN])('to generate a pair of %s bits', async (bits) => {
    await expect(generateWebRsaKeyPair({ bits })).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
  })

  test.each([0, 16, 31, 33])('an AES key of %i bytes', async (length) => {
    await expect(importWebAesKey(new Uint8Array(length))).rejects.toEqual(INVALID)
  })

  test.each([
    ['an extractable key', { name: 'AES-GCM', length: 256 }, true, ['encrypt', 'decrypt']],
    ['a key of 128 bits', { name: 'AES-GCM', length: 128 }, false, ['encrypt', 'decrypt']],
    ['a key of AES-CTR', { name: 'AES-CTR', length: 256 }, false, ['encrypt', 'decrypt']],
    ['a key that only encrypts', { name: 'AES-GCM', length: 256 }, false, ['encrypt']],
  ] as const)('%s as an AES master key', async (_kind, algorithm, extractable, usages) => {
    const key = await crypto.subtle.generateKey(algorithm, extractable, [...usages])
    await expect(createWebAesProvider(key)).rejects.toEqual(INVALID)
  })

  test.each([undefined, null, 'key', {}, { algorithm: {} }])('%j as a master key', async (key) => {
    await expect(createWebAesProvider(key as unknown as CryptoKey)).rejects.toEqual(INVALID)
    await expect(createWebRsaProvider(key as unknown as CryptoKeyPair)).rejects.toEqual(INVALID)
  })

  test('a private key that is extractable', async () => {
    await expect(createWebRsaProvider(pair)).rejects.toEqual(INVALID)
  })

  test('a public key that is not extractable, because it has no identity', async () => {
    const spki = await crypto.subtle.exportKey('spki', pair.publicKey)
    const hidden = await crypto.subtle.importKey('spki', spki, OAEP_SHA1, false, ['encrypt'])
    await expect(createWebRsaProvider({ ...safe, publicKey: hidden })).rejects.toEqual(INVALID)
  })

  test('halves of two pairs', async () => {
    const other = await generateWebRsaKeyPair({ bits: 2048 })
    const mixed = { privateKey: safe.privateKey, publicKey: other.publicKey }
    await expect(createWebRsaProvider(mixed)).rejects.toEqual(INVALID)
  })

  test('a pair for another hash', async () => {
    const { publicKey } = await extractablePair('SHA-256')
    await expect(createWebRsaProvider({ ...safe, publicKey })).rejects.toEqual(INVALID)
  })

  test.each([
    ['no text', { privateKey: 7, publicKey }],
    ['a public key for a private one', { privateKey: publicKey, publicKey }],
    ['a private key for a public one', { privateKey, publicKey: privateKey }],
    ['an encrypted key', { privateKey: privateKey.replaceAll('PRIVATE', 'ENCRYPTED PRIVATE'), publicKey }],
    ['damaged PEM', { privateKey: privateKey.replace('MII', 'MIJ'), publicKey }],
    ['a public JWK', { jwk: { kty: 'RSA', n: jwk.n, e: jwk.e } }],
    ['a JWK of another kind', { jwk: { kty: 'oct', k: 'AAAA' } }],
    ['no JWK', { jwk: undefined }],
  ])('to import %s, without the key in the error', async (_kind, source) => {
    const failure: unknown = await importWebRsaKeyPair(source as { jwk: JsonWebKey }).catch((error) => error)
    expect(failure).toEqual(INVALID)
    expect((failure as Error).cause).toBeUndefined()
    expect((failure as Error).message).not.toContain(privateKey.slice(30, 60))
  })

  test.each([undefined, 7, '', 'no key', new Uint8Array(300)])('%j as a public key', (key) => {
    expect(() => createWebRsaPublicProvider({ publicKey: key as string })).toThrow(INVALID)
  })
})

describe('an AES master key', () => {
  test('has an identity that follows from the key', async () => {
    const bytes = new Uint8Array(32).fill(7)
    const [one, same] = await Promise.all([importWebAesKey(bytes), importWebAesKey(bytes)])
    const { keyIdentity } = await createWebAesProvider(one)
    expect((await createWebAesProvider(same)).keyIdentity).toBe(keyIdentity)
    // Objects on other devices are found by it, so it must never change.
    expect(keyIdentity).toBe('aes:ea6f755314783d74baf00c0486af0686300fe3e345cdc34fb36f1c3ccf1e5a92')
  })

  test('binds each wrapped value to its field', async () => {
    const provider = await createWebAesProvider(await generateWebAesKey())
    const key = { cek: new Uint8Array(32), iv: new Uint8Array(16) }
    const wrapped = await provider.wrap?.(key)
    expect([wrapped?.wrappedCek, wrapped?.wrappedIv].map((text) => atob(text ?? '').length)).toEqual([60, 44])
  })
})
