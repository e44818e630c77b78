import { generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import { CseError } from '@oss-cse/crypto-core'
import { MAX_MODULUS_BITS } from './rsa-key.ts'

/**
 * Options of {@link generateRsaKeyPair}.
 *
 * @example
 * ```ts
 * const options: RsaKeyPairOptions = { bits: 4096, passphrase: 'correct horse battery staple' }
 * ```
 */
export interface RsaKeyPairOptions {
  /** The size of the key in bits: a multiple of 8 from 2048 to 16384. Default 3072. */
  readonly bits?: number | undefined
  /**
   * The passphrase that encrypts the private key (AES-256-CBC): 1 to 1024 bytes of UTF-8. Without it, the private key
   * is in plaintext.
   */
  readonly passphrase?: string | undefined
}

/**
 * A new key pair as PEM text.
 *
 * @example
 * ```ts
 * const { privateKey, publicKey }: RsaKeyPair = await generateRsaKeyPair()
 * ```
 */
export interface RsaKeyPair {
  /** The private key, PKCS#8: `ENCRYPTED PRIVATE KEY` if you passed a passphrase, else `PRIVATE KEY`. */
  readonly privateKey: string
  /** The public key, SPKI: `PUBLIC KEY`. */
  readonly publicKey: string
}

const MIN_NEW_BITS = 2048
const DEFAULT_BITS = 3072
/** OpenSSL cannot read a key with a longer passphrase. */
const MAX_PASSPHRASE_BYTES = 1024

/**
 * Generates an RSA key pair on a separate thread. It does not store the pair. If you lose the private key, you lose
 * every object that the pair encrypted.
 *
 * @param options - the size in bits, and a passphrase
 * @returns both keys as PEM text
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if the size or the passphrase is out of range
 *
 * @example
 * ```ts
 * const { privateKey, publicKey } = await generateRsaKeyPair({ passphrase })
 * await writeFile('master.pem', privateKey, { mode: 0o600, flag: 'wx' })
 * ```
 */
export async function generateRsaKeyPair(options: RsaKeyPairOptions = {}): Promise<RsaKeyPair> {
  const { bits = DEFAULT_BITS, passphrase } = options
  if (!Number.isInteger(bits) || bits < MIN_NEW_BITS || bits > MAX_MODULUS_BITS || bits % 8 !== 0) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      `The \`bits\` option must be a multiple of 8 from ${MIN_NEW_BITS} to ${MAX_MODULUS_BITS}.`,
    )
  }
  if (passphrase !== undefined && !isPassphrase(passphrase)) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      `The \`passphrase\` option must be a string of 1 to ${MAX_PASSPHRASE_BYTES} bytes. Omit it to write the key in plaintext.`,
    )
  }
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: bits,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: {
      type: 'pkcs8',
      format: 'pem',
      ...(passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }),
    },
  })
  return { privateKey, publicKey }
}

function isPassphrase(value: unknown): boolean {
  if (typeof value !== 'string') return false
  const { length } = new TextEncoder().encode(value)
  return length >= 1 && length <= MAX_PASSPHRASE_BYTES
}
