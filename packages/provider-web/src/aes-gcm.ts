import { concatBytes } from '@oss-cse/crypto-core'
import { subtleCrypto } from './subtle-crypto.ts'

export const NONCE_BYTES = 12

/** Encrypts with AES-GCM under a random nonce, which stands in front. */
export async function sealBytes(
  key: CryptoKey,
  bytes: Uint8Array,
  additionalData: string,
): Promise<Uint8Array> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
  const sealed = await subtleCrypto().encrypt(
    gcmParameters(nonce, additionalData),
    key,
    bytes as Uint8Array<ArrayBuffer>,
  )
  return concatBytes([nonce, new Uint8Array(sealed)])
}

/**
 * Decrypts what {@link sealBytes} returned.
 *
 * @throws if the key or the additional data are others, or the bytes were altered
 */
export async function openBytes(
  key: CryptoKey,
  sealed: Uint8Array,
  additionalData: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const algorithm = gcmParameters(sealed.slice(0, NONCE_BYTES), additionalData)
  return new Uint8Array(await subtleCrypto().decrypt(algorithm, key, sealed.slice(NONCE_BYTES)))
}

/** The parameters of AES-GCM. */
export function gcmParameters(nonce: Uint8Array, additionalData: string): AesGcmParams {
  return {
    name: 'AES-GCM',
    iv: nonce as Uint8Array<ArrayBuffer>,
    additionalData: new TextEncoder().encode(additionalData),
  }
}
