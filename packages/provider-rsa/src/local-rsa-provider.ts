import { randomFillSync } from 'node:crypto'
import { inspect } from 'node:util'
import {
  type CallOptions,
  type ContentKey,
  CseError,
  checkContentKey,
  type Envelope,
  formatV1Start,
  type GeneratedContentKey,
  type MasterKeyProvider,
  type MaterialDescription,
  type WrappedContentKey,
} from '@oss-cse/crypto-core'
import { CEK_BYTES } from '@oss-cse/crypto-core/internal'
import { checkIv, checkOnWarning, checkTexts, invalidArgument } from './checked-options.ts'
import type { UnwrapRequest } from './content-key-unwrap.ts'
import { loadLocalKey, localKeyFiles } from './local-key-files.ts'
import { oaepWrap } from './oaep.ts'
import type { RsaKey } from './rsa-key.ts'
import { type RsaUnwrapOptions, RsaUnwrapper } from './rsa-unwrapper.ts'
import { warnOfWeakKey } from './weak-key.ts'

/**
 * Options of a {@link LocalRsaProvider}.
 *
 * @example
 * ```ts
 * const options: LocalRsaProviderOptions = { directory: '/etc/keys', prefix: 'backup', passphrase }
 * ```
 */
export interface LocalRsaProviderOptions extends RsaUnwrapOptions {
  /** The directory of the key files. Default: `.oss-local-rsa` in the user's home, as in oss2. */
  readonly directory?: string | undefined
  /** The prefix of both file names. oss2 calls it `key`. Default: empty. */
  readonly prefix?: string | undefined
  /** The passphrase of the key files. It is not used if they are in plaintext. */
  readonly passphrase?: string | undefined
  /**
   * The format of the envelopes that it writes. It always reads both. Default `'v2'`.
   *
   * - `'v2'`: the format that oss2 2.11 and later read.
   * - `'v1'`: the format that oss2 2.5 to 2.10 read. It does not support uploads in parts.
   */
  readonly format?: 'v1' | 'v2' | undefined
  /**
   * Receives warnings: about a key of less than 2048 bits, or a worker thread that cannot start. Default: a Node.js process
   * warning.
   */
  readonly onWarning?: ((message: string) => void) | undefined
}

/** oss2 2.19 oss2/headers.py `RSA_NONE_OAEPWithSHA1AndMGF1Padding`. */
const V2_WRAP_ALGORITHM = 'RSA/NONE/OAEPWithSHA-1AndMGF1Padding'
/** oss2 2.10 oss2/crypto.py `LocalRsaProvider.build_header`. */
const V1_WRAP_ALGORITHM = 'rsa'

/**
 * An RSA master key in the key files of the Python SDK. It reads what oss2's `LocalRsaProvider` wrote with the same
 * pair, and oss2 reads what it writes. It wraps the content keys with OAEP (SHA-1).
 *
 * It never generates a key: see {@link generateLocalRsaKeyFiles}. oss2 generates a pair, and silently replaces both
 * files, if either is missing. This provider therefore requires both files, and checks that they match.
 *
 * Its objects have no material description, because oss2 has none for this kind of key. Keys cannot be told apart by
 * name. Each failed unwrap throws the same error.
 *
 * @example
 * ```ts
 * const provider = new LocalRsaProvider({ passphrase: process.env.MASTER_KEY_PASSPHRASE })
 * ```
 */
export class LocalRsaProvider implements MasterKeyProvider {
  /** The wrap algorithm in the envelopes that it writes. */
  readonly wrapAlgorithm: string
  /** The wrap algorithm in the envelopes of the other version, which it also reads. */
  readonly alsoUnwraps: readonly string[]
  /** The version of the envelopes that it writes. */
  readonly envelopeVersion: 1 | 2
  /** Always `{}`: the key has no name. */
  readonly materialDescription: MaterialDescription = Object.freeze({})
  /** Always true: the private key is always present. */
  readonly canUnwrap: boolean = true
  /** The size of the key in bits. */
  readonly modulusBits: number
  /** Which key it is: `rsa:` and the SHA-256 of its public half (SPKI) in hex, whatever the padding. */
  readonly keyIdentity: string
  readonly #key: Required<RsaKey>
  readonly #unwrapper: RsaUnwrapper

  /**
   * Reads both key files once and checks them: the kind, the size, and that the halves match.
   *
   * @param options - the location of the files, their passphrase, and the format to write
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if a file is missing or cannot be read, or an option has the wrong type
   * @throws CseError `ERR_CSE_INVALID_KEY` if a file is damaged, holds no RSA key or the wrong half, the key has less
   * than 1024 bits, or the halves do not match
   * @throws CseError `ERR_CSE_PASSPHRASE` if a file is encrypted and the passphrase is missing or wrong
   */
  constructor(options: LocalRsaProviderOptions = {}) {
    checkTexts('LocalRsaProvider', options, {
      directory: 'the path of a directory',
      prefix: 'a string',
      passphrase: 'a string',
    })
    checkOnWarning(options.onWarning)
    const { directory, prefix, passphrase, format = 'v2' } = options
    if (format !== 'v1' && format !== 'v2') {
      throw invalidArgument("The `format` option must be 'v1' or 'v2'.")
    }
    const v1 = format === 'v1'
    this.envelopeVersion = v1 ? 1 : 2
    this.wrapAlgorithm = v1 ? V1_WRAP_ALGORITHM : V2_WRAP_ALGORITHM
    this.alsoUnwraps = Object.freeze([v1 ? V2_WRAP_ALGORITHM : V1_WRAP_ALGORITHM])
    this.#key = loadLocalKey(localKeyFiles(directory, prefix), passphrase)
    this.#unwrapper = new RsaUnwrapper(this.#key, options)
    this.modulusBits = this.#key.modulusBits
    this.keyIdentity = this.#key.identity
    // Not a method: the published types would then need the types of Node.js.
    Object.defineProperty(this, inspect.custom, { value: describe })
    warnOfWeakKey(this.modulusBits, options.onWarning)
  }

  /**
   * Generates a random CEK and wraps both the CEK and `iv`. The V1 format wraps `iv` as the decimal text of its value.
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
    const { publicKey } = this.#key
    const cek = randomFillSync(new Uint8Array(CEK_BYTES))
    const start = this.envelopeVersion === 1 ? Buffer.from(formatV1Start(iv), 'latin1') : iv
    return { cek, wrappedCek: oaepWrap(publicKey, cek), wrappedIv: oaepWrap(publicKey, start) }
  }

  /**
   * Wraps the content key of an existing object, for a V2 envelope. `Keyring.rewrap` calls it.
   *
   * @param contentKey - the CEK (32 bytes) and the IV (16 bytes)
   * @param options - a signal. It is checked once, before the work, which is short and synchronous.
   * @returns both wrapped values in base64, different for each call
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if a length is wrong
   * @throws CseError `ERR_CSE_OPERATION_REFUSED` with the format `'v1'`: its envelopes hold a start value of 1 to 10, so that
   * they cannot hold the counter block of most objects
   * @example
   * ```ts
   * const { wrappedCek, wrappedIv } = await provider.wrap({ cek, iv })
   * ```
   */
  async wrap(contentKey: ContentKey, options: CallOptions = {}): Promise<WrappedContentKey> {
    options.signal?.throwIfAborted()
    checkContentKey(contentKey)
    if (this.envelopeVersion === 1) {
      throw new CseError(
        'ERR_CSE_OPERATION_REFUSED',
        "This provider writes V1 envelopes, which hold a start value of 1 to 10 and no other counter block. To wrap the content key of an existing object, use the format 'v2'.",
      )
    }
    const { publicKey } = this.#key
    const { cek, iv } = contentKey
    return { wrappedCek: oaepWrap(publicKey, cek), wrappedIv: oaepWrap(publicKey, iv) }
  }

  /**
   * Unwraps the CEK and the IV of an envelope of either version.
   *
   * @param envelope - an envelope with one of this provider's wrap algorithms
   * @param options - a signal. In a worker thread, it ends the wait. Otherwise it is checked before the work, which is
   * short and synchronous.
   * @returns the CEK (32 bytes) and the IV (16 bytes), which nobody else uses
   * @throws CseError `ERR_CSE_UNWRAP_FAILED`, always the same, if the envelope and this key do not match
   * @throws CseError `ERR_CSE_THREAD` if the worker thread of `unwrapInWorker` ended before its work was done, twice in a row
   * @example
   * ```ts
   * const { cek, iv } = await provider.unwrap(envelope)
   * ```
   */
  async unwrap(envelope: Envelope, options: CallOptions = {}): Promise<ContentKey> {
    return this.#unwrapper.unwrap(envelope, requestOf(envelope), options)
  }

  /**
   * Unwraps as `unwrap` does, with implicit rejection: a value that does not unwrap is replaced by one that follows from it and
   * the private key alone, and looks like any other. The keyring calls it where only sealed objects are read: opening them then
   * fails.
   *
   * @param envelope - an envelope with one of this provider's wrap algorithms
   * @param options - a signal, as in `unwrap`
   * @returns the CEK (32 bytes) and the IV (16 bytes), which nobody else uses
   * @throws CseError `ERR_CSE_THREAD` as `unwrap`
   * @example
   * ```ts
   * const { cek, iv } = await provider.unwrapWithImplicitRejection(envelope)
   * ```
   */
  async unwrapWithImplicitRejection(envelope: Envelope, options: CallOptions = {}): Promise<ContentKey> {
    return this.#unwrapper.unwrapWithImplicitRejection(envelope, requestOf(envelope), options)
  }

  /** Overwrites and removes each unwrapped key in the cache. */
  clearUnwrapCache(): void {
    this.#unwrapper.clearCache()
  }
}

function requestOf(envelope: Envelope): UnwrapRequest {
  const v1 = envelope.version === 1
  const algorithm = v1 ? V1_WRAP_ALGORITHM : V2_WRAP_ALGORITHM
  return {
    padding: 'oaep',
    ivForm: v1 ? 'start' : 'block',
    isOurs: envelope.wrapAlgorithm.toLowerCase() === algorithm.toLowerCase(),
    wrappedCek: envelope.wrappedCek,
    wrappedIv: v1 ? envelope.wrappedStart : envelope.wrappedIv,
  }
}

function describe(this: LocalRsaProvider, _depth: number, options: object): string {
  const { wrapAlgorithm, envelopeVersion, modulusBits } = this
  return `LocalRsaProvider ${inspect({ wrapAlgorithm, envelopeVersion, modulusBits }, options)}`
}
