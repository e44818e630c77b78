import { createWrappingProvider, type MasterKeyProvider } from '@oss-cse/crypto-core'
import { equalBytes, rsaIdentity } from '@oss-cse/crypto-core/internal'
import type { RsaPublicKey } from '@oss-cse/rsa-pkcs1'
import { checkCryptoKey } from './checked-crypto-key.ts'
import { invalidKey } from './invalid-key.ts'
import { readPublicKey } from './rsa-key-text.ts'
import { OAEP_SHA1 } from './rsa-keys.ts'
import { subtleCrypto } from './subtle-crypto.ts'
import type { WebKeyOptions } from './web-key-options.ts'

/** oss2 2.19 oss2/headers.py `RSA_NONE_OAEPWithSHA1AndMGF1Padding`. */
const WRAP_ALGORITHM = 'RSA/NONE/OAEPWithSHA-1AndMGF1Padding'
const PROBE_BYTES = 32

/**
 * Makes a provider of an RSA key pair whose private half WebCrypto holds. It wraps with OAEP (SHA-1). Of the other SDKs, only oss2's
 * `LocalRsaProvider` reads the objects; in oss-cse also that of `@oss-cse/provider-rsa`. Both read objects without a material
 * description only.
 *
 * @param keys - a pair for RSA-OAEP with SHA-1, of {@link generateWebRsaKeyPair} or {@link importWebRsaKeyPair}
 * @throws CseError `ERR_CSE_INVALID_KEY` if the keys are others, the private half is extractable, the public half is not, or the
 * halves do not match
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if the description is not a map of strings
 * @throws CseError `ERR_CSE_OPERATION_REFUSED` without WebCrypto
 *
 * @example
 * ```ts
 * const pair = await new IndexedDbKeyStore().getOrCreate('pair', generateWebRsaKeyPair)
 * const bucket = new CryptoBucket({ transport, provider: await createWebRsaProvider(pair) })
 * ```
 */
export async function createWebRsaProvider(
  keys: CryptoKeyPair,
  { materialDescription }: WebKeyOptions = {},
): Promise<MasterKeyProvider> {
  const { privateKey, publicKey } = keys ?? {}
  checkOaepKey(privateKey, 'The private key', 'private', 'decrypt')
  checkOaepKey(publicKey, 'The public key', 'public', 'encrypt')
  const { spki, sizeBytes } = await exportedKey(publicKey)
  await checkHalves(keys)
  return createWrappingProvider({
    wrapAlgorithm: WRAP_ALGORITHM,
    materialDescription,
    keyIdentity: rsaIdentity(spki),
    wrap: (bytes) => encrypt(publicKey, bytes),
    unwrap: (wrapped) => {
      // Some runtimes take a shorter ciphertext for a number.
      if (wrapped.length !== sizeBytes) throw invalidKey('Of another key.')
      return decrypt(privateKey, wrapped)
    },
  })
}

function checkOaepKey(key: CryptoKey, name: string, type: KeyType, usage: KeyUsage): void {
  checkCryptoKey(key, name, { type, algorithm: OAEP_SHA1.name, usages: [usage] })
  if ((key.algorithm as RsaHashedKeyAlgorithm).hash.name !== OAEP_SHA1.hash) {
    throw invalidKey(`${name} must be for RSA-OAEP with SHA-1: the format prescribes this hash.`)
  }
}

/** The public half, checked for its size and exponent. */
async function exportedKey(publicKey: CryptoKey): Promise<RsaPublicKey> {
  if (!publicKey.extractable) {
    throw invalidKey(
      'The public key is not extractable. Import it with `extractable: true`: it is no secret.',
    )
  }
  return readPublicKey(new Uint8Array(await subtleCrypto().exportKey('spki', publicKey)))
}

/** A pair whose halves do not match would encrypt what nobody can read. */
async function checkHalves({ privateKey, publicKey }: CryptoKeyPair): Promise<void> {
  const probe = crypto.getRandomValues(new Uint8Array(PROBE_BYTES))
  const encrypted = await encrypt(publicKey, probe)
  const decrypted = await decrypt(privateKey, encrypted).catch(() => new Uint8Array())
  if (!equalBytes(decrypted, probe)) {
    throw invalidKey('The private and the public key do not match. Pass the two halves of one pair.')
  }
}

async function encrypt(key: CryptoKey, bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await subtleCrypto().encrypt(OAEP_SHA1.name, key, bytes as Uint8Array<ArrayBuffer>))
}

async function decrypt(key: CryptoKey, bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await subtleCrypto().decrypt(OAEP_SHA1.name, key, bytes as Uint8Array<ArrayBuffer>))
}
