import { createWrappingProvider, type MasterKeyProvider } from '@oss-cse/crypto-core'
import { digestEngine } from '@oss-cse/crypto-core/digest-engine'
import { encodeHex } from '@oss-cse/crypto-core/internal'
import { NONCE_BYTES, openBytes, sealBytes } from './aes-gcm.ts'
import { AES_KEY_BYTES, AES_USAGES } from './aes-keys.ts'
import { checkCryptoKey } from './checked-crypto-key.ts'
import { invalidKey } from './invalid-key.ts'
import { subtleCrypto } from './subtle-crypto.ts'
import type { WebKeyOptions } from './web-key-options.ts'

/** A name of our own: no other SDK reads these objects. */
const WRAP_ALGORITHM = 'OSS-CSE/AES-256-GCM'

/**
 * Makes a provider of an AES-256-GCM master key that WebCrypto holds. Only oss-cse reads the objects. The two wrapped values of an
 * envelope cannot be exchanged, because each is bound to the name of its field. Use one key for at most 2^31 objects: its nonces
 * are random.
 *
 * The identity of the key (`aes:` and 64 hex digits) follows from the key. It does not reveal it.
 *
 * @param key - a key of AES-GCM with 256 bits that is not extractable, with the usages `encrypt` and `decrypt`
 * @throws CseError `ERR_CSE_INVALID_KEY` if the key is another one
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if the description is not a map of strings
 * @throws CseError `ERR_CSE_OPERATION_REFUSED` without WebCrypto
 *
 * @example
 * ```ts
 * const key = await new IndexedDbKeyStore().getOrCreate('master', generateWebAesKey)
 * const bucket = new CryptoBucket({ transport, provider: await createWebAesProvider(key) })
 * ```
 */
export async function createWebAesProvider(
  key: CryptoKey,
  { materialDescription }: WebKeyOptions = {},
): Promise<MasterKeyProvider> {
  checkCryptoKey(key, 'The master key', { type: 'secret', algorithm: 'AES-GCM', usages: AES_USAGES })
  if ((key.algorithm as AesKeyAlgorithm).length !== 8 * AES_KEY_BYTES) {
    throw invalidKey('The master key must have 256 bits.')
  }
  return createWrappingProvider({
    wrapAlgorithm: WRAP_ALGORITHM,
    materialDescription,
    keyIdentity: await identityOf(key),
    wrap: (bytes, { field }) => sealBytes(key, bytes, field),
    unwrap: (wrapped, { field }) => openBytes(key, wrapped, field),
  })
}

/**
 * Two blocks of keystream stand for the key. A hash hides them, and no two keys share them. The nonce is zero, which a random nonce
 * is by chance once in 2^96 times.
 */
async function identityOf(key: CryptoKey): Promise<string> {
  const algorithm = { name: 'AES-GCM', iv: new Uint8Array(NONCE_BYTES) }
  const sealed = await subtleCrypto().encrypt(algorithm, key, new Uint8Array(AES_KEY_BYTES))
  return `aes:${encodeHex(digestEngine.sha256(new Uint8Array(sealed, 0, AES_KEY_BYTES)))}`
}
