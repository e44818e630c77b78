import { inspect, types } from 'node:util'
import {
  type CallOptions,
  type ContentKey,
  CseError,
  checkContentKey,
  checkedRetryOptions,
  decodeBase64,
  type Envelope,
  encodeBase64,
  type GeneratedContentKey,
  type MasterKeyCallOptions,
  type MasterKeyProvider,
  type MaterialDescription,
  parseV1Start,
  type RetryOptions,
  type RetryPolicy,
  TransportError,
  type UnwrapCacheOptions,
  unwrapFailed,
  type WrappedContentKey,
  wipe,
} from '@oss-cse/crypto-core'
import {
  bothOrNone,
  CEK_BYTES,
  checkedDescription,
  formatMaterialDescription,
  IV_BYTES,
  isMismatch,
  isTextMap,
  UnwrapCache,
} from '@oss-cse/crypto-core/internal'
import { type KeyName, parseKeyName } from './key-id.ts'
import { callKms } from './kms-call.ts'
import type { EncryptionContext, KmsClient, KmsEncryptResponse } from './kms-client.ts'
import { blobsOf, headerOf, type KmsEncoding } from './wrapped-text.ts'

/**
 * Options of a {@link KmsProvider}.
 *
 * @example
 * ```ts
 * const options: KmsProviderOptions = {
 *   client: new AlicloudKms({ region: 'cn-hangzhou', accessKeyId, accessKeySecret }),
 *   keyId: '1234abcd-12ab-34cd-56ef-1234567890ab',
 *   materialDescription: { key: '2026-11' },
 * }
 * ```
 */
export interface KmsProviderOptions {
  /** The client that calls KMS: an `AlicloudKms` or your own. */
  readonly client: KmsClient
  /**
   * The master key: its id, its ARN, or an alias. With an id or a key ARN, the provider refuses an object of another key.
   * An alias may move from key to key, so the provider then accepts everything that KMS decrypts.
   */
  readonly keyId: string
  /** The name of this key in the objects that it encrypts. Default: empty. */
  readonly materialDescription?: MaterialDescription | undefined
  /** The pairs that KMS binds to each content key, on writes and on reads. KMS logs them: pass no secrets. */
  readonly encryptionContext?: EncryptionContext | undefined
  /** The passphrase of the Python SDK's `AliKMSProvider`. It is sent as the encryption context `x-passphrase`. */
  readonly passphrase?: string | undefined
  /** The encoding of the wrapped keys in the headers. Pass `oss2` for the Python SDK oss2. Both are read. Default `blob`. */
  readonly encoding?: KmsEncoding | undefined
  /** Caches unwrapped keys. Default: no cache. */
  readonly unwrapCache?: UnwrapCacheOptions | undefined
  /** The retries of a throttled or failed KMS call. Default: 4 attempts, 200 ms to 10 s apart. */
  readonly retry?: RetryOptions | undefined
}

const WRAP_ALGORITHM = 'KMS/ALICLOUD'
const V1_WRAP_ALGORITHM = 'kms'
const PASSPHRASE = 'x-passphrase'
const HEADER_TEXT = /^[\x21-\x7e]+$/
/** The limit of all metadata of an object together. */
const MAX_HEADER_LENGTH = 8 * 1024

/**
 * A master key in Alibaba Cloud KMS. KMS generates and encrypts the content key of each new object, so the requests of a write
 * contain no content key in plaintext. Those of `wrap` do. A write makes two concurrent calls, and so does a read.
 *
 * It reads what the official SDKs wrote with the key: both encodings, and the envelopes of oss2 2.5 to 2.10.
 *
 * @example
 * ```ts
 * const provider = new KmsProvider({ client: new AlicloudKms({ region, accessKeyId, accessKeySecret }), keyId })
 * const bucket = new CryptoBucket({ transport, provider })
 * ```
 */
export class KmsProvider implements MasterKeyProvider {
  /** The wrap algorithm in the envelope. */
  readonly wrapAlgorithm: string = WRAP_ALGORITHM
  /** The wrap algorithm of the same key in the envelopes of oss2 2.5 to 2.10. */
  readonly alsoUnwraps: readonly string[] = [V1_WRAP_ALGORITHM]
  /** The name of this key in the envelopes that it writes. `{}` is no name. */
  readonly materialDescription: MaterialDescription
  /** The master key, as you passed it. */
  readonly keyId: string
  /**
   * Which key it is: `kms:` and its id. Absent for an alias, which may move from key to key, and for a client whose responses do
   * not name the key.
   */
  readonly keyIdentity: string | undefined
  readonly #client: KmsClient
  readonly #keyName: KeyName
  readonly #encryptionContext: EncryptionContext | undefined
  readonly #encoding: KmsEncoding
  readonly #cache: UnwrapCache | undefined
  readonly #retry: RetryPolicy

  /**
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if options are missing, malformed or contradictory
   * @throws CseError `ERR_CSE_WRONG_REGION` if the key's ARN names a region other than the client's
   */
  constructor(options: KmsProviderOptions) {
    checkOptions(options)
    const { client, keyId, materialDescription = {}, encoding = 'blob', unwrapCache, retry } = options
    this.materialDescription = checkedDescription(materialDescription)
    this.keyId = keyId
    this.#client = client
    this.#keyName = parseKeyName(keyId)
    const { id } = this.#keyName
    this.keyIdentity = id !== undefined && client.namesKeys === true ? `kms:${id}` : undefined
    this.#encryptionContext = contextOf(options)
    this.#encoding = encoding
    this.#cache = unwrapCache && new UnwrapCache(unwrapCache)
    this.#retry = checkedRetryOptions(retry)
    const { region } = this.#keyName
    if (region !== undefined && client.region !== undefined && region !== client.region) {
      throw new CseError(
        'ERR_CSE_WRONG_REGION',
        `The KMS key ${keyId} is in ${region}, but the client calls ${client.region}. Keys are regional: use the key's region for the client.`,
      )
    }
    // Not a method: the published types would then need the types of Node.js.
    Object.defineProperty(this, inspect.custom, { value: describe })
  }

  /**
   * Lets KMS generate a CEK and wrap both the CEK and `iv`, in two concurrent calls.
   *
   * @param iv - the counter block to wrap: 16 bytes
   * @param options - a signal, which ends the wait and the attempts
   * @returns the CEK (32 bytes, which nobody else uses), and both wrapped values in their header encoding
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if `iv` is not 16 bytes
   * @throws TransportError such as `ERR_CSE_MASTER_KEY_NOT_FOUND`, `ERR_CSE_MASTER_KEY_DISABLED`,
   * `ERR_CSE_ACCESS_DENIED`, `ERR_CSE_THROTTLED`, `ERR_CSE_NETWORK`, `ERR_CSE_TIMEOUT`, `ERR_CSE_CLOCK_SKEW`,
   * `ERR_CSE_CREDENTIALS_EXPIRED`, `ERR_CSE_SERVICE`
   */
  async generateContentKey(iv: Uint8Array, options: CallOptions = {}): Promise<GeneratedContentKey> {
    options.signal?.throwIfAborted()
    if (!types.isUint8Array(iv) || iv.length !== IV_BYTES) {
      throw invalidArgument(`The IV must be a Uint8Array of ${IV_BYTES} bytes.`)
    }
    const request = { keyId: this.keyId, encryptionContext: this.#encryptionContext }
    const [made, wrapped] = await bothOrNone(
      options.signal,
      (signal) => this.#call((client) => client.generateDataKey({ ...request, signal }), signal),
      (signal) => this.#encrypt(iv, signal),
    )
    const cek = decodeBase64(textOf(made.plaintext))
    // This provider would refuse to read a value that another key wrapped.
    const sound = cek?.length === CEK_BYTES && this.#isOurs(made.keyId) && this.#isOurs(wrapped.keyId)
    if (!sound || !isHeaderText(made.ciphertextBlob) || !isHeaderText(wrapped.ciphertextBlob)) {
      if (cek !== undefined) wipe(cek)
      throw unusableResponse('GenerateDataKey and Encrypt')
    }
    return {
      cek,
      wrappedCek: headerOf(made.ciphertextBlob, this.#encoding),
      wrappedIv: headerOf(wrapped.ciphertextBlob, this.#encoding),
    }
  }

  /**
   * Lets KMS wrap the content key of an existing object, in two concurrent calls of Encrypt. `Keyring.rewrap` calls it.
   *
   * **Both requests contain what they encrypt, in plaintext.** With `AlicloudKms`, the CEK is in the URL of the request. TLS
   * protects it on the network, but a proxy that ends TLS, or a log of URLs, shows it. `generateContentKey` sends no CEK.
   *
   * @param contentKey - the CEK (32 bytes) and the IV (16 bytes)
   * @param options - a signal, which ends the wait and the attempts
   * @returns both wrapped values in their header encoding, different for each call
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if a length is wrong
   * @throws TransportError the same as `generateContentKey`
   */
  async wrap(contentKey: ContentKey, options: MasterKeyCallOptions = {}): Promise<WrappedContentKey> {
    const { signal, identified = false } = options
    signal?.throwIfAborted()
    checkContentKey(contentKey)
    const encrypt = async (bytes: Uint8Array, inner: AbortSignal): Promise<string> => {
      const { ciphertextBlob, keyId } = await this.#encrypt(bytes, inner)
      const named = !identified || textOf(keyId) !== ''
      if (!named || !this.#isOurs(keyId) || !isHeaderText(ciphertextBlob)) throw unusableResponse('Encrypt')
      return headerOf(ciphertextBlob, this.#encoding)
    }
    const [wrappedCek, wrappedIv] = await bothOrNone(
      signal,
      (inner) => encrypt(contentKey.cek, inner),
      (inner) => encrypt(contentKey.iv, inner),
    )
    return { wrappedCek, wrappedIv }
  }

  /**
   * Lets KMS unwrap the CEK and the IV of an envelope, in two concurrent calls. If the cache has the key, it makes no
   * call.
   *
   * @param envelope - a V2 envelope, or a V1 envelope with the wrap algorithm `kms`
   * @param options - a signal, which ends the wait and the attempts
   * @returns the CEK (32 bytes) and the IV (16 bytes), which nobody else uses
   * @throws CseError `ERR_CSE_UNWRAP_FAILED`, always the same, if the envelope does not match this key, its context or its
   * passphrase
   * @throws TransportError the same as `generateContentKey`
   */
  async unwrap(envelope: Envelope, options: MasterKeyCallOptions = {}): Promise<ContentKey> {
    const { signal, identified = false } = options
    signal?.throwIfAborted()
    const expected = envelope.version === 1 ? V1_WRAP_ALGORITHM : WRAP_ALGORITHM
    if (envelope.wrapAlgorithm.toLowerCase() !== expected.toLowerCase()) throw unwrapFailed()
    const cache = this.#cache
    if (cache === undefined) return this.#unwrap(envelope, signal, identified)
    const unwrap = (wanted: AbortSignal): Promise<ContentKey> => this.#unwrap(envelope, wanted, identified)
    return cache.get([...this.#partsOf(envelope), String(identified)], unwrap, signal)
  }

  /** Overwrites and removes each unwrapped key in the cache. */
  clearUnwrapCache(): void {
    this.#cache?.clear()
  }

  #unwrap(envelope: Envelope, signal: AbortSignal | undefined, identified: boolean): Promise<ContentKey> {
    const call = { signal, identified }
    if (envelope.version === 1) {
      const { wrappedCek, wrappedStart } = envelope
      return this.#unwrapBoth(call, [[wrappedCek], decodeBase64], [[wrappedStart], parseV1Start])
    }
    const [cekBlobs, ivBlobs] = [blobsOf(envelope.wrappedCek), blobsOf(envelope.wrappedIv)]
    return this.#unwrapBoth(call, [cekBlobs, decodeBase64], [ivBlobs, decodeBase64])
  }

  async #unwrapBoth(
    { signal, identified }: UnwrapCall,
    [cekBlobs, readCek]: Wrapped,
    [ivBlobs, readIv]: Wrapped,
  ): Promise<ContentKey> {
    // KMS is not called if either value cannot be a blob.
    if (cekBlobs.length === 0 || ivBlobs.length === 0) throw unwrapFailed()
    const [cekText, ivText] = await bothOrNone(
      signal,
      (inner) => this.#decrypt(cekBlobs, inner, identified),
      (inner) => this.#decrypt(ivBlobs, inner, identified),
    )
    const cek = readCek(cekText)
    const iv = readIv(ivText)
    if (cek?.length === CEK_BYTES && iv?.length === IV_BYTES) return { cek, iv }
    wipe(...[cek, iv].filter((bytes) => bytes !== undefined))
    throw unwrapFailed()
  }

  /** Encrypts the base64 text of the bytes. */
  #encrypt(bytes: Uint8Array, signal: AbortSignal): Promise<Partial<KmsEncryptResponse>> {
    const request = {
      keyId: this.keyId,
      encryptionContext: this.#encryptionContext,
      plaintext: encodeBase64(bytes),
    }
    return this.#call((client) => client.encrypt({ ...request, signal }), signal)
  }

  /** Decrypts each possible blob of a header in turn, until KMS accepts one. */
  async #decrypt(blobs: readonly string[], signal: AbortSignal, identified: boolean): Promise<string> {
    const encryptionContext = this.#encryptionContext
    for (const ciphertextBlob of blobs) {
      try {
        const { plaintext, keyId } = await this.#call(
          (client) => client.decrypt({ ciphertextBlob, encryptionContext, signal }),
          signal,
        )
        if (typeof plaintext !== 'string' || plaintext === '') throw unusableResponse('Decrypt')
        if (identified && textOf(keyId) === '') throw unusableResponse('Decrypt')
        if (!this.#isOurs(keyId)) throw unwrapFailed()
        return plaintext
      } catch (error) {
        // Only if KMS rejects the blob, the other decoding of the header is tried.
        if (!isMismatch(error)) throw error
      }
    }
    throw unwrapFailed()
  }

  /** KMS decrypts with any key of the account that a blob names. This provider must check that it is its own key. */
  #isOurs(keyId: string | undefined): boolean {
    const { id } = this.#keyName
    return id === undefined || keyId === undefined || parseKeyName(textOf(keyId)).id === id
  }

  /** Each field of a client's response is checked, and even the response may be missing. */
  #call<Result extends object>(
    call: (client: KmsClient) => Promise<Result>,
    signal: AbortSignal,
  ): Promise<Partial<Result>> {
    return callKms(async () => (await call(this.#client)) ?? {}, this.#retry, signal)
  }

  /** Everything that the result of an unwrap depends on. */
  #partsOf(envelope: Envelope): readonly string[] {
    const { version, wrapAlgorithm, materialDescription, wrappedCek } = envelope
    return [
      wrapAlgorithm.toLowerCase(),
      formatMaterialDescription(materialDescription),
      wrappedCek,
      version === 1 ? envelope.wrappedStart : envelope.wrappedIv,
      formatMaterialDescription(this.#encryptionContext ?? {}),
    ]
  }
}

interface UnwrapCall {
  readonly signal: AbortSignal | undefined
  /** See `MasterKeyCallOptions`. */
  readonly identified: boolean
}

/** The possible blobs of a header, and the function that reads their plaintext. */
type Wrapped = readonly [blobs: readonly string[], read: (plaintext: string) => Uint8Array | undefined]

function checkOptions(options: KmsProviderOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw invalidArgument('KmsProvider needs an options object: { client, keyId }.')
  }
  const { client, keyId, passphrase, encoding } = options
  const callable = (['generateDataKey', 'encrypt', 'decrypt'] as const).every(
    (method) => typeof client?.[method] === 'function',
  )
  if (!callable) {
    throw invalidArgument(
      'The `client` option must have generateDataKey, encrypt and decrypt. Wrap a client of @alicloud/kms20160120: new AlicloudKms({ client }).',
    )
  }
  if (typeof keyId !== 'string' || !HEADER_TEXT.test(keyId)) {
    throw invalidArgument('The `keyId` option must be the id, the alias or the ARN of a KMS key.')
  }
  if (passphrase !== undefined && (typeof passphrase !== 'string' || passphrase === '')) {
    throw invalidArgument('The `passphrase` option must be a non-empty string.')
  }
  if (encoding !== undefined && encoding !== 'blob' && encoding !== 'oss2') {
    throw invalidArgument("The `encoding` option must be 'blob' or 'oss2'.")
  }
}

/** The pairs that KMS binds. They include the passphrase, as in oss2/crypto.py `AliKMSProvider`. */
function contextOf({ encryptionContext, passphrase }: KmsProviderOptions): EncryptionContext | undefined {
  if (encryptionContext !== undefined && !isTextMap(encryptionContext)) {
    throw invalidArgument('The `encryptionContext` option must be a plain object of strings.')
  }
  const pairs = Object.entries(encryptionContext ?? {})
  if (passphrase !== undefined) {
    if (pairs.some(([name]) => name === PASSPHRASE)) {
      throw invalidArgument(`Pass either \`passphrase\` or the encryption context "${PASSPHRASE}", not both.`)
    }
    pairs.push([PASSPHRASE, passphrase])
  }
  return pairs.length === 0 ? undefined : Object.freeze(Object.fromEntries(pairs))
}

function describe(this: KmsProvider, _depth: number, options: object): string {
  const { wrapAlgorithm, keyId, materialDescription } = this
  return `KmsProvider ${inspect({ wrapAlgorithm, keyId, materialDescription: { ...materialDescription } }, options)}`
}

function unusableResponse(operation: string): TransportError {
  return new TransportError(
    'ERR_CSE_SERVICE',
    `The response of KMS to ${operation} contains no usable key. Check that the endpoint belongs to KMS.`,
    { retryable: false },
  )
}

function isHeaderText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_HEADER_LENGTH && HEADER_TEXT.test(value)
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function invalidArgument(message: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', message)
}
