import {
  type AccessCredentials,
  type CredentialsProvider,
  CseError,
  TransportError,
} from '@oss-cse/crypto-core'
import { type AskCredentialsOptions, askCredentials } from '@oss-cse/crypto-core/internal'
import {
  type KmsCallContext,
  type KmsOperation,
  kmsFailure,
  kmsResponseTooLarge,
  kmsTimeout,
} from './alicloud-errors.ts'
import { type AlicloudSdkClient, loadAlicloudSdk } from './alicloud-sdk.ts'
import { boundedCall } from './bounded-call.ts'
import type {
  EncryptionContext,
  KmsClient,
  KmsDecryptRequest,
  KmsDecryptResponse,
  KmsEncryptRequest,
  KmsEncryptResponse,
  KmsGenerateDataKeyRequest,
  KmsGenerateDataKeyResponse,
} from './kms-client.ts'

/** The options of each KMS client. */
interface AlicloudKmsTimeouts {
  /**
   * The time limit of a call in milliseconds. The call throws `ERR_CSE_TIMEOUT` if its response is not complete by then.
   * Default 10,000.
   */
  readonly timeoutMs?: number | undefined
}

/**
 * Options of an {@link AlicloudKms} with your own client.
 *
 * @example
 * ```ts
 * const options: AlicloudKmsClientOptions = { client: new kms.default(config), region: 'cn-hangzhou' }
 * ```
 */
export interface AlicloudKmsClientOptions extends AlicloudKmsTimeouts {
  /** A client of `@alicloud/kms20160120` 1.2: `new kms.default(config)`. */
  readonly client: AlicloudSdkClient
  /** The region of the client. It serves to refuse an ARN of another region. */
  readonly region?: string | undefined
}

/**
 * Options of an {@link AlicloudKms} that makes its client. Pass either an access key or `credentials`.
 *
 * @example
 * ```ts
 * const options: AlicloudKmsConnectionOptions = { region: 'cn-hangzhou', credentials: new Credential() }
 * ```
 */
export interface AlicloudKmsConnectionOptions extends AlicloudKmsTimeouts {
  /** The region of the key, such as `cn-hangzhou`. */
  readonly region: string
  /**
   * The host of KMS, optionally with `https://` or `http://` before it. Default `kms.REGION.aliyuncs.com`.
   *
   * If another issuer signed its certificate (a dedicated gateway, an emulator), name that issuer in the environment
   * variable `NODE_EXTRA_CA_CERTS` before the process starts.
   */
  readonly endpoint?: string | undefined
  readonly accessKeyId?: string | undefined
  readonly accessKeySecret?: string | undefined
  /** The token of temporary (STS) credentials. */
  readonly securityToken?: string | undefined
  /**
   * The source of the credentials: a `Credential` of `@alicloud/credentials`, or an object with such a `getCredential`.
   * It is called before each KMS call.
   */
  readonly credentials?: CredentialsProvider | undefined
}

/** Options of an {@link AlicloudKms}. */
export type AlicloudKmsOptions = AlicloudKmsClientOptions | AlicloudKmsConnectionOptions

const DEFAULT_TIMEOUT_MS = 10_000
const MAX_TIMEOUT_MS = 2 ** 31 - 1
/** A response of KMS has a few kilobytes. */
const MAX_RESPONSE_BYTES = 1024 * 1024
const LOOPBACK = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/
const REGIONAL_HOST = /^kms(?:-vpc|-intl)?\.([a-z0-9-]+)\.aliyuncs\.com$/

/**
 * A client of Alibaba Cloud KMS. It uses `@alicloud/kms20160120`, which you install beside this package.
 *
 * Each call is one request. A `KmsProvider` retries the calls that are worth it.
 *
 * An error names the operation, the key, and KMS's own code and request id. It contains nothing else of the request or
 * the response. A response must be complete within `timeoutMs` and have at most 1 MiB. If it exceeds either limit, or
 * the call is aborted, its connection is closed.
 *
 * @example
 * ```ts
 * const client = new AlicloudKms({ region: 'cn-hangzhou', accessKeyId, accessKeySecret })
 * const provider = new KmsProvider({ client, keyId })
 * ```
 */
export class AlicloudKms implements KmsClient {
  /** The region of the KMS that it calls, if known. */
  readonly region: string | undefined
  /** Each response of KMS names the key that was used. */
  readonly namesKeys: boolean = true
  readonly #clientOf: ClientOf
  readonly #asksForCredentials: boolean
  readonly #timeoutMs: number
  /** The name of the service in errors. */
  readonly #place: string

  /**
   * @param options - your own client, or the options to make one
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if options are missing, malformed or contradictory, or if
   * `@alicloud/kms20160120` is missing or has the wrong version
   * @throws CseError `ERR_CSE_WRONG_REGION` if the region and the endpoint do not match
   */
  constructor(options: AlicloudKmsOptions) {
    if (typeof options !== 'object' || options === null) {
      throw invalid('AlicloudKms needs options: { client } or { region, … }.')
    }
    this.#timeoutMs = checkedTimeout(options.timeoutMs)
    if ('client' in options && options.client !== undefined) {
      checkClient(options)
      const { client, region } = options
      this.region = region
      this.#place = region ?? 'KMS'
      this.#asksForCredentials = false
      this.#clientOf = async () => client
      return
    }
    const { region, endpoint, asksForCredentials } = checkedConnection(
      options as AlicloudKmsConnectionOptions,
    )
    this.region = region
    this.#asksForCredentials = asksForCredentials
    this.#place = `${region} (${endpoint.host})`
    this.#clientOf = clientMaker(options as AlicloudKmsConnectionOptions, region, endpoint)
  }

  /** Calls GenerateDataKey for a key of 32 bytes. See `KmsClient`. */
  async generateDataKey(request: KmsGenerateDataKeyRequest): Promise<KmsGenerateDataKeyResponse> {
    const { keyId, encryptionContext, signal } = request
    const parameters = { KeyId: keyId, KeySpec: 'AES_256', NumberOfBytes: 32 }
    return this.#call('GenerateDataKey', keyId, { ...parameters, ...contextOf(encryptionContext) }, signal)
  }

  /** Calls Encrypt. See `KmsClient`. */
  async encrypt(request: KmsEncryptRequest): Promise<KmsEncryptResponse> {
    const { keyId, plaintext, encryptionContext, signal } = request
    const parameters = { KeyId: keyId, Plaintext: plaintext }
    return this.#call('Encrypt', keyId, { ...parameters, ...contextOf(encryptionContext) }, signal)
  }

  /** Calls Decrypt. See `KmsClient`. */
  async decrypt({
    ciphertextBlob,
    encryptionContext,
    signal,
  }: KmsDecryptRequest): Promise<KmsDecryptResponse> {
    const parameters = { CiphertextBlob: ciphertextBlob, ...contextOf(encryptionContext) }
    return this.#call('Decrypt', undefined, parameters, signal)
  }

  async #call<Result>(
    operation: KmsOperation,
    keyId: string | undefined,
    parameters: Readonly<Record<string, unknown>>,
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    signal?.throwIfAborted()
    const timeoutMs = this.#timeoutMs
    const client = await this.#clientOf({ timeoutMs, signal })
    // The parameters have their names on the wire. The SDK's own request classes treat a context as a map, flatten it
    // into parameters that KMS does not know, and send names of another case unchanged (kms20160120 1.2.0
    // dist/client.js).
    const request = { toMap: () => parameters }
    // connectTimeout is also the idle timeout of the socket (httpx 2.3 lib/index.js).
    const runtime = { readTimeout: timeoutMs, connectTimeout: timeoutMs }
    const place = this.#place
    const asksForCredentials = this.#asksForCredentials
    const context: KmsCallContext = { operation, keyId, place, timeoutMs, asksForCredentials }
    try {
      return (await boundedCall(() => send(client, operation, request, runtime), {
        timeoutMs,
        maxResponseBytes: MAX_RESPONSE_BYTES,
        signal,
        timedOut: () => kmsTimeout(context),
        tooLarge: () => kmsResponseTooLarge(context, MAX_RESPONSE_BYTES),
      })) as Result
    } catch (error) {
      signal?.throwIfAborted()
      throw kmsFailure(context, error)
    }
  }
}

function send(
  client: AlicloudSdkClient,
  operation: KmsOperation,
  request: object,
  runtime: object,
): Promise<unknown> {
  switch (operation) {
    case 'GenerateDataKey':
      return client.generateDataKeyEx(request as never, runtime as never)
    case 'Encrypt':
      return client.encryptEx(request as never, runtime as never)
    case 'Decrypt':
      return client.decryptEx(request as never, runtime as never)
  }
}

/** Returns the client for one call, with the current credentials. */
type ClientOf = (waiting: AskCredentialsOptions) => Promise<AlicloudSdkClient>

/** The context as JSON text, which is what the service expects. */
function contextOf(context: EncryptionContext | undefined): { readonly EncryptionContext?: string } {
  return context === undefined ? {} : { EncryptionContext: JSON.stringify(context) }
}

/**
 * Makes a new client for each set of credentials. A client that gets the key, the secret and the token one after the
 * other, as @alicloud/rpc-client 1.3 does, could mix an old key with a new secret.
 */
function clientMaker(options: AlicloudKmsConnectionOptions, region: string, endpoint: URL): ClientOf {
  const Client = loadAlicloudSdk()
  const make = ({ accessKeyId, accessKeySecret, securityToken }: AccessCredentials): AlicloudSdkClient =>
    new Client({
      accessKeyId,
      accessKeySecret,
      ...(securityToken !== undefined && { securityToken }),
      regionId: region,
      endpoint: endpoint.host,
      protocol: endpoint.protocol.slice(0, -1),
    })
  const { accessKeyId = '', accessKeySecret = '', securityToken, credentials } = options
  if (credentials === undefined) {
    // The value of an environment variable often ends with a line break.
    const client = make({
      accessKeyId: accessKeyId.trim(),
      accessKeySecret: accessKeySecret.trim(),
      securityToken: securityToken?.trim(),
    })
    return async () => client
  }
  let last: { readonly name: string; readonly client: AlicloudSdkClient } | undefined
  return async (waiting) => {
    const current = await currentCredentials(credentials, waiting)
    const name = JSON.stringify([current.accessKeyId, current.accessKeySecret, current.securityToken])
    if (last?.name !== name) last = { name, client: make(current) }
    return last.client
  }
}

async function currentCredentials(
  credentials: CredentialsProvider,
  options: AskCredentialsOptions,
): Promise<AccessCredentials> {
  try {
    return await askCredentials(credentials, options)
  } catch (cause) {
    options.signal?.throwIfAborted()
    if (CseError.isInstance(cause)) throw cause
    const message =
      'No request was sent: the `credentials` for KMS returned none. The cause is their own error.'
    throw new TransportError('ERR_CSE_ACCESS_DENIED', message, { retryable: true, cause })
  }
}

function checkClient({ client, ...others }: AlicloudKmsClientOptions): void {
  if (others.region !== undefined) checkRegion(others.region)
  const rest = Object.entries(others).filter(
    ([name, value]) => name !== 'region' && name !== 'timeoutMs' && value !== undefined,
  )
  if (rest.length > 0) {
    throw invalid(
      `\`client\` already determines ${rest.map(([name]) => `\`${name}\``).join(', ')}. Pass either a client or the options to make one.`,
    )
  }
  const callable = (['generateDataKeyEx', 'encryptEx', 'decryptEx'] as const).every(
    (method) => typeof client?.[method] === 'function',
  )
  if (!callable) {
    throw invalid(
      "`client` is not a client of @alicloud/kms20160120. Pass the result of `new kms.default(config)`, where `import kms from '@alicloud/kms20160120'`.",
    )
  }
}

function checkedConnection(options: AlicloudKmsConnectionOptions): {
  readonly region: string
  readonly endpoint: URL
  readonly asksForCredentials: boolean
} {
  const { region, accessKeyId, accessKeySecret, securityToken, credentials } = options
  checkRegion(region)
  const fixed = [accessKeyId, accessKeySecret, securityToken]
  if (credentials !== undefined) {
    if (fixed.some((part) => part !== undefined)) {
      throw invalid('Pass either `credentials`, or `accessKeyId` and `accessKeySecret`, not both.')
    }
    if (typeof credentials?.getCredential !== 'function') {
      throw invalid(
        '`credentials` must have a getCredential() method, as a Credential of @alicloud/credentials does.',
      )
    }
  } else if (!isText(accessKeyId) || !isText(accessKeySecret)) {
    throw invalid(
      '`accessKeyId` and `accessKeySecret` are missing. Pass both, or `credentials`, or a `client` that has them.',
    )
  } else if (securityToken !== undefined && !isText(securityToken)) {
    throw invalid('`securityToken` must be a non-empty string.')
  }
  const endpoint = checkedEndpoint(options.endpoint ?? `kms.${region}.aliyuncs.com`)
  const there = REGIONAL_HOST.exec(endpoint.hostname)?.[1]
  if (there !== undefined && there !== region) {
    throw new CseError(
      'ERR_CSE_WRONG_REGION',
      `\`region\` is ${region}, but \`endpoint\` is in ${there}. Keys are regional, so both must match.`,
    )
  }
  return { region, endpoint, asksForCredentials: credentials !== undefined }
}

function checkRegion(region: string): void {
  if (typeof region !== 'string' || !/^[a-z0-9-]+$/.test(region)) {
    throw invalid('`region` is missing or malformed. Pass the region of the key, such as "cn-hangzhou".')
  }
}

function checkedEndpoint(text: string): URL {
  const address = text.includes('://') ? text : `https://${text}`
  const url = URL.canParse(address) ? new URL(address) : undefined
  const bare =
    url?.pathname === '/' &&
    url.search === '' &&
    url.hash === '' &&
    url.username === '' &&
    url.password === ''
  if (url && bare && url.protocol === 'http:' && !LOOPBACK.test(url.hostname)) {
    throw invalid(
      '`endpoint` begins with http://, so KMS would send content keys in plaintext. Use https://. Only an address of this machine may use http://.',
    )
  }
  if (url && bare && (url.protocol === 'https:' || url.protocol === 'http:')) return url
  throw invalid(
    '`endpoint` must be the host of KMS, such as "kms.cn-hangzhou.aliyuncs.com". It may have http:// or https:// before it and a port after it, and nothing else.',
  )
}

function checkedTimeout(timeoutMs: number = DEFAULT_TIMEOUT_MS): number {
  if (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= MAX_TIMEOUT_MS) return timeoutMs
  throw invalid(`\`timeoutMs\` must be a whole number of milliseconds from 1 to ${MAX_TIMEOUT_MS}.`)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== ''
}

function invalid(message: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', message)
}
