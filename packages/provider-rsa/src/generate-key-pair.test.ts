import { createPrivateKey, createPublicKey } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { generateRsaKeyPair } from './generate-key-pair.ts'
import { RsaProvider } from './rsa-provider.ts'

describe('generateRsaKeyPair', () => {
  test('generates a pair of 3072 bits by default, PKCS#8 and SPKI, that a provider accepts', async () => {
    const { privateKey, publicKey } = await generateRsaKeyPair()
    expect(privateKey).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
    expect(publicKey).toMatch(/^-----BEGIN PUBLIC KEY-----\n/)
    expect(createPublicKey(publicKey).asymmetricKeyDetails).toEqual({
      modulusLength: 3072,
      publicExponent: 65537n,
    })
    expect(new RsaProvider({ privateKey, publicKey }).modulusBits).toBe(3072)
  })

  test('encrypts the private key with a passphrase', async () => {
    const passphrase = 'p'.repeat(1024)
    const { privateKey } = await generateRsaKeyPair({ bits: 2048, passphrase })
    expect(privateKey).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/)
    expect(() => createPrivateKey(privateKey)).toThrow()
    expect(new RsaProvider({ privateKey, passphrase }).modulusBits).toBe(2048)
  })

  test.each([0, 1024, 2040, 2049, 2052, 16_392, 2048.5, Number.NaN, '3072'])(
    'refuses %s bits',
    async (bits) => {
      await expect(generateRsaKeyPair({ bits: bits as number })).rejects.toMatchObject({
        code: 'ERR_CSE_INVALID_ARGUMENT',
      })
    },
  )

  test.each(['', 'p'.repeat(1025), 'ü'.repeat(513), 7])(
    'refuses an invalid passphrase (%#)',
    async (passphrase) => {
      await expect(
        generateRsaKeyPair({ bits: 2048, passphrase: passphrase as string }),
      ).rejects.toMatchObject({
        code: 'ERR_CSE_INVALID_ARGUMENT',
      })
    },
  )
})
