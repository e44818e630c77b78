import { randomFillSync } from 'node:crypto'
import { inspect } from 'node:util'
import {
  type CallOptions,
  type ContentKey,
  type Envelope,
  formatV1Start,
  type GeneratedContentKey,
  type MasterKeyProvider,
  type MaterialDescription,
  parseV1Start,
  wipe,
} from '@oss-cse/crypto-core'
import { CEK_BYTES, IV_BYTES } from '@oss-cse/crypto-core/internal'
import { checkIv, checkOnWarning, checkTexts, invalidArgument } from './checked-options.ts'
import { judgedContentKey } from './judged-unwrap.ts'
import { loadLocalKey, localKeyFiles } from './local-key-files.ts'
import { oaepUnwrap, oaepWrap } from './oaep.ts'
import type { UnpaddedMessage } from './pkcs1-unpad.ts'
import type { RsaKey } from './rsa-key.ts'
import { warnOfWeakKey } from './weak-key.ts'

/**
 * Options of a {@link LocalRsaProvider}.
 *
 * @example
 * ```ts
 * const options: LocalRsaProviderOptions = { directory: '/etc/keys', prefix: 'backup', passphrase }
 * ```
 */
export interface LocalRsaProviderOptions {
  /** The directory of the key files. Default: `.oss-local-rsa` in the user's home, as in oss2. */
  readonly directory?: string | undefined
  /** The prefix of both file names. oss2 calls it `key`. Default: none. */
  readonly prefix?: string | undefined
  /** The passphrase of the key files. It is not used for files in plaintext. */
  readonly passphrase?: string | undefined
  /**
   * The format to write. `'v2'`: oss2 2.11 and later read it. `'v1'`: oss2 2.5 to 2.10 read it, for objects of one
   * put, never in parts. The provider always reads both. Default `'v2'`.
   */
  readonly format?: 'v1' | 'v2' | undefined
  /** Receives warnings, for example about a key under 2048 bits. Default: Node.js process warnings. */
  readonly onWarning?: ((message: string) => void) | undefined
}

/** oss2 2.19 oss2/headers.py `RSA_NONE_OAEPWithSHA1AndMGF1Padding`. */
const V2_WRAP_ALGORITHM = 'RSA/NONE/OAEPWithSHA-1AndMGF1Padding'
/** oss2 2.10 oss2/crypto.py `LocalRsaProvider.build_header`. */
const V1_WRAP_ALGORITHM = 'rsa'

/**
 * An RSA master key in the key files of the Python SDK. With the same pair, it reads what oss2's `LocalRsaProvider`
 * wrote, and oss2 reads what it wrote. It wraps content keys with OAEP (SHA-1).
 *
 * It never makes a key: see {@link generateLocalRsaKeyFiles}. oss2 silently replaces both files when either is
 * missing, so here both must exist and match. Its objects have no material description, because oss2 has none for
 * this kind of key. So keys cannot be distinguished by name. Every failed unwrap throws the same error.
 *
 * @example
 * ```ts
 * const provider = new LocalRsaProvider({ passphrase: process.env.MASTER_KEY_PASSPHRASE })
 * ```
 */
export class LocalRsaProvider implements MasterKeyProvider {
  /** The name of the algorithm in the envelopes that it writes. */
  readonly wrapAlgorithm: string
  /** The name of the algorithm in the envelopes of the other format, which it reads too. */
  readonly alsoUnwraps: readonly string[]
  /** The version of the envelopes that it writes. */
  readonly envelopeVersion: 1 | 2
  /** Always `{}`, which names no key. */
  readonly materialDescription: MaterialDescription = Object.freeze({})
  /** Always true, because the private half is always present. */
  readonly canUnwrap: boolean = true
  /** The size of the key in bits. */
  readonly modulusBits: number
  readonly #key: Required<RsaKey>

  /**
   * Reads both key files once. Checks their kind and size, and that the halves match.
   *
   * @param options - where the files are, their passphrase, and the format to write
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when a file is missing or cannot be read, or an option has the wrong
   *   type; `ERR_CSE_INVALID_KEY` when a file is damaged, contains no RSA key or the wrong half, the key has under
   *   1024 bits, or the halves do not match; `ERR_CSE_PASSPHRASE` when a file is encrypted and the passphrase is
   *   missing or wrong.
   */
  constructor(options: LocalRsaProviderOptions = {}) {
    checkTexts('LocalRsaProvider', options, {
      directory: 'the path of a directory',
      prefix: 'a text',
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
    this.modulusBits = this.#key.modulusBits
    // Not a method, so that the published types do not need those of Node.js.
    Object.defineProperty(this, inspect.custom, { value: describe })
    warnOfWeakKey(this.modulusBits, options.onWarning)
  }

  /**
   * Makes a random CEK and wraps it and `iv`. With the format V1, it wraps `iv` as the decimal text of its value.
   *
   * @param iv - the counter block to wrap: 16 bytes
   * @param options - a signal, checked before the work, which is short and synchronous
   * @returns the CEK (32 bytes, for the caller to wipe), and both wrapped, base64
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when `iv` is not 16 bytes
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
   * Unwraps the CEK and the IV of an envelope, in either format.
   *
   * @param envelope - an envelope with one of the wrap algorithms of this provider
   * @param options - a signal, checked before the work, which is short and synchronous
   * @returns the CEK (32 bytes) and the IV (16 bytes), for the caller to wipe
   * @throws CseError `ERR_CSE_UNWRAP_FAILED`, always the same, when the envelope does not match this key
   * @example
   * ```ts
   * const { cek, iv } = await provider.unwrap(envelope)
   * ```
   */
  async unwrap(envelope: Envelope, options: CallOptions = {}): Promise<ContentKey> {
    options.signal?.throwIfAborted()
    const { privateKey, modulus } = this.#key
    const v1 = envelope.version === 1
    const algorithm = v1 ? V1_WRAP_ALGORITHM : V2_WRAP_ALGORITHM
    // Both values are unwrapped before anything is checked, and then all at once.
    const ours = Number(envelope.wrapAlgorithm.toLowerCase() === algorithm.toLowerCase())
    const cek = oaepUnwrap(privateKey, modulus, envelope.wrappedCek)
    const iv = oaepUnwrap(privateKey, modulus, v1 ? envelope.wrappedStart : envelope.wrappedIv)
    return judgedContentKey(ours, ofLength(cek, CEK_BYTES), v1 ? startBlock(iv) : ofLength(iv, IV_BYTES))
  }
}

function ofLength({ valid, message }: UnpaddedMessage, lengthBytes: number): UnpaddedMessage {
  return { valid: valid & Number(message.length === lengthBytes), message }
}

/**
 * Returns the counter block of a decimal start value. oss2 would also accept blanks and a sign, but never wrote them.
 */
function startBlock({ valid, message }: UnpaddedMessage): UnpaddedMessage {
  const block = parseV1Start(Buffer.from(message).toString('latin1'))
  wipe(message)
  return { valid: valid & Number(block !== undefined), message: block ?? new Uint8Array() }
}

function describe(this: LocalRsaProvider, _depth: number, options: object): string {
  const { wrapAlgorithm, envelopeVersion, modulusBits } = this
  return `LocalRsaProvider ${inspect({ wrapAlgorithm, envelopeVersion, modulusBits }, options)}`
}
