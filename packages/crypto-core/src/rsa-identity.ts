import { digestEngine } from '@oss-cse/crypto-core/digest-engine'
import { encodeHex } from './bytes.ts'

/**
 * Returns the `keyIdentity` of an RSA key: `rsa:` and the SHA-256 of its public half in hex. Providers with different paddings state
 * the same identity for one key.
 *
 * @param spki - the public key as `SubjectPublicKeyInfo` in DER
 */
export function rsaIdentity(spki: Uint8Array): string {
  return `rsa:${encodeHex(digestEngine.sha256(spki))}`
}
