import { describe, expect, test } from 'vitest'
import { createWebAesProvider } from './aes-provider.ts'
import {
  changePassphrase,
  createPassphraseKey,
  keyFromPassphrase,
  type PassphraseWrappedKey,
} from './passphrase-key.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const identityOf = async (key: CryptoKey) => (await createWebAesProvider(key)).keyIdentity

const PASSPHRASE = 'Ein längerer Satz 🔑'
const { key, wrappedKey } = await createPassphraseKey(PASSPHRASE)

const flip = (text: string, at: number) =>
  `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`

describe('a passphrase', () => {
  test('opens the key from JSON, and no script can read it', async () => {
    const opened = await keyFromPassphrase(JSON.parse(JSON.stringify(wrappedKey)), PASSPHRASE)
    expect(await identityOf(opened)).toBe(await identityOf(key))
    expect([key.extractable, opened.extractable]).toEqual([false, false])
  })

  test('opens the key in each form of its letters', async () => {
    const decomposed = PASSPHRASE.normalize('NFD')
    expect(decomposed).not.toBe(PASSPHRASE)
    expect(await identityOf(await keyFromPassphrase(wrappedKey, decomposed))).toBe(await identityOf(key))
  })

  test('that is wrong, and a wrapped key that was altered, have one error without detail', async () => {
    const { salt, wrappedKey: wrapped, derivation } = wrappedKey
    const altered: readonly (readonly [PassphraseWrappedKey, string])[] = [
      [wrappedKey, `${PASSPHRASE} `],
      [{ ...wrappedKey, salt: flip(salt, 0) }, PASSPHRASE],
      [{ ...wrappedKey, wrappedKey: flip(wrapped, 0) }, PASSPHRASE],
      [{ ...wrappedKey, wrappedKey: flip(wrapped, 30) }, PASSPHRASE],
      [
        { ...wrappedKey, derivation: { ...derivation, iterations: 600_001 } as typeof derivation },
        PASSPHRASE,
      ],
    ]
    const errors = await Promise.all(
      altered.map(([record, text]) => keyFromPassphrase(record, text).catch((error: unknown) => error)),
    )
    for (const error of errors) expect(error).toEqual(code('ERR_CSE_PASSPHRASE'))
    expect(new Set(errors.map((error) => (error as Error).message)).size).toBe(1)
    expect(errors.every((error) => (error as Error).cause === undefined)).toBe(true)
  })

  test('makes another key and another salt each time', async () => {
    const other = await createPassphraseKey(PASSPHRASE)
    expect(other.wrappedKey.salt).not.toBe(wrappedKey.salt)
    expect(await identityOf(other.key)).not.toBe(await identityOf(key))
  })

  test('can be changed, also to Argon2id, for the same key', async () => {
    const changed = await changePassphrase(wrappedKey, PASSPHRASE, 'another', { derivation: 'argon2id' })
    expect(changed.derivation).toEqual({
      name: 'Argon2id',
      memoryKib: 65_536,
      iterations: 3,
      parallelism: 1,
    })
    expect(await identityOf(await keyFromPassphrase(changed, 'another'))).toBe(await identityOf(key))
    await expect(keyFromPassphrase(changed, PASSPHRASE)).rejects.toEqual(code('ERR_CSE_PASSPHRASE'))
  })

  test.each([undefined, 7, '', 'a\ud800', 'a'.repeat(1025), 'ü'.repeat(513)])(
    'is a text of 1 to 1024 bytes, and not %j',
    async (passphrase) => {
      const refused = code('ERR_CSE_INVALID_ARGUMENT')
      await expect(createPassphraseKey(passphrase as string)).rejects.toEqual(refused)
      await expect(keyFromPassphrase(wrappedKey, passphrase as string)).rejects.toEqual(refused)
    },
  )
})

test.each([
  undefined,
  null,
  {},
  { ...wrappedKey, version: 2 },
  { ...wrappedKey, salt: 'AAAA' },
  { ...wrappedKey, wrappedKey: 'AAAA' },
  { ...wrappedKey, wrappedKey: 7 },
  { ...wrappedKey, derivation: undefined },
  { ...wrappedKey, derivation: { name: 'scrypt', iterations: 600_000 } },
  { ...wrappedKey, derivation: { name: 'PBKDF2-SHA-256', iterations: 599_999 } },
  { ...wrappedKey, derivation: { name: 'PBKDF2-SHA-256', iterations: 10_000_001 } },
  { ...wrappedKey, derivation: { name: 'Argon2id', memoryKib: 1024, iterations: 3, parallelism: 1 } },
  { ...wrappedKey, derivation: { name: 'Argon2id', memoryKib: 2_000_000, iterations: 3, parallelism: 1 } },
  { ...wrappedKey, derivation: { name: 'Argon2id', memoryKib: 65_536, iterations: 99, parallelism: 1 } },
])('a record of another form or cost is refused before anything is derived (%#)', async (record) => {
  await expect(keyFromPassphrase(record as PassphraseWrappedKey, PASSPHRASE)).rejects.toEqual(
    code('ERR_CSE_INVALID_ARGUMENT'),
  )
})

test('a derivation that does not exist is refused', async () => {
  const derivation = 'scrypt' as 'pbkdf2'
  await expect(createPassphraseKey('a', { derivation })).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
})
