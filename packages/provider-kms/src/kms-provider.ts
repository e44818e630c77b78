import { inspect, types } from 'node:util'
import {
  type CallOptions,
  type ContentKey,
  CseError,
  checkedRetryOptions,
  decodeBase64,
  type Envelope,
  encodeBase64,
  type GeneratedContentKey,
  type MasterKeyProvider,
  type MaterialDescription,
  parseV1Start,
  type RetryOptions,
  type RetryPolicy,
  TransportError,
  unwrapFailed,
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
} from '@oss-cse/crypto-core/internal'
import { type KeyName, parseKeyName } from './key-id.ts'
import { callKms } from './kms-call.ts'
import type { EncryptionContext, KmsClient } from './kms-client.ts'
import { cacheName, UnwrapCache, type UnwrapCacheOptions } from './unwrap-cache.ts'
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
  /** Calls KMS: an `AlicloudKms`, or your own client. */
  readonly client: KmsClient
  /**
   * The master key: its id, or its ARN. Objects of another key are then refused. You can also pass an alias, which
   * may point to another key later. Then the provider accepts whatever KMS decrypts, under any key.
   */
  readonly keyId: string
  /** The name of this key in the objects that it encrypts. Default: none. */
  readonly materialDescription?: MaterialDescription | undefined
  /**
   * The pairs that KMS binds to every content key, for encryption and decryption. KMS logs them, so they must not
   * contain secrets.
   */
  readonly encryptionContext?: EncryptionContext | undefined
  /** The passphrase of the Python SDK's `AliKMSProvider`. It is sent as the encryption context `x-passphrase`. */
  readonly passphrase?: string | undefined
  /**
   * The encoding of the wrapped keys in the headers. Both are read. Default `blob`; use `oss2` for the Python SDK
   * oss2.
   */
  readonly encoding?: KmsEncoding | undefined
  /** Caches unwrapped keys for a while. Default: no cache. */
  readonly unwrapCache?: UnwrapCacheOptions | undefined
  /** How a throttled or failed call of KMS is retried. Default: 4 attempts, 200 ms to 10 s apart. */
  readonly retry?: RetryOptions | undefined
}

const WRAP_ALGORITHM = 'KMS/ALICLOUD'
const V1_WRAP_ALGORITHM = 'kms'
const PASSPHRASE = 'x-passphrase'
const HEADER_TEXT = /^[\x21-\x7e]+$/
/** The limit of all metadata of an object together. */
const MAX_HEADER_LENGTH = 8 * 1024

/**
 * A master key in Alibaba Cloud KMS. KMS makes and encrypts each content key, so no request ever contains one in
 * plaintext. Writing and reading an object take two parallel calls each.
 *
 * It reads the objects that the official SDKs wrote under the key: both encodings, and the envelopes of oss2 2.5 to
 * 2.10.
 *
 * @example
 * ```ts
 * const provider = new KmsProvider({ client: new AlicloudKms({ region, accessKeyId, accessKeySecret }), keyId })
 * const bucket = new CryptoBucket({ transport, provider })
 * ```
 */
export class KmsProvider implements MasterKeyProvider {
  /** The name of the algorithm in the envelope. */
  readonly wrapAlgorithm: string = WRAP_ALGORITHM
  /** The name of the same algorithm in the envelopes of oss2 2.5 to 2.10. */
  readonly alsoUnwraps: readonly string[] = [V1_WRAP_ALGORITHM]
  /** The name of this key in the envelopes that it writes; `{}` means no name. */
  readonly materialDescription: MaterialDescription
  /** The master key, as it was passed. */
  readonly keyId: string
  readonly #client: KmsClient
  readonly #keyName: KeyName
  readonly #encryptionContext: EncryptionContext | undefined
  readonly #encoding: KmsEncoding
  readonly #cache: UnwrapCache | undefined
  readonly #retry: RetryPolicy

  /**
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for options that are missing, malformed, or contradict each other;
   *   `ERR_CSE_WRONG_REGION` when the key's ARN names another region than the client's
   */
  constructor(options: KmsProviderOptions) {
    checkOptions(options)
    const { client, keyId, materialDescription = {}, encoding = 'blob', unwrapCache, retry } = options
    this.materialDescription = checkedDescription(materialDescription)
    this.keyId = keyId
    this.#client = client
    this.#keyName = parseKeyName(keyId)
    this.#encryptionContext = contextOf(options)
    this.#encoding = encoding
    this.#cache = unwrapCache && new UnwrapCache(unwrapCache)
    this.#retry = checkedRetryOptions(retry)
    const { region } = this.#keyName
    if (region !== undefined && client.region !== undefined && region !== client.region) {
      throw new CseError(
        'ERR_CSE_WRONG_REGION',
        `The KMS key ${keyId} is in ${region}, but the client uses ${client.region}. Keys are regional. Create the client with the key's region.`,
      )
    }
    // Not a method, so that the published types do not need those of Node.js.
    Object.defineProperty(this, inspect.custom, { value: describe })
  }

  /**
   * Calls KMS to make a CEK, and to wrap it and `iv`: two parallel calls.
   *
   * @param iv - the counter block to wrap: 16 bytes
   * @param options - a signal, which ends the wait and the retries
   * @returns the CEK (32 bytes, for the caller to wipe), and both wrapped, as the headers will contain them
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when `iv` is not 16 bytes; a TransportError, such as
   *   `ERR_CSE_MASTER_KEY_NOT_FOUND`, `ERR_CSE_MASTER_KEY_DISABLED`, `ERR_CSE_ACCESS_DENIED`, `ERR_CSE_THROTTLED`,
   *   `ERR_CSE_NETWORK`, `ERR_CSE_TIMEOUT`, `ERR_CSE_CLOCK_SKEW`, `ERR_CSE_CREDENTIALS_EXPIRED`, `ERR_CSE_SERVICE`
   */
  async generateContentKey(iv: Uint8Array, options: CallOptions = {}): Promise<GeneratedContentKey> {
    options.signal?.throwIfAborted()
    if (!types.isUint8Array(iv) || iv.length !== IV_BYTES) {
      throw invalidArgument(`The IV must be a Uint8Array of ${IV_BYTES} bytes.`)
    }
    const request = { keyId: this.keyId, encryptionContext: this.#encryptionContext }
    const plaintext = encodeBase64(iv)
    const [made, wrapped] = await bothOrNone(
      options.signal,
      (signal) => this.#call((client) => client.generateDataKey({ ...request, signal }), signal),
      (signal) => this.#call((client) => client.encrypt({ ...request, plaintext, signal }), signal),
    )
    const cek = decodeBase64(textOf(made.plaintext))
    // This provider would refuse to read what another key wrapped.
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
   * Calls KMS to unwrap the CEK and the IV of an envelope: two parallel calls, none if the cache has the key.
   *
   * @param envelope - a V2 envelope, or a V1 one whose wrap algorithm is `kms`
   * @param options - a signal, which ends the wait and the retries
   * @returns the CEK (32 bytes) and the IV (16 bytes), for the caller to wipe
   * @throws CseError `ERR_CSE_UNWRAP_FAILED`, always the same, when the envelope does not match this key, or its
   *   context or passphrase; a TransportError as `generateContentKey`
   */
  async unwrap(envelope: Envelope, options: CallOptions = {}): Promise<ContentKey> {
    options.signal?.throwIfAborted()
    const expected = envelope.version === 1 ? V1_WRAP_ALGORITHM : WRAP_ALGORITHM
    if (envelope.wrapAlgorithm.toLowerCase() !== expected.toLowerCase()) throw unwrapFailed()
    const cache = this.#cache
    if (cache === undefined) return this.#unwrap(envelope, options.signal)
    const unwrap = (signal: AbortSignal): Promise<ContentKey> => this.#unwrap(envelope, signal)
    return cache.get(this.#nameOf(envelope), unwrap, options.signal)
  }

  /** Removes and overwrites every unwrapped key in the cache. */
  clearUnwrapCache(): void {
    this.#cache?.clear()
  }

  #unwrap(envelope: Envelope, signal: AbortSignal | undefined): Promise<ContentKey> {
    if (envelope.version === 1) {
      const { wrappedCek, wrappedStart } = envelope
      return this.#unwrapBoth(signal, [[wrappedCek], decodeBase64], [[wrappedStart], parseV1Start])
    }
    const [cekBlobs, ivBlobs] = [blobsOf(envelope.wrappedCek), blobsOf(envelope.wrappedIv)]
    return this.#unwrapBoth(signal, [cekBlobs, decodeBase64], [ivBlobs, decodeBase64])
  }

  async #unwrapBoth(
    signal: AbortSignal | undefined,
    [cekBlobs, readCek]: Wrapped,
    [ivBlobs, readIv]: Wrapped,
  ): Promise<ContentKey> {
    // KMS is not called for an envelope with a half that cannot be a blob.
    if (cekBlobs.length === 0 || ivBlobs.length === 0) throw unwrapFailed()
    const [cekText, ivText] = await bothOrNone(
      signal,
      (inner) => this.#decrypt(cekBlobs, inner),
      (inner) => this.#decrypt(ivBlobs, inner),
    )
    const cek = readCek(cekText)
    const iv = readIv(ivText)
    if (cek?.length === CEK_BYTES && iv?.length === IV_BYTES) return { cek, iv }
    wipe(...[cek, iv].filter((bytes) => bytes !== undefined))
    throw unwrapFailed()
  }

  /** Tries each blob that a header may contain, until KMS accepts one. */
  async #decrypt(blobs: readonly string[], signal: AbortSignal): Promise<string> {
    const encryptionContext = this.#encryptionContext
    for (const ciphertextBlob of blobs) {
      try {
        const { plaintext, keyId } = await this.#call(
          (client) => client.decrypt({ ciphertextBlob, encryptionContext, signal }),
          signal,
        )
        if (typeof plaintext !== 'string' || plaintext === '') throw unusableResponse('Decrypt')
        if (!this.#isOurs(keyId)) throw unwrapFailed()
        return plaintext
      } catch (error) {
        // Only an invalid blob leads to the other reading of the header.
        if (!isMismatch(error)) throw error
      }
    }
    throw unwrapFailed()
  }

  /** KMS decrypts under any key of the account that a blob names. Check here that it is this key. */
  #isOurs(keyId: string | undefined): boolean {
    const { id } = this.#keyName
    return id === undefined || keyId === undefined || parseKeyName(textOf(keyId)).id === id
  }

  /** The response of a client is checked field by field, even if it is missing. */
  #call<Response extends object>(
    call: (client: KmsClient) => Promise<Response>,
    signal: AbortSignal,
  ): Promise<Partial<Response>> {
    return callKms(async () => (await call(this.#client)) ?? {}, this.#retry, signal)
  }

  #nameOf(envelope: Envelope): string {
    const { version, wrapAlgorithm, materialDescription, wrappedCek } = envelope
    return cacheName([
      wrapAlgorithm.toLowerCase(),
      formatMaterialDescription(materialDescription),
      wrappedCek,
      version === 1 ? envelope.wrappedStart : envelope.wrappedIv,
      formatMaterialDescription(this.#encryptionContext ?? {}),
    ])
  }
}

/** The blobs that a header may contain, and how to read their plaintext. */
type Wrapped = readonly [blobs: readonly string[], read: (plaintext: string) => Uint8Array | undefined]

function checkOptions(options: KmsProviderOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw invalidArgument('KmsProvider needs an object of options: { client, keyId }.')
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

/** Returns the pairs that KMS binds, with the passphrase as in oss2/crypto.py `AliKMSProvider`. */
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
    `The response of KMS to ${operation} has no usable key. Check that the endpoint is that of KMS.`,
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
