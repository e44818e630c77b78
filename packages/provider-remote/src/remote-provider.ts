import {
  type ContentKey,
  CseError,
  checkContentKey,
  type Envelope,
  encodeBase64,
  type GeneratedContentKey,
  generateCek,
  type MasterKeyCallOptions,
  type MasterKeyProvider,
  type MaterialDescription,
  type ObjectReference,
  TransportError,
  unwrapFailed,
  type WrappedContentKey,
} from '@oss-cse/crypto-core'
import {
  CEK_BYTES,
  checkedDescription,
  formatMaterialDescription,
  IV_BYTES,
  isUint8Array,
  rsaIdentity,
} from '@oss-cse/crypto-core/internal'
import { encryptPkcs1, parseRsaPublicKey, type RsaPublicKey } from '@oss-cse/rsa-pkcs1'
import { envelopeDigest, type KeyFailure, type KeyRequest, type KeyResult } from './key-protocol.ts'
import { KeyRequestQueue } from './key-request-queue.ts'
import { callKeyServer, decodedBytes, unusable } from './key-server-call.ts'
import { checkedAddress, type RemoteProviderOptions } from './remote-provider-options.ts'

export type { RemoteProviderOptions } from './remote-provider-options.ts'

const RSA_WRAP_ALGORITHM = 'RSA/NONE/PKCS1Padding'

/**
 * A master key that stays on a server, for a page or a worker. The key server is `createKeyServer` of
 * `@oss-cse/provider-remote/server`.
 *
 * With `publicKey`, the page wraps the content keys of new objects by itself. Only a read asks the key server. With
 * `wrapAlgorithm`, such as that of a key in KMS, a write asks it too.
 *
 * It never sends an envelope. It names the object, and the key server reads the envelope from the bucket. So each call needs the
 * `object` option, which a bucket always passes. Calls at the same time become one request of up to 100 objects. The provider
 * makes no retries; the bucket does.
 *
 * @example
 * ```ts
 * const provider = new RemoteProvider({ url: '/keys', publicKey })
 * const bucket = new CryptoBucket({ transport, provider })
 * ```
 */
export class RemoteProvider implements MasterKeyProvider {
  /** The wrap algorithm in the envelope. */
  readonly wrapAlgorithm: string
  /** The name of this key in the envelopes that it writes. `{}` is no name. */
  readonly materialDescription: MaterialDescription
  /** The other wrap algorithms of objects that the key server unwraps with this key. */
  readonly alsoUnwraps: readonly string[]
  /** False without `url`: it then only encrypts. */
  readonly canUnwrap: boolean
  /** True: the key server reads the envelope of a stored object. */
  readonly unwrapsStoredOnly: boolean = true
  /** Which key it is: of `publicKey`, `rsa:` and the SHA-256 of its SPKI in hex; otherwise the option. */
  readonly keyIdentity: string | undefined
  /**
   * Wraps the content key of an existing object, with `publicKey`. Absent without it: the content key would have to be sent to the
   * key server.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if a length is wrong; the signal's reason
   */
  readonly wrap?: NonNullable<MasterKeyProvider['wrap']>
  readonly #publicKey: RsaPublicKey | undefined
  readonly #queue: KeyRequestQueue | undefined

  /**
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if options are missing, malformed or contradictory
   * @throws CseError `ERR_CSE_INVALID_KEY` if `publicKey` is not a usable RSA public key
   */
  constructor(options: RemoteProviderOptions) {
    const address = checkedAddress(options)
    const { publicKey, wrapAlgorithm = RSA_WRAP_ALGORITHM, alsoUnwraps = [], keyIdentity } = options
    this.wrapAlgorithm = wrapAlgorithm
    this.materialDescription = checkedDescription(options.materialDescription ?? {})
    this.alsoUnwraps = [...alsoUnwraps]
    this.canUnwrap = address !== undefined
    this.#publicKey = publicKey === undefined ? undefined : readKey(publicKey)
    this.keyIdentity = this.#publicKey === undefined ? keyIdentity : rsaIdentity(this.#publicKey.spki)
    if (this.#publicKey !== undefined) this.wrap = (contentKey, call) => this.#wrap(contentKey, call)
    if (address !== undefined) {
      this.#queue = new KeyRequestQueue((requests, abort) => callKeyServer(address, requests, abort))
    }
  }

  /**
   * Makes a content key and wraps it and `iv` with `publicKey`, or has the key server do both.
   *
   * @param iv - the counter block to wrap: 16 bytes
   * @param options - a signal; the object, which the key server needs
   * @returns the CEK (32 bytes, which nobody else uses), and both wrapped values
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if `iv` is not 16 bytes, or the object is not named
   * @throws TransportError with a key server: `ERR_CSE_ACCESS_DENIED` if it refuses, and those of `unwrap`
   */
  async generateContentKey(iv: Uint8Array, options: MasterKeyCallOptions = {}): Promise<GeneratedContentKey> {
    options.signal?.throwIfAborted()
    if (!isUint8Array(iv) || iv.length !== IV_BYTES) {
      throw invalidArgument(`The IV must be a Uint8Array of ${IV_BYTES} bytes.`)
    }
    if (this.#publicKey !== undefined) {
      const cek = generateCek()
      return { cek, ...(await this.#wrap({ cek, iv }, options)) }
    }
    const { wrapAlgorithm, materialDescription, keyIdentity } = this
    const { key, location } = named(options.object)
    const result = await this.#ask(
      {
        operation: 'generate',
        key,
        location,
        iv: encodeBase64(iv),
        wrapAlgorithm,
        materialDescription: formatMaterialDescription(materialDescription),
        keyIdentity,
      },
      options,
      () => refusedToGenerate(key),
    )
    if (!('wrappedCek' in result)) throw unusable()
    const { wrappedCek, wrappedIv } = result
    if (typeof wrappedCek !== 'string' || typeof wrappedIv !== 'string') throw unusable()
    return { cek: decodedBytes(result.cek, CEK_BYTES), wrappedCek, wrappedIv }
  }

  /**
   * Has the key server unwrap the content key of an object.
   *
   * @param envelope - the envelope that the page saw. The key server compares its digest with what it reads from the bucket
   * @param options - the object, which the key server reads; a signal, which ends the wait
   * @returns the CEK (32 bytes) and the IV (16 bytes), which nobody else uses
   * @throws CseError `ERR_CSE_UNWRAP_FAILED`, always the same, if the key server refuses: the user may not read the object, or
   * its key does not unwrap
   * @throws CseError `ERR_CSE_CANNOT_UNWRAP` without `url`; `ERR_CSE_INVALID_ARGUMENT` if the object is not named
   * @throws TransportError `ERR_CSE_PRECONDITION_FAILED` if the object was replaced since the page read it; `ERR_CSE_ACCESS_DENIED`
   * if the server refuses each call of this user; `ERR_CSE_THROTTLED`, `ERR_CSE_NETWORK`, `ERR_CSE_TIMEOUT`, `ERR_CSE_SERVICE`
   */
  async unwrap(envelope: Envelope, options: MasterKeyCallOptions = {}): Promise<ContentKey> {
    options.signal?.throwIfAborted()
    if (this.#queue === undefined) {
      throw new CseError(
        'ERR_CSE_CANNOT_UNWRAP',
        'This RemoteProvider only encrypts. Pass the `url` of a key server to decrypt.',
      )
    }
    const { key, versionId, location } = named(options.object)
    const { keyIdentity } = this
    const result = await this.#ask(
      {
        operation: 'unwrap',
        key,
        versionId,
        location,
        envelopeDigest: envelopeDigest(envelope),
        keyIdentity,
      },
      options,
      unwrapFailed,
    )
    if (!('iv' in result)) throw unusable()
    return { cek: decodedBytes(result.cek, CEK_BYTES), iv: decodedBytes(result.iv, IV_BYTES) }
  }

  async #wrap({ cek, iv }: ContentKey, options: MasterKeyCallOptions = {}): Promise<WrappedContentKey> {
    options.signal?.throwIfAborted()
    checkContentKey({ cek, iv })
    const wrapped = (bytes: Uint8Array): string =>
      encodeBase64(encryptPkcs1(this.#publicKey as RsaPublicKey, bytes))
    return { wrappedCek: wrapped(cek), wrappedIv: wrapped(iv) }
  }

  async #ask(
    request: KeyRequest,
    { signal }: MasterKeyCallOptions,
    refused: () => CseError,
  ): Promise<Exclude<KeyResult, { readonly error: KeyFailure }>> {
    // Without a key server there is a public key, and nothing to ask for.
    const result = await this.#queue?.ask(request, signal)
    if (typeof result !== 'object' || result === null) throw unusable()
    if (!('error' in result)) return result
    throw result.error === 'refused' ? refused() : failure(result.error, request.key)
  }
}

function readKey(publicKey: string | Uint8Array): RsaPublicKey {
  try {
    return parseRsaPublicKey(publicKey)
  } catch (error) {
    throw new CseError('ERR_CSE_INVALID_KEY', `\`publicKey\`: ${(error as Error).message}`)
  }
}

/** The key server must know what it decides about. */
function named(object: ObjectReference | undefined): ObjectReference {
  if (object !== undefined) return object
  throw invalidArgument(
    'A RemoteProvider needs the `object` option of the call, because the key server reads the envelope of the object itself. A bucket passes it.',
  )
}

function failure(reason: KeyFailure, objectKey: string): TransportError {
  switch (reason) {
    case 'changed':
      return new TransportError(
        'ERR_CSE_PRECONDITION_FAILED',
        'The key server found another envelope than this page: the object was replaced meanwhile, or the key server reads another bucket. Read the object again.',
        { retryable: false, objectKey },
      )
    case 'throttled':
      return new TransportError('ERR_CSE_THROTTLED', 'This user asks the key server for too many keys.', {
        retryable: true,
        objectKey,
      })
    case 'unavailable':
      return new TransportError(
        'ERR_CSE_SERVICE',
        'The key server could not reach the bucket, the service of its master key, or what decides about access.',
        { retryable: true, objectKey },
      )
    default:
      return unusable()
  }
}

function refusedToGenerate(objectKey: string): TransportError {
  return new TransportError(
    'ERR_CSE_ACCESS_DENIED',
    'The key server refused to make a content key: this user may not write the object, or the key that encrypts on the server is another one than this provider states.',
    { retryable: false, objectKey },
  )
}

function invalidArgument(message: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', message)
}
