import { CseError, wipe } from '@oss-cse/crypto-core'
import { invalidKey } from './invalid-key.ts'
import { pkcs8OfPem, readPublicKey } from './rsa-key-text.ts'
import { subtleCrypto } from './subtle-crypto.ts'

/** The parameters of oss2's LocalRsaProvider. SHA-1 for MGF1 follows from the hash. */
export const OAEP_SHA1 = { name: 'RSA-OAEP', hash: 'SHA-1' } as const
const DEFAULT_BITS = 3072
const MIN_BITS = 2048
const MAX_BITS = 8192
/** Chromium rounds other sizes down. */
const BITS_STEP = 128

/** Options of {@link generateWebRsaKeyPair}. */
export interface WebRsaKeyPairOptions {
  /** The size of the key in bits: a multiple of 128 from 2048 to 8192. Default 3072. */
  readonly bits?: number | undefined
}

/**
 * A key pair to import. As PEM: both halves, `PRIVATE KEY` (PKCS#8) and `PUBLIC KEY` (SPKI) or `RSA PUBLIC KEY`. As JWK: the private
 * key, which contains the public half.
 */
export type WebRsaKeySource =
  | { readonly privateKey: string; readonly publicKey: string }
  | { readonly jwk: JsonWebKey }

/**
 * Generates an RSA key pair whose private half no script can read. Nobody can make a backup of it: if the browser deletes it, the
 * objects are lost. To have a backup, generate a pair elsewhere and import it.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if the size is out of range; `ERR_CSE_OPERATION_REFUSED` without WebCrypto
 *
 * @example
 * ```ts
 * const pair = await new IndexedDbKeyStore().getOrCreate('pair', generateWebRsaKeyPair)
 * ```
 */
export async function generateWebRsaKeyPair(options: WebRsaKeyPairOptions = {}): Promise<CryptoKeyPair> {
  const { bits = DEFAULT_BITS } = options
  if (!Number.isInteger(bits) || bits < MIN_BITS || bits > MAX_BITS || bits % BITS_STEP !== 0) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      `The \`bits\` option must be a multiple of ${BITS_STEP} from ${MIN_BITS} to ${MAX_BITS}.`,
    )
  }
  const algorithm = { ...OAEP_SHA1, modulusLength: bits, publicExponent: Uint8Array.of(1, 0, 1) }
  return subtleCrypto().generateKey(algorithm, false, ['encrypt', 'decrypt'])
}

/**
 * Imports an RSA key pair. After that no script can read its private half. The text that you pass stays in memory until the runtime
 * frees it, so import a key once and keep the result in an {@link IndexedDbKeyStore}.
 *
 * @throws CseError `ERR_CSE_INVALID_KEY` if a half cannot be read, or is not RSA of 2,048 to 8,192 bits with the exponent 65,537
 * @throws CseError `ERR_CSE_OPERATION_REFUSED` without WebCrypto
 *
 * @example
 * ```ts
 * const pair = await importWebRsaKeyPair({ privateKey, publicKey }) // PEM
 * ```
 */
export async function importWebRsaKeyPair(source: WebRsaKeySource): Promise<CryptoKeyPair> {
  return 'jwk' in source ? importJwk(source.jwk) : importPem(source.privateKey, source.publicKey)
}

async function importPem(privatePem: string, publicPem: string): Promise<CryptoKeyPair> {
  const { spki } = readPublicKey(publicPem)
  const der = pkcs8OfPem(privatePem)
  try {
    return await imported(async (subtle) => ({
      privateKey: await subtle.importKey('pkcs8', der as Uint8Array<ArrayBuffer>, OAEP_SHA1, false, [
        'decrypt',
      ]),
      publicKey: await subtle.importKey('spki', spki, OAEP_SHA1, true, ['encrypt']),
    }))
  } finally {
    wipe(der)
  }
}

async function importJwk(jwk: JsonWebKey): Promise<CryptoKeyPair> {
  const { kty, n, e, d, p, q, dp, dq, qi } = jwk ?? {}
  if (kty !== 'RSA' || d === undefined) throw invalidKey('`jwk` must be an RSA private key.')
  // Without `alg`, `use` and `key_ops`: they may name a use of before, which WebCrypto compares.
  const half = { kty, n, e } as JsonWebKey
  return imported(async (subtle) => ({
    privateKey: await subtle.importKey(
      'jwk',
      { ...half, d, p, q, dp, dq, qi } as JsonWebKey,
      OAEP_SHA1,
      false,
      ['decrypt'],
    ),
    publicKey: await subtle.importKey('jwk', half, OAEP_SHA1, true, ['encrypt']),
  }))
}

async function imported(work: (subtle: SubtleCrypto) => Promise<CryptoKeyPair>): Promise<CryptoKeyPair> {
  const subtle = subtleCrypto()
  try {
    return await work(subtle)
  } catch {
    // Not the cause: it may describe the private key.
    throw invalidKey('The RSA key pair cannot be imported: it is damaged, or not RSA. Copy it again.')
  }
}
