import { constants, KeyObject, privateDecrypt, publicEncrypt } from 'node:crypto'
import { unwrapFailed } from '@oss-cse/crypto-core'
import { beforeEach, expect, test, vi } from 'vitest'
import { envelope, makeRsaKeys, privatePem } from '../test/support/keys.ts'
import { RsaProvider } from './rsa-provider.ts'

vi.mock('node:crypto', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:crypto')>()
  return { ...original, privateDecrypt: vi.fn(original.privateDecrypt) }
})

const decrypt = vi.mocked(privateDecrypt)
const keys = makeRsaKeys(2048)
const provider = new RsaProvider({ privateKey: privatePem(keys.privateKey) })
const wrap = (bytes: Uint8Array): string =>
  publicEncrypt({ key: keys.publicKey, padding: constants.RSA_PKCS1_PADDING }, bytes).toString('base64')
const wrappedCek = wrap(new Uint8Array(32).fill(1))
const wrappedIv = wrap(new Uint8Array(16).fill(2))

beforeEach(() => {
  decrypt.mockClear()
})

/** The decrypted blocks of the last call, as they look now. */
function blocks(): readonly Uint8Array[] {
  return decrypt.mock.results.filter(({ type }) => type === 'return').map(({ value }) => value as Uint8Array)
}

test.each([
  ['of nothing wrong', wrappedCek, wrappedIv],
  ['of malformed base64', '*', '*'],
  ['of malformed base64 in one header', wrappedCek, 'AAA'],
  ['of a wrong length', 'AAAA', wrappedIv],
  ['of numbers out of range', Buffer.alloc(256, 0xff).toString('base64'), wrappedIv],
  ['of wrong padding', Buffer.alloc(256, 0x11).toString('base64'), wrappedIv],
  ['of wrong message lengths', wrappedIv, wrappedCek],
])(
  'an unwrap does two RSA operations on full-sized inputs and wipes the blocks, in the case %s',
  async (_case, cek, iv) => {
    await provider.unwrap(envelope(cek, iv)).catch(() => {})
    expect(decrypt).toHaveBeenCalledTimes(2)
    for (const [, ciphertext] of decrypt.mock.calls) expect((ciphertext as Uint8Array).length).toBe(256)
    expect(blocks().every((block) => block.length === 256 && block.every((byte) => byte === 0))).toBe(true)
  },
)

test('the private key is parsed once, when the provider is built, and not by an unwrap', async () => {
  const built = new RsaProvider({ privateKey: privatePem(keys.privateKey) })
  decrypt.mockClear()
  await built.unwrap(envelope(wrappedCek, wrappedIv))
  await built.unwrap(envelope(wrappedCek, wrappedIv))
  const used = new Set(decrypt.mock.calls.map(([options]) => (options as { key: unknown }).key))
  expect([...used]).toEqual([expect.any(KeyObject)])
})

test.each([1, 2, 4])(
  'if OpenSSL throws (%i times), the work is done on a dummy, and the same error is thrown',
  async (times) => {
    for (let i = 0; i < times; i++) {
      decrypt.mockImplementationOnce(() => {
        throw new Error('error:0200006E:rsa routines::internal')
      })
    }
    await expect(provider.unwrap(envelope(wrappedCek, wrappedIv))).rejects.toStrictEqual(unwrapFailed())
    expect(decrypt.mock.calls.length).toBe(2 + Math.ceil(times / 2))
  },
)

test('the result of a dummy is never used as the content key, even if it is well-formed', async () => {
  const block = (length: number): ReturnType<typeof privateDecrypt> => {
    const bytes = Buffer.alloc(256, 7)
    bytes.set([0, 2])
    bytes[255 - length] = 0
    return bytes
  }
  const answer = (): void => {
    decrypt.mockReset()
    decrypt.mockReturnValueOnce(block(32)).mockReturnValueOnce(block(16))
  }
  answer()
  expect((await provider.unwrap(envelope(wrappedCek, wrappedIv))).cek).toEqual(new Uint8Array(32).fill(7))
  for (const [cek, iv] of [
    ['*', wrappedIv],
    [wrappedCek, 'AAAA'],
    [Buffer.alloc(256, 0xff).toString('base64'), wrappedIv],
  ] as const) {
    answer()
    await expect(provider.unwrap(envelope(cek, iv))).rejects.toStrictEqual(unwrapFailed())
  }
  decrypt.mockReset()
  decrypt.mockImplementationOnce(() => {
    throw new Error('internal')
  })
  decrypt.mockReturnValueOnce(block(32)).mockReturnValueOnce(block(16))
  await expect(provider.unwrap(envelope(wrappedCek, wrappedIv))).rejects.toStrictEqual(unwrapFailed())
})
