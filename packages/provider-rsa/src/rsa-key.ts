import {
  constants,
  createPublicKey,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomFillSync,
} from 'node:crypto'
import { CseError, wipe } from '@oss-cse/crypto-core'
import { rsaIdentity } from '@oss-cse/crypto-core/internal'
import { KEY_OPTIONS, type KeyData, type KeyPlaces } from './key-place.ts'
import { type Passphrase, readPrivateKey, readPublicKey } from './pem.ts'
import { invalidKey } from './pem-block.ts'

/** A checked key: it is RSA, its size is usable, and its halves match. */
export interface RsaKey {
  readonly publicKey: KeyObject
  /** Absent if the source has only the public half. */
  readonly privateKey?: KeyObject
  /** The modulus, big-endian, without leading zeros. Each ciphertext has its length. */
  readonly modulus: Uint8Array
  readonly modulusBits: number
  /** `rsa:` and the SHA-256 of the public half (SPKI) in hex: the same for each padding. */
  readonly identity: string
}

/** The source of a key. At least one half is required. */
export interface RsaKeySource {
  readonly privateKey: KeyData | undefined
  readonly publicKey: KeyData | undefined
  readonly passphrase: Passphrase | undefined
}

const MIN_MODULUS_BITS = 1024
/** The largest modulus that OpenSSL supports. */
export const MAX_MODULUS_BITS = 16_384

/**
 * Reads and checks a key pair, or one half of it.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`, `ERR_CSE_INVALID_KEY`, `ERR_CSE_PASSPHRASE`
 */
export function loadRsaKey(
  source: RsaKeySource & { readonly privateKey: KeyData },
  places?: KeyPlaces,
): Required<RsaKey>
export function loadRsaKey(source: RsaKeySource, places?: KeyPlaces): RsaKey
export function loadRsaKey(source: RsaKeySource, places: KeyPlaces = KEY_OPTIONS): RsaKey {
  const privateKey =
    source.privateKey === undefined
      ? undefined
      : readPrivateKey(source.privateKey, source.passphrase, places.privateKey)
  const given = source.publicKey === undefined ? undefined : readPublicKey(source.publicKey, places.publicKey)
  const publicKey = privateKey === undefined ? given : createPublicKey(privateKey)
  if (publicKey === undefined) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      'An RSA provider needs a key: pass the PEM text in `privateKey`, or in `publicKey` to encrypt only.',
    )
  }
  if (given !== undefined && !given.equals(publicKey)) {
    throw invalidKey(
      `The keys in ${places.privateKey.name} and ${places.publicKey.name} do not match: one cannot decrypt what the other encrypts. ${places.whenNoPair}`,
    )
  }
  const modulusBits = checkParameters(publicKey)
  const modulus = Uint8Array.from(Buffer.from(publicKey.export({ format: 'jwk' }).n ?? '', 'base64url'))
  checkArithmetic(publicKey, privateKey, modulus.length)
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const identity = rsaIdentity(spki)
  return { publicKey, modulus, modulusBits, identity, ...(privateKey === undefined ? {} : { privateKey }) }
}

/** Returns random bytes that, as a number, are smaller than any modulus of that many bytes. */
export function randomBelowModulus(lengthBytes: number): Uint8Array {
  const bytes = randomFillSync(new Uint8Array(lengthBytes))
  bytes[0] = 0
  return bytes
}

function checkParameters(publicKey: KeyObject): number {
  const { modulusLength = 0, publicExponent = 0n } = publicKey.asymmetricKeyDetails ?? {}
  if (modulusLength < MIN_MODULUS_BITS || modulusLength > MAX_MODULUS_BITS) {
    throw invalidKey(
      `The RSA key has ${modulusLength} bits. It must have ${MIN_MODULUS_BITS} to ${MAX_MODULUS_BITS}; 3072 are recommended.`,
    )
  }
  // OpenSSL accepts an exponent of 1, which leaves the content key readable to everyone.
  if (publicExponent < 3n || publicExponent % 2n === 0n) {
    throw invalidKey('The RSA key has a public exponent that does not encrypt. Generate a new key.')
  }
  return modulusLength
}

/** Encrypts and decrypts one block: a damaged key must be found before it encrypts anything. */
function checkArithmetic(publicKey: KeyObject, privateKey: KeyObject | undefined, lengthBytes: number): void {
  const probe = randomBelowModulus(lengthBytes)
  let returned: Uint8Array = probe
  try {
    const encrypted = publicEncrypt({ key: publicKey, padding: constants.RSA_NO_PADDING }, probe)
    if (privateKey !== undefined) {
      returned = privateDecrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, encrypted)
    }
  } catch {
    returned = new Uint8Array()
  }
  const same = Buffer.compare(probe, returned) === 0
  wipe(probe, returned)
  if (!same) {
    throw invalidKey(
      'The RSA key cannot be used: it does not decrypt what it encrypts. Either it is damaged (copy it again), or it has unusual parameters (generate a new one).',
    )
  }
}
