import { createWrappingProvider, type MasterKeyProvider } from '@oss-cse/crypto-core'
import { rsaIdentity } from '@oss-cse/crypto-core/internal'
import { encryptPkcs1 } from '@oss-cse/rsa-pkcs1'
import { readPublicKey } from './rsa-key-text.ts'
import type { WebKeyOptions } from './web-key-options.ts'

/** Options of {@link createWebRsaPublicProvider}. */
export interface WebRsaPublicOptions extends WebKeyOptions {
  /** An RSA public key of 2,048 to 8,192 bits: PEM with one block, `PUBLIC KEY` or `RSA PUBLIC KEY`, or the DER of SPKI. */
  readonly publicKey: string | Uint8Array
}

/**
 * Makes a provider of an RSA public key, which encrypts and cannot decrypt. Each official SDK reads the objects, with the private key
 * (`RSA/NONE/PKCS1Padding`). In oss-cse, `RsaProvider` of `@oss-cse/provider-rsa` reads them.
 *
 * @throws CseError `ERR_CSE_INVALID_KEY` if `publicKey` is not a usable RSA public key
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if the description is not a map of strings
 *
 * @example
 * ```ts
 * const bucket = new CryptoBucket({ transport, provider: createWebRsaPublicProvider({ publicKey }) })
 * ```
 */
export function createWebRsaPublicProvider(options: WebRsaPublicOptions): MasterKeyProvider {
  const key = readPublicKey(options.publicKey)
  return createWrappingProvider({
    wrapAlgorithm: 'RSA/NONE/PKCS1Padding',
    materialDescription: options.materialDescription,
    keyIdentity: rsaIdentity(key.spki),
    wrap: (bytes) => encryptPkcs1(key, bytes),
  })
}
