import { decodeBase64 } from '@oss-cse/crypto-core'
import { isUint8Array } from '@oss-cse/crypto-core/internal'
import { parseRsaPublicKey, type RsaPublicKey } from '@oss-cse/rsa-pkcs1'
import { invalidKey } from './invalid-key.ts'

const PKCS8 = /^-----BEGIN PRIVATE KEY-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END PRIVATE KEY-----$/

/** Reads PEM or the DER of SPKI. */
export function readPublicKey(publicKey: string | Uint8Array): RsaPublicKey {
  if (typeof publicKey !== 'string' && !isUint8Array(publicKey)) {
    throw invalidKey('`publicKey` must be PEM text, or the DER of SPKI as a Uint8Array.')
  }
  try {
    return parseRsaPublicKey(publicKey)
  } catch (error) {
    throw invalidKey(`\`publicKey\`: ${(error as Error).message}`)
  }
}

/** Returns the DER of PKCS#8. WebCrypto reads nothing else. The caller overwrites it. */
export function pkcs8OfPem(privateKey: string): Uint8Array {
  const [, base64 = ''] = (typeof privateKey === 'string' && PKCS8.exec(privateKey.trim())) || []
  const der = decodeBase64(base64.replaceAll(/[\r\n]/g, ''))
  if (der !== undefined && der.length > 0) return der
  throw invalidKey(
    '`privateKey` must be PEM with one block PRIVATE KEY, in plaintext (PKCS#8). To convert another form: `openssl pkcs8 -topk8 -nocrypt`.',
  )
}
