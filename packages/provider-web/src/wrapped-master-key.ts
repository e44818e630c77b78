import { CseError, concatBytes, decodeBase64, encodeBase64 } from '@oss-cse/crypto-core'
import { gcmParameters, NONCE_BYTES } from './aes-gcm.ts'
import { AES_KEY_BYTES, AES_USAGES } from './aes-keys.ts'
import { subtleCrypto } from './subtle-crypto.ts'

/** The nonce, the key, and the tag of 16 bytes. */
export const WRAPPED_BYTES: number = NONCE_BYTES + AES_KEY_BYTES + 16
const ALGORITHM = { name: 'AES-GCM', length: 8 * AES_KEY_BYTES } as const

/** Generates a master key that can be wrapped. Its bytes never reach the script. */
export async function generateExtractableKey(): Promise<CryptoKey> {
  return subtleCrypto().generateKey(ALGORITHM, true, [...AES_USAGES])
}

/**
 * Wraps a master key with AES-GCM under a random nonce, which stands in front.
 *
 * @returns base64
 */
export async function wrapMasterKey(
  masterKey: CryptoKey,
  wrappingKey: CryptoKey,
  additionalData: string,
): Promise<string> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
  const parameters = gcmParameters(nonce, additionalData)
  const wrapped = await subtleCrypto().wrapKey('raw', masterKey, wrappingKey, parameters)
  return encodeBase64(concatBytes([nonce, new Uint8Array(wrapped)]))
}

/**
 * Unwraps a master key.
 *
 * @param extractable - true only to wrap it again at once
 * @throws CseError `ERR_CSE_PASSPHRASE`, always the same, if the wrapping key is another one or anything was altered
 */
export async function unwrapMasterKey(
  wrapped: string,
  wrappingKey: CryptoKey,
  additionalData: string,
  extractable = false,
): Promise<CryptoKey> {
  const bytes = Uint8Array.from(decodeBase64(wrapped) ?? [])
  const parameters = gcmParameters(bytes.slice(0, NONCE_BYTES), additionalData)
  try {
    const key = await subtleCrypto().unwrapKey(
      'raw',
      bytes.slice(NONCE_BYTES),
      wrappingKey,
      parameters,
      ALGORITHM.name,
      extractable,
      [...AES_USAGES],
    )
    if ((key.algorithm as AesKeyAlgorithm).length === ALGORITHM.length) return key
  } catch {
    // One error for all of it, without a cause.
  }
  throw new CseError(
    'ERR_CSE_PASSPHRASE',
    'The master key could not be opened: the passphrase or passkey is wrong, or the wrapped key was altered.',
  )
}
