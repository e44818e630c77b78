import { constants, privateDecrypt, publicEncrypt } from 'node:crypto'
import { type Envelope, type EnvelopeV2, unwrapFailed } from '@oss-cse/crypto-core'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { keyDirectory } from '../test/support/key-directory.ts'
import { makeRsaKeys, envelope as pkcs1Envelope, privatePem, publicPem } from '../test/support/keys.ts'
import { LocalRsaProvider } from './local-rsa-provider.ts'

vi.mock('node:crypto', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:crypto')>()
  return { ...original, privateDecrypt: vi.fn(original.privateDecrypt) }
})

const decrypt = vi.mocked(privateDecrypt)
const keys = makeRsaKeys(2048)
const wrap = (bytes: Uint8Array): string =>
  publicEncrypt(
    { key: keys.publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
    bytes,
  ).toString('base64')
const wrappedCek = wrap(new Uint8Array(32).fill(1))
const wrapped = { v1: wrap(Buffer.from('8')), v2: wrap(new Uint8Array(16).fill(2)) }

function envelope(format: 'v1' | 'v2', cek: string, iv: string, wrapAlgorithm?: string): Envelope {
  const made: EnvelopeV2 = pkcs1Envelope(cek, iv, wrapAlgorithm ?? 'RSA/NONE/OAEPWithSHA-1AndMGF1Padding')
  if (format === 'v2') return made
  const { wrappedIv: wrappedStart, ...common } = made
  return { ...common, version: 1, wrappedStart, wrapAlgorithm: wrapAlgorithm ?? 'rsa' }
}

function provider(): LocalRsaProvider {
  const files = { privateKeyPem: privatePem(keys.privateKey), publicKeyPem: publicPem(keys.publicKey) }
  const built = new LocalRsaProvider({ directory: keyDirectory(files) })
  decrypt.mockClear()
  return built
}

beforeEach(() => {
  decrypt.mockReset()
})

describe.each(['v1', 'v2'] as const)('an unwrap of %s', (format) => {
  const good = wrapped[format]
  test.each([
    ['of nothing wrong', wrappedCek, good],
    ['of malformed base64', '*', '*'],
    ['of malformed base64 in one header', wrappedCek, 'AAA'],
    ['of a wrong length', 'AAAA', good],
    ['of numbers out of range', Buffer.alloc(256, 0xff).toString('base64'), good],
    ['of wrong padding', Buffer.alloc(256, 0x11).toString('base64'), good],
    ['of wrong message lengths', good, wrappedCek],
    ['of another algorithm', wrappedCek, good, 'RSA/NONE/PKCS1Padding'],
  ])(
    'does two OAEP operations on full-sized inputs and wipes the messages, in the case %s',
    async (_case, cek, iv, name?: string) => {
      await provider()
        .unwrap(envelope(format, cek, iv, name))
        .catch(() => {})
      expect(decrypt).toHaveBeenCalledTimes(2)
      for (const [, ciphertext] of decrypt.mock.calls) expect((ciphertext as Uint8Array).length).toBe(256)
      for (const { type, value } of decrypt.mock.results) {
        if (type === 'return') expect((value as Uint8Array).every((byte) => byte === 0)).toBe(true)
      }
    },
  )

  test('does the same work if OpenSSL throws, and throws the same error', async () => {
    const built = provider()
    decrypt.mockImplementationOnce(() => {
      throw new Error('error:0200006E:rsa routines::internal')
    })
    await expect(built.unwrap(envelope(format, wrappedCek, good))).rejects.toStrictEqual(unwrapFailed())
    expect(decrypt).toHaveBeenCalledTimes(2)
  })

  test('never uses the result of a dummy as the content key, even if it is well-formed', async () => {
    const built = provider()
    const prepare = (): void => {
      decrypt.mockReset()
      decrypt
        .mockReturnValueOnce(Buffer.alloc(32, 7) as ReturnType<typeof privateDecrypt>)
        .mockReturnValueOnce(
          (format === 'v1' ? Buffer.from('7') : Buffer.alloc(16, 7)) as ReturnType<typeof privateDecrypt>,
        )
    }
    prepare()
    const { cek } = await built.unwrap(envelope(format, wrappedCek, good))
    expect(cek).toEqual(new Uint8Array(32).fill(7))
    for (const [wrongCek, wrongIv] of [
      ['*', good],
      [wrappedCek, 'AAAA'],
      [Buffer.alloc(256, 0xff).toString('base64'), good],
    ] as const) {
      prepare()
      await expect(built.unwrap(envelope(format, wrongCek, wrongIv))).rejects.toStrictEqual(unwrapFailed())
    }
  })
})
