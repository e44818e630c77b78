import { CseError, decodeBase64, encodeBase64 } from '@oss-cse/crypto-core'
import { DERIVATIONS, deriveWrappingKey, type KeyDerivation, readDerivation } from './key-derivation.ts'
import {
  generateExtractableKey,
  unwrapMasterKey,
  WRAPPED_BYTES,
  wrapMasterKey,
} from './wrapped-master-key.ts'

/**
 * A master key that is wrapped under a passphrase: plain JSON, to keep on a server or in a file. Who has it can guess passphrases at
 * the cost of one derivation each.
 */
export interface PassphraseWrappedKey {
  readonly version: 1
  /** How the wrapping key follows from the passphrase. */
  readonly derivation: KeyDerivation
  /** 16 random bytes, in base64. */
  readonly salt: string
  /** The master key under AES-256-GCM, in base64. The tag also covers the fields above. */
  readonly wrappedKey: string
}

/** Options of {@link createPassphraseKey} and {@link changePassphrase}. */
export interface PassphraseKeyOptions {
  /**
   * How to derive the wrapping key. Default `'pbkdf2'`.
   *
   * - `'pbkdf2'`: PBKDF2 with SHA-256 and 600,000 iterations, by WebCrypto.
   * - `'argon2id'`: Argon2id with 64 MiB and 3 iterations, by `hash-wasm`, which is loaded only then. Guesses cost far more. The
   *   Content Security Policy must allow `'wasm-unsafe-eval'`.
   */
  readonly derivation?: 'pbkdf2' | 'argon2id' | undefined
}

/** What {@link createPassphraseKey} returns. */
export interface NewPassphraseKey {
  /** The master key, for {@link createWebAesProvider} and an {@link IndexedDbKeyStore}. No script can read it. */
  readonly key: CryptoKey
  /** The same key, wrapped. Store it where it survives: without it, the passphrase opens nothing. */
  readonly wrappedKey: PassphraseWrappedKey
}

const SALT_BYTES = 16

/**
 * Generates a random AES-256 master key and wraps it under a passphrase. The passphrase opens it on any device that has the wrapped
 * key, so this is also a backup of a key in IndexedDB.
 *
 * Take a long random passphrase. Two keys under the same passphrase have nothing in common.
 *
 * @param passphrase - 1 to 1024 bytes of UTF-8. It is brought to the Unicode form NFC
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if the passphrase or the derivation is not valid
 * @throws CseError `ERR_CSE_OPERATION_REFUSED` without WebCrypto
 *
 * @example
 * ```ts
 * const { key, wrappedKey } = await createPassphraseKey(passphrase)
 * await saveOnServer(JSON.stringify(wrappedKey))
 * const provider = await createWebAesProvider(key)
 * ```
 */
export async function createPassphraseKey(
  passphrase: string,
  options: PassphraseKeyOptions = {},
): Promise<NewPassphraseKey> {
  const wrappedKey = await wrapped(await generateExtractableKey(), passphrase, options)
  // The key comes from what was stored. So it is known to open.
  return { key: await keyFromPassphrase(wrappedKey, passphrase), wrappedKey }
}

/**
 * Opens a master key with its passphrase. No script can read the key.
 *
 * @param wrappedKey - what {@link createPassphraseKey} returned, such as parsed JSON
 * @throws CseError `ERR_CSE_PASSPHRASE`, always the same, if the passphrase is wrong or the wrapped key was altered
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if `wrappedKey` has another form, a weaker derivation than any that is written, or one
 * that takes too long; or if the passphrase is not valid
 * @throws CseError `ERR_CSE_OPERATION_REFUSED` without WebCrypto
 *
 * @example
 * ```ts
 * const key = await keyFromPassphrase(JSON.parse(stored), passphrase)
 * ```
 */
export async function keyFromPassphrase(
  wrappedKey: PassphraseWrappedKey,
  passphrase: string,
): Promise<CryptoKey> {
  return openPassphraseKey(wrappedKey, passphrase, false)
}

/**
 * Wraps the same master key under another passphrase. The objects stay as they are. The earlier wrapped key still opens with the
 * earlier passphrase, so delete it.
 *
 * @returns the new wrapped key, to store in place of the earlier one
 * @throws CseError as {@link keyFromPassphrase}
 *
 * @example
 * ```ts
 * const next = await changePassphrase(wrappedKey, passphrase, newPassphrase)
 * ```
 */
export async function changePassphrase(
  wrappedKey: PassphraseWrappedKey,
  passphrase: string,
  newPassphrase: string,
  options: PassphraseKeyOptions = {},
): Promise<PassphraseWrappedKey> {
  return wrapped(await openPassphraseKey(wrappedKey, passphrase, true), newPassphrase, options)
}

async function wrapped(
  masterKey: CryptoKey,
  passphrase: string,
  { derivation: kind = 'pbkdf2' }: PassphraseKeyOptions,
): Promise<PassphraseWrappedKey> {
  if (kind !== 'pbkdf2' && kind !== 'argon2id') {
    throw invalidArgument("The `derivation` option must be 'pbkdf2' or 'argon2id'.")
  }
  const derivation = DERIVATIONS[kind]
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES))
  const wrappingKey = await deriveWrappingKey(passphrase, salt, derivation)
  const saltText = encodeBase64(salt)
  const wrappedKey = await wrapMasterKey(masterKey, wrappingKey, boundText(derivation, saltText))
  return { version: 1, derivation, salt: saltText, wrappedKey }
}

/** Opens a master key. It is extractable only to wrap it again at once. */
export async function openPassphraseKey(
  record: PassphraseWrappedKey,
  passphrase: string,
  extractable: boolean,
): Promise<CryptoKey> {
  const { version, derivation: given, salt, wrappedKey } = record ?? {}
  const derivation = readDerivation(given)
  const saltBytes = bytesOf(salt, SALT_BYTES)
  if (
    version !== 1 ||
    derivation === undefined ||
    saltBytes === undefined ||
    !bytesOf(wrappedKey, WRAPPED_BYTES)
  ) {
    throw invalidArgument(
      'The wrapped key is not one that createPassphraseKey of this version returned. Pass the whole object, unchanged.',
    )
  }
  const wrappingKey = await deriveWrappingKey(passphrase, saltBytes, derivation)
  return unwrapMasterKey(wrappedKey, wrappingKey, boundText(derivation, salt), extractable)
}

/** What the tag covers beside the key. Its fields have a fixed order. */
function boundText(derivation: KeyDerivation, salt: string): string {
  const costs =
    derivation.name === 'Argon2id'
      ? [derivation.memoryKib, derivation.iterations, derivation.parallelism]
      : [derivation.iterations]
  return ['oss-cse passphrase key 1', derivation.name, ...costs, salt].join('\n')
}

function bytesOf(text: unknown, lengthBytes: number): Uint8Array<ArrayBuffer> | undefined {
  const bytes = typeof text === 'string' ? decodeBase64(text) : undefined
  return bytes?.length === lengthBytes ? Uint8Array.from(bytes) : undefined
}

function invalidArgument(message: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', message)
}
