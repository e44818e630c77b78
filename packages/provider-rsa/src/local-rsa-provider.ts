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
 * What a {@link LocalRsaProvider} is built from.
 *
 * @example
 * ```ts
 * const options: LocalRsaProviderOptions = { directory: '/etc/keys', prefix: 'backup', passphrase }
 * ```
 */
export interface LocalRsaProviderOptions {
  /** The directory of the key files. Default: `.oss-local-rsa` in the user's home, like oss2. */
  readonly directory?: string | undefined
  /** How the names of both files begin: what oss2 calls `key`. Default: nothing. */
  readonly prefix?: string | undefined
  /** The passphrase of the key files; unused where they are in clear. */
  readonly passphrase?: string | undefined
  /**
   * What it writes. `'v2'`: what oss2 2.11 and later read. `'v1'`: what oss2 2.5 to 2.10 read, in one put, never in
   * parts. It reads both whatever it writes. Default `'v2'`.
   */
  readonly format?: 'v1' | 'v2' | undefined
  /** Receives warnings, for instance of a key under 2048 bits. By default they are Node.js process warnings. */
  readonly onWarning?: ((message: string) => void) | undefined
}

/** oss2 2.19 oss2/headers.py `RSA_NONE_OAEPWithSHA1AndMGF1Padding`. */
const V2_WRAP_ALGORITHM = 'RSA/NONE/OAEPWithSHA-1AndMGF1Padding'
/** oss2 2.10 oss2/crypto.py `LocalRsaProvider.build_header`. */
const V1_WRAP_ALGORITHM = 'rsa'

/**
 * An RSA master key in the key files of the Python SDK: what oss2's `LocalRsaProvider` wrote it reads, and the other
 * way round, under the same pair. The content keys are wrapped with OAEP (SHA-1).
 *
 * It never makes a key: see {@link generateLocalRsaKeyFiles}. oss2 does, and replaces both files without a word when
 * either is missing; so here both must be there, and belong together.
 * Its objects carry no material description, because oss2 knows none for this kind of key: keys cannot be told apart
 * by name. Every failed unwrap is the same error.
 *
 * @example
 * ```ts
 * const provider = new LocalRsaProvider({ passphrase: process.env.MASTER_KEY_PASSPHRASE })
 * ```
 */
export class LocalRsaProvider implements MasterKeyProvider {
  /** The algorithm's name in the envelopes that it writes. */
  readonly wrapAlgorithm: string
  /** The algorithm's name in the envelopes of the other generation, which it reads. */
  readonly alsoUnwraps: readonly string[]
  /** The generation of the envelopes that it writes. */
  readonly envelopeVersion: 1 | 2
  /** Always `{}`: it names nothing. */
  readonly materialDescription: MaterialDescription = Object.freeze({})
  /** Always true: the private half is always there. */
  readonly canUnwrap: boolean = true
  /** The size of the key in bits. */
  readonly modulusBits: number
  readonly #key: Required<RsaKey>

  /**
   * Reads both key files, once, and checks them: kind, size, and that the halves belong together.
   *
   * @param options - where the files are, their passphrase, and what to write
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when a file is missing or cannot be read, or an option has the wrong
   * type; `ERR_CSE_INVALID_KEY` when a file is damaged, holds no RSA key or the wrong half, the key has under 1024
   * bits, or the halves do not match; `ERR_CSE_PASSPHRASE` when a file is encrypted and the passphrase is missing or
   * wrong.
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
   * Makes a random CEK and wraps it and `iv`; under the format V1, `iv` as the decimal text of its value.
   *
   * @param iv - the counter block to wrap: 16 bytes
   * @param options - a signal, looked at before the work, which itself is short and synchronous
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
   * Unwraps an envelope's CEK and IV, of either generation.
   *
   * @param envelope - one whose wrap algorithm is among this provider's
   * @param options - a signal, looked at before the work, which itself is short and synchronous
   * @returns the CEK (32 bytes) and the IV (16 bytes), for the caller to wipe
   * @throws CseError `ERR_CSE_UNWRAP_FAILED`, always the same, when the envelope and this key do not fit
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
    // Nothing is judged before both are unwrapped, and then all at once.
    const ours = Number(envelope.wrapAlgorithm.toLowerCase() === algorithm.toLowerCase())
    const cek = oaepUnwrap(privateKey, modulus, envelope.wrappedCek)
    const iv = oaepUnwrap(privateKey, modulus, v1 ? envelope.wrappedStart : envelope.wrappedIv)
    return judgedContentKey(ours, ofLength(cek, CEK_BYTES), v1 ? startBlock(iv) : ofLength(iv, IV_BYTES))
  }
}

function ofLength({ valid, message }: UnpaddedMessage, lengthBytes: number): UnpaddedMessage {
  return { valid: valid & Number(message.length === lengthBytes), message }
}

/** The counter block of a start value in decimal. oss2 would also take blanks and a sign, and never wrote them. */
function startBlock({ valid, message }: UnpaddedMessage): UnpaddedMessage {
  const block = parseV1Start(Buffer.from(message).toString('latin1'))
  wipe(message)
  return { valid: valid & Number(block !== undefined), message: block ?? new Uint8Array() }
}

function describe(this: LocalRsaProvider, _depth: number, options: object): string {
  const { wrapAlgorithm, envelopeVersion, modulusBits } = this
  return `LocalRsaProvider ${inspect({ wrapAlgorithm, envelopeVersion, modulusBits }, options)}`
}
