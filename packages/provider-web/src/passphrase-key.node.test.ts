import * as nodeCrypto from 'node:crypto'
import { expect, test } from 'vitest'
import { importWebAesKey } from './aes-keys.ts'
import { createWebAesProvider } from './aes-provider.ts'
import { createPassphraseKey, type PassphraseWrappedKey } from './passphrase-key.ts'

const PASSPHRASE = 'correct horse battery staple'

/** Opens a record as the README describes it, with OpenSSL alone. */
function openedByOpenssl({ derivation, salt, wrappedKey }: PassphraseWrappedKey): Uint8Array {
  const saltBytes = Buffer.from(salt, 'base64')
  const [key, costs] =
    derivation.name === 'Argon2id'
      ? [
          nodeCrypto.argon2Sync('argon2id', {
            message: PASSPHRASE,
            nonce: saltBytes,
            memory: derivation.memoryKib,
            passes: derivation.iterations,
            parallelism: derivation.parallelism,
            tagLength: 32,
          }),
          [derivation.memoryKib, derivation.iterations, derivation.parallelism],
        ]
      : [
          nodeCrypto.pbkdf2Sync(PASSPHRASE, saltBytes, derivation.iterations, 32, 'sha256'),
          [derivation.iterations],
        ]
  const sealed = Buffer.from(wrappedKey, 'base64')
  const decipher = nodeCrypto.createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12))
  decipher.setAAD(Buffer.from(['oss-cse passphrase key 1', derivation.name, ...costs, salt].join('\n')))
  decipher.setAuthTag(sealed.subarray(-16))
  return Uint8Array.from(Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]))
}

test.each(['pbkdf2', 'argon2id'] as const)('OpenSSL opens a key under %s', async (derivation) => {
  const { key, wrappedKey } = await createPassphraseKey(PASSPHRASE, { derivation })
  const same = await createWebAesProvider(await importWebAesKey(openedByOpenssl(wrappedKey)))
  expect(same.keyIdentity).toBe((await createWebAesProvider(key)).keyIdentity)
})
