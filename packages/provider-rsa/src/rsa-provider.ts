import { randomFillSync } from 'node:crypto'
import { inspect } from 'node:util'
import {
  type CallOptions,
  type ContentKey,
  CseError,
  checkContentKey,
  type Envelope,
  type GeneratedContentKey,
  type MasterKeyProvider,
  type MaterialDescription,
  type WrappedContentKey,
} from '@oss-cse/crypto-core'
import { CEK_BYTES, checkedDescription } from '@oss-cse/crypto-core/internal'
import { checkIv, checkKeys, checkOnWarning, checkTexts, invalidArgument } from './checked-options.ts'
import type { UnwrapRequest } from './content-key-unwrap.ts'
import { pkcs1Wrap } from './pkcs1.ts'
import { loadRsaKey, type RsaKey } from './rsa-key.ts'
import { type RsaUnwrapOptions, RsaUnwrapper } from './rsa-unwrapper.ts'
import { warnOfWeakKey } from './weak-key.ts'

/**
 * Options of an {@link RsaProvider}. At least one of `privateKey` and `publicKey` is required.
 *
 * @example
 * ```ts
 * const options: RsaProviderOptions = {
 *   privateKey: await readFile('master.pem', 'utf8'),
 *   passphrase: process.env.MASTER_KEY_PASSPHRASE,
 *   materialDescription: { key: '2026-11' },
 * }
 * ```
 */
export interface RsaProviderOptions extends RsaUnwrapOptions {
  /**
   * The private key, as PEM text or as the bytes of a PEM file: PKCS#1 or PKCS#8, in plaintext or encrypted. It
   * decrypts and encrypts.
   */
  readonly privateKey?: string | Uint8Array | undefined
  /**
   * The public key, as PEM text or as the bytes of a PEM file: PKCS#1, SPKI, or an X.509 certificate. Alone, it only
   * encrypts. If you also pass `privateKey`, the two must match.
   */
  readonly publicKey?: string | Uint8Array | undefined
  /** The passphrase of an encrypted `privateKey`. It is not used if the key is in plaintext. */
  readonly passphrase?: string | undefined
  /** The name of this key in the objects that it encrypts. Default: empty. */
  readonly materialDescription?: MaterialDescription | undefined
  /**
   * Receives warnings: about a key of less than 2048 bits, or a worker thread that cannot start. Default: a Node.js process
   * warning.
   */
  readonly onWarning?: ((message: string) => void) | undefined
}

const WRAP_ALGORITHM = 'RSA/NONE/PKCS1Padding'

/**
 * An RSA master key that you keep. It wraps content keys with RSAES-PKCS1-v1_5, as each official SDK with the wrap
 * algorithm `RSA/NONE/PKCS1Padding` does.
 *
 * Unwrapping works the same on each version of Node.js. Version 20 refuses this padding, and later versions return
 * random bytes for a wrong key. The provider therefore removes the padding itself, in constant time as far as JavaScript
 * allows.
 *
 * Each failed unwrap throws the same error, but the failure itself is visible. A service that decrypts objects from
 * strangers, and shows them whether that worked, lets them decrypt with the master key (Bleichenbacher's attack).
 *
 * @example
 * ```ts
 * const provider = new RsaProvider({ privateKey: await readFile('master.pem') })
 * ```
 */
export class RsaProvider implements MasterKeyProvider {
  /** The wrap algorithm in the envelope. */
  readonly wrapAlgorithm: string = WRAP_ALGORITHM
  /** The name of this key in the envelopes that it writes. `{}` is no name. */
  readonly materialDescription: MaterialDescription
  /** False if the provider has only the public key: it then encrypts and cannot decrypt. */
  readonly canUnwrap: boolean
  /** The size of the key in bits. */
  readonly modulusBits: number
  /** Which key it is: `rsa:` and the SHA-256 of its public half (SPKI) in hex, whatever the padding. */
  readonly keyIdentity: string
  readonly #key: RsaKey
  readonly #unwrapper: RsaUnwrapper | undefined

  /**
   * Reads the key and checks it: its kind, its size, and that its halves match.
   *
   * @param options - the key in PEM, its passphrase, and its name
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if both keys are missing, an option has the wrong type, or an option of
   * unwrapping is set without `privateKey`
   * @throws CseError `ERR_CSE_INVALID_KEY` if a key cannot be read, is not RSA, is public instead of private (or the
   * reverse), has less than 1024 bits, or the halves do not match
   * @throws CseError `ERR_CSE_PASSPHRASE` if the private key is encrypted and the passphrase is missing or wrong
   */
  constructor(options: RsaProviderOptions) {
    checkTexts('RsaProvider', options, { passphrase: 'a string' })
    checkKeys(options)
    checkOnWarning(options.onWarning)
    const { privateKey, publicKey, passphrase, materialDescription = {} } = options
    this.materialDescription = checkedDescription(materialDescription)
    this.#key = loadRsaKey({ privateKey, publicKey, passphrase })
    this.#unwrapper = unwrapperOf(this.#key, options)
    this.canUnwrap = this.#unwrapper !== undefined
    this.modulusBits = this.#key.modulusBits
    this.keyIdentity = this.#key.identity
    // Not a method: the published types would then need the types of Node.js.
    Object.defineProperty(this, inspect.custom, { value: describe })
    warnOfWeakKey(this.modulusBits, options.onWarning)
  }

  /**
   * Generates a random CEK and wraps both the CEK and `iv`.
   *
   * @param iv - the counter block to wrap: 16 bytes
   * @param options - a signal. It is checked once, before the work, which is short and synchronous.
   * @returns the CEK (32 bytes, which nobody else uses), and both wrapped values in base64
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if `iv` is not 16 bytes
   * @example
   * ```ts
   * const { cek, wrappedCek, wrappedIv } = await provider.generateContentKey(iv)
   * ```
   */
  async generateContentKey(iv: Uint8Array, options: CallOptions = {}): Promise<GeneratedContentKey> {
    options.signal?.throwIfAborted()
    checkIv(iv)
    const cek = randomFillSync(new Uint8Array(CEK_BYTES))
    return { cek, ...this.#wrapped({ cek, iv }) }
  }

  /**
   * Wraps the content key of an existing object. `Keyring.rewrap` calls it. The public key is enough.
   *
   * @param contentKey - the CEK (32 bytes) and the IV (16 bytes)
   * @param options - a signal. It is checked once, before the work, which is short and synchronous.
   * @returns both wrapped values in base64, different for each call
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if a length is wrong
   * @example
   * ```ts
   * const { wrappedCek, wrappedIv } = await provider.wrap({ cek, iv })
   * ```
   */
  async wrap(contentKey: ContentKey, options: CallOptions = {}): Promise<WrappedContentKey> {
    options.signal?.throwIfAborted()
    checkContentKey(contentKey)
    return this.#wrapped(contentKey)
  }

  /**
   * Unwraps the CEK and the IV of an envelope.
   *
   * @param envelope - a version 2 envelope with this provider's wrap algorithm
   * @param options - a signal. In a worker thread, it ends the wait. Otherwise it is checked before the work, which is
   * short and synchronous.
   * @returns the CEK (32 bytes) and the IV (16 bytes), which nobody else uses
   * @throws CseError `ERR_CSE_UNWRAP_FAILED`, always the same, if the envelope and this key do not match
   * @throws CseError `ERR_CSE_THREAD` if the worker thread of `unwrapInWorker` ended before its work was done, twice in a row
   * @throws CseError `ERR_CSE_CANNOT_UNWRAP` if this provider has only a public key
   * @example
   * ```ts
   * const { cek, iv } = await provider.unwrap(envelope)
   * ```
   */
  async unwrap(envelope: Envelope, options: CallOptions = {}): Promise<ContentKey> {
    options.signal?.throwIfAborted()
    return this.#privateHalf().unwrap(envelope, requestOf(envelope), options)
  }

  /**
   * Unwraps as `unwrap` does, with implicit rejection: a value that does not unwrap is replaced by one that follows from it and
   * the private key alone, and looks like any other. The keyring calls it where only sealed objects are read: opening them then
   * fails.
   *
   * @param envelope - a version 2 envelope with this provider's wrap algorithm
   * @param options - a signal, as in `unwrap`
   * @returns the CEK (32 bytes) and the IV (16 bytes), which nobody else uses
   * @throws CseError `ERR_CSE_THREAD` and `ERR_CSE_CANNOT_UNWRAP` as `unwrap`
   * @example
   * ```ts
   * const { cek, iv } = await provider.unwrapWithImplicitRejection(envelope)
   * ```
   */
  async unwrapWithImplicitRejection(envelope: Envelope, options: CallOptions = {}): Promise<ContentKey> {
    options.signal?.throwIfAborted()
    return this.#privateHalf().unwrapWithImplicitRejection(envelope, requestOf(envelope), options)
  }

  /** Overwrites and removes each unwrapped key in the cache. */
  clearUnwrapCache(): void {
    this.#unwrapper?.clearCache()
  }

  #wrapped({ cek, iv }: ContentKey): WrappedContentKey {
    const { publicKey } = this.#key
    return { wrappedCek: pkcs1Wrap(publicKey, cek), wrappedIv: pkcs1Wrap(publicKey, iv) }
  }

  #privateHalf(): RsaUnwrapper {
    if (this.#unwrapper !== undefined) return this.#unwrapper
    throw new CseError(
      'ERR_CSE_CANNOT_UNWRAP',
      'This RSA provider has a public key, which only encrypts. Pass `privateKey` to decrypt.',
    )
  }
}

/** Returns `undefined` for a public key. */
function unwrapperOf({ privateKey, modulus }: RsaKey, options: RsaProviderOptions): RsaUnwrapper | undefined {
  if (privateKey !== undefined) return new RsaUnwrapper({ privateKey, modulus }, options)
  for (const name of ['unwrapCache', 'unwrapInWorker'] as const) {
    if (options[name]) {
      throw invalidArgument(`The \`${name}\` option needs \`privateKey\`: a public key does not unwrap.`)
    }
  }
  return undefined
}

function requestOf(envelope: Envelope): UnwrapRequest {
  const isV2 = envelope.version === 2
  return {
    padding: 'pkcs1',
    ivForm: 'block',
    isOurs: isV2 && isOurAlgorithm(envelope.wrapAlgorithm),
    wrappedCek: envelope.wrappedCek,
    wrappedIv: isV2 ? envelope.wrappedIv : '',
  }
}

function isOurAlgorithm(name: string): boolean {
  return name.toLowerCase() === WRAP_ALGORITHM.toLowerCase()
}

function describe(this: RsaProvider, _depth: number, options: object): string {
  const { wrapAlgorithm, modulusBits, materialDescription, canUnwrap } = this
  const shown = { wrapAlgorithm, modulusBits, materialDescription: { ...materialDescription }, canUnwrap }
  return `RsaProvider ${inspect(shown, options)}`
}
