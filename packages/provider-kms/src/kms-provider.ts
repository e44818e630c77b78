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
  isMisfit,
  isTextMap,
} from '@oss-cse/crypto-core/internal'
import { type KeyName, parseKeyName } from './key-id.ts'
import { callKms } from './kms-call.ts'
import type { EncryptionContext, KmsClient } from './kms-client.ts'
import { cacheName, UnwrapCache, type UnwrapCacheOptions } from './unwrap-cache.ts'
import { blobsOf, headerOf, type KmsEncoding } from './wrapped-text.ts'

/**
 * What a {@link KmsProvider} is built from.
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
  /** Calls KMS: an `AlicloudKms`, or one of your own. */
  readonly client: KmsClient
  /**
   * The master key: its id, or its ARN. An object of another key is then refused. With an alias, which may move from
   * key to key, what KMS decrypts is accepted whichever key it was.
   */
  readonly keyId: string
  /** Names this key in the objects that it encrypts. Nothing by default. */
  readonly materialDescription?: MaterialDescription | undefined
  /** What KMS binds to every content key, in writing and in reading. KMS logs it: no secrets in it. */
  readonly encryptionContext?: EncryptionContext | undefined
  /** The passphrase of the Python SDK's `AliKMSProvider`: it goes as the encryption context `x-passphrase`. */
  readonly passphrase?: string | undefined
  /** How the wrapped keys stand in the headers; both are read. Default `blob`; `oss2` for the Python SDK oss2. */
  readonly encoding?: KmsEncoding | undefined
  /** Keeps unwrapped keys for a while. Default: none is kept. */
  readonly unwrapCache?: UnwrapCacheOptions | undefined
  /** When a throttled or failed call of KMS is sent again. Default: 4 attempts, 200 ms to 10 s apart. */
  readonly retry?: RetryOptions | undefined
}

const WRAP_ALGORITHM = 'KMS/ALICLOUD'
const V1_WRAP_ALGORITHM = 'kms'
const PASSPHRASE = 'x-passphrase'
const HEADER_TEXT = /^[\x21-\x7e]+$/
/** All metadata of an object together. */
const MAX_HEADER_LENGTH = 8 * 1024

/**
 * A master key in Alibaba Cloud KMS. KMS makes each content key and encrypts it, so that no request ever holds one in
 * clear; writing and reading an object are two calls each, at the same time.
 *
 * It reads what the official SDKs wrote under the key: both encodings, and the envelopes of oss2 2.5 to 2.10.
 *
 * @example
 * ```ts
 * const provider = new KmsProvider({ client: new AlicloudKms({ region, accessKeyId, accessKeySecret }), keyId })
 * const bucket = new CryptoBucket({ transport, provider })
 * ```
 */
export class KmsProvider implements MasterKeyProvider {
  /** The algorithm's name as it stands in the envelope. */
  readonly wrapAlgorithm: string = WRAP_ALGORITHM
  /** What the same key is called in the envelopes of oss2 2.5 to 2.10. */
  readonly alsoUnwraps: readonly string[] = [V1_WRAP_ALGORITHM]
  /** Names this key in the envelopes that it writes; `{}` names nothing. */
  readonly materialDescription: MaterialDescription
  /** The master key, as it was given. */
  readonly keyId: string
  readonly #client: KmsClient
  readonly #keyName: KeyName
  readonly #encryptionContext: EncryptionContext | undefined
  readonly #encoding: KmsEncoding
  readonly #cache: UnwrapCache | undefined
  readonly #retry: RetryPolicy

  /**
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for options that are missing, malformed, or contradict each other;
   * `ERR_CSE_WRONG_REGION` when the key's ARN names another region than the client's
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
        `The KMS key ${keyId} is in ${region}, and the client asks ${client.region}: keys are regional. Give the client the key's region.`,
      )
    }
    // Not a method, so that the published types do not need those of Node.js.
    Object.defineProperty(this, inspect.custom, { value: describe })
  }

  /**
   * Has KMS make a CEK, and wrap it and `iv`: two calls at the same time.
   *
   * @param iv - the counter block to wrap: 16 bytes
   * @param options - a signal, which ends the wait and the attempts
   * @returns the CEK (32 bytes, for the caller to wipe), and both wrapped, as the headers will hold them
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when `iv` is not 16 bytes; a TransportError, such as
   * `ERR_CSE_MASTER_KEY_NOT_FOUND`, `ERR_CSE_MASTER_KEY_DISABLED`, `ERR_CSE_ACCESS_DENIED`, `ERR_CSE_THROTTLED`,
   * `ERR_CSE_NETWORK`, `ERR_CSE_TIMEOUT`, `ERR_CSE_CLOCK_SKEW`, `ERR_CSE_CREDENTIALS_EXPIRED`, `ERR_CSE_SERVICE`
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
    // What another key wrapped, this provider would refuse to read.
    const sound = cek?.length === CEK_BYTES && this.#isOurs(made.keyId) && this.#isOurs(wrapped.keyId)
    if (!sound || !isHeaderText(made.ciphertextBlob) || !isHeaderText(wrapped.ciphertextBlob)) {
      if (cek !== undefined) wipe(cek)
      throw unusableAnswer('GenerateDataKey and Encrypt')
    }
    return {
      cek,
      wrappedCek: headerOf(made.ciphertextBlob, this.#encoding),
      wrappedIv: headerOf(wrapped.ciphertextBlob, this.#encoding),
    }
  }

  /**
   * Has KMS unwrap an envelope's CEK and IV: two calls at the same time, none when the cache has the key.
   *
   * @param envelope - a V2 envelope, or a V1 one whose wrap algorithm is `kms`
   * @param options - a signal, which ends the wait and the attempts
   * @returns the CEK (32 bytes) and the IV (16 bytes), for the caller to wipe
   * @throws CseError `ERR_CSE_UNWRAP_FAILED`, always the same, when the envelope does not fit this key, or its context
   * or passphrase; a TransportError as `generateContentKey`
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

  /** Forgets, and overwrites, every unwrapped key that the cache holds. */
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
    // Nothing is asked about an envelope of which one half cannot be a blob.
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

  /** Asks for each of the blobs that a header may hold, until KMS takes one for its own. */
  async #decrypt(blobs: readonly string[], signal: AbortSignal): Promise<string> {
    const encryptionContext = this.#encryptionContext
    for (const ciphertextBlob of blobs) {
      try {
        const { plaintext, keyId } = await this.#call(
          (client) => client.decrypt({ ciphertextBlob, encryptionContext, signal }),
          signal,
        )
        if (typeof plaintext !== 'string' || plaintext === '') throw unusableAnswer('Decrypt')
        if (!this.#isOurs(keyId)) throw unwrapFailed()
        return plaintext
      } catch (error) {
        // Only a blob that is none moves on to the other reading of the header.
        if (!isMisfit(error)) throw error
      }
    }
    throw unwrapFailed()
  }

  /** KMS decrypts under whatever key of the account a blob names: that it is this one is for us to say. */
  #isOurs(keyId: string | undefined): boolean {
    const { id } = this.#keyName
    return id === undefined || keyId === undefined || parseKeyName(textOf(keyId)).id === id
  }

  /** Whatever a client answers is judged field by field: also nothing at all. */
  #call<Answer extends object>(
    call: (client: KmsClient) => Promise<Answer>,
    signal: AbortSignal,
  ): Promise<Partial<Answer>> {
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

/** The blobs that a header may hold, and how what KMS makes of them is read. */
type Wrapped = readonly [blobs: readonly string[], read: (plaintext: string) => Uint8Array | undefined]

function checkOptions(options: KmsProviderOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw invalidArgument('KmsProvider takes an object of options: { client, keyId }.')
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
    throw invalidArgument('The `passphrase` option must be a text that is not empty.')
  }
  if (encoding !== undefined && encoding !== 'blob' && encoding !== 'oss2') {
    throw invalidArgument("The `encoding` option is 'blob' or 'oss2'.")
  }
}

/** The pairs that KMS binds, the passphrase among them as oss2/crypto.py `AliKMSProvider` has it. */
function contextOf({ encryptionContext, passphrase }: KmsProviderOptions): EncryptionContext | undefined {
  if (encryptionContext !== undefined && !isTextMap(encryptionContext)) {
    throw invalidArgument('The `encryptionContext` option must be a plain object of strings.')
  }
  const pairs = Object.entries(encryptionContext ?? {})
  if (passphrase !== undefined) {
    if (pairs.some(([name]) => name === PASSPHRASE)) {
      throw invalidArgument(`Give either \`passphrase\` or the encryption context "${PASSPHRASE}", not both.`)
    }
    pairs.push([PASSPHRASE, passphrase])
  }
  return pairs.length === 0 ? undefined : Object.freeze(Object.fromEntries(pairs))
}

function describe(this: KmsProvider, _depth: number, options: object): string {
  const { wrapAlgorithm, keyId, materialDescription } = this
  return `KmsProvider ${inspect({ wrapAlgorithm, keyId, materialDescription: { ...materialDescription } }, options)}`
}

function unusableAnswer(operation: string): TransportError {
  return new TransportError(
    'ERR_CSE_SERVICE',
    `KMS answered ${operation} without a key that can be used. Check that the endpoint is one of KMS.`,
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
