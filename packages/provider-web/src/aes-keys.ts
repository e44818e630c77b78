import { isUint8Array } from '@oss-cse/crypto-core/internal'
import { invalidKey } from './invalid-key.ts'
import { subtleCrypto } from './subtle-crypto.ts'

export const AES_KEY_BYTES = 32
export const AES_USAGES = ['encrypt', 'decrypt'] as const

/**
 * Generates an AES-256 master key that no script can read. Nobody can make a backup of it: if the browser deletes it, the objects are
 * lost. With {@link createPassphraseKey}, the key can also be opened by a passphrase.
 *
 * @throws CseError `ERR_CSE_OPERATION_REFUSED` without WebCrypto
 *
 * @example
 * ```ts
 * const key = await new IndexedDbKeyStore().getOrCreate('master', generateWebAesKey)
 * ```
 */
export async function generateWebAesKey(): Promise<CryptoKey> {
  return subtleCrypto().generateKey({ name: 'AES-GCM', length: 8 * AES_KEY_BYTES }, false, [...AES_USAGES])
}

/**
 * Imports an AES-256 master key. After that no script can read it. Overwrite your own copy.
 *
 * @param bytes - 32 random bytes, never a passphrase. They are not changed.
 * @throws CseError `ERR_CSE_INVALID_KEY` if it is not 32 bytes; `ERR_CSE_OPERATION_REFUSED` without WebCrypto
 *
 * @example
 * ```ts
 * const key = await importWebAesKey(bytes)
 * bytes.fill(0)
 * ```
 */
export async function importWebAesKey(bytes: Uint8Array): Promise<CryptoKey> {
  if (!isUint8Array(bytes) || bytes.length !== AES_KEY_BYTES) {
    throw invalidKey(`An AES master key is a Uint8Array of ${AES_KEY_BYTES} bytes.`)
  }
  const data = bytes as Uint8Array<ArrayBuffer>
  return subtleCrypto().importKey('raw', data, 'AES-GCM', false, [...AES_USAGES])
}
