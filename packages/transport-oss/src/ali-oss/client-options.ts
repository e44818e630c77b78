import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { isIP } from 'node:net'
import { type CredentialsProvider, CseError } from '@oss-cse/crypto-core'
import { MAX_TIMER_MS } from '@oss-cse/crypto-core/internal'
import OSS from 'ali-oss'
import { type AliOssClient, checkedClient } from './ali-oss-client.ts'
import { ClientTokenRefresher } from './client-token-refresher.ts'
import { CredentialRefresher, type Refresher } from './credential-refresher.ts'
import type { OssClient } from './oss-client.ts'

const DEFAULT_IDLE_TIMEOUT_MS = 60_000
/** As long as ali-oss keeps an unused connection: the service closes its end later than that. */
const FREE_SOCKET_MS = 15_000
/**
 * ali-oss 6.23 lib/common/client/initOptions.js wants a key at once. This one never signs: where there are
 * `credentials`, each call works on a view of the client that has what they gave, and there is no view before that.
 */
const PLACEHOLDER = 'given by credentials'
const SOCKET_BUFFER_BYTES = 256 * 1024

/** How a transport waits. */
export interface OssTimeoutOptions {
  /**
   * After how many milliseconds without a byte in either direction a request fails with `ERR_CSE_TIMEOUT`: while
   * connecting, sending, waiting for the answer and reading it. The time that a body's source or its reader takes
   * does not count. There is no limit on the whole. Default 60,000.
   */
  readonly idleTimeoutMs?: number | undefined
}

/** A transport on an ali-oss client that you made. */
export interface OssClientOptions extends OssTimeoutOptions {
  /** The result of `new OSS({ bucket, … })`. The transport changes nothing of it but the credentials that its own `refreshSTSToken` gave. */
  readonly client: OssClient
}

/** A transport that makes its own ali-oss client. */
export interface OssConnectionOptions extends OssTimeoutOptions {
  readonly bucket: string
  /** `cn-hangzhou` or `oss-cn-hangzhou`: part of every V4 signature, so needed with an endpoint too. */
  readonly region: string
  /** Where the service is, such as `https://oss-cn-hangzhou-internal.aliyuncs.com`. Default: the region's public endpoint. */
  readonly endpoint?: string | undefined
  /** The access key of a user, or of temporary (STS) credentials. Needed unless there are `credentials`. */
  readonly accessKeyId?: string | undefined
  readonly accessKeySecret?: string | undefined
  /** The token of temporary credentials. */
  readonly securityToken?: string | undefined
  /**
   * Gives the credentials, and newer ones before they expire, in place of `accessKeyId`, `accessKeySecret` and
   * `securityToken`. A `Credential` of `@alicloud/credentials` is one, as it is. Asked before the first request, and
   * before a later one when the last were given more than a minute ago or were refused; once for all requests that
   * wait. A request keeps what it was signed with.
   */
  readonly credentials?: CredentialsProvider | undefined
  /**
   * Where the bucket stands in the address: in the host (`virtual`), in the path (`path`), or nowhere, because
   * the endpoint is a domain bound to the bucket (`cname`). Default: `path` for localhost and IP addresses, else
   * `virtual`.
   */
  readonly addressing?: 'virtual' | 'path' | 'cname' | undefined
  /** The signature's version. Default `v4`. */
  readonly signature?: 'v4' | 'v1' | undefined
  /** HTTPS. Default true, unless `endpoint` begins with `http://`. */
  readonly secure?: boolean | undefined
}

/** What a transport is made of. */
export type OssTransportOptions = OssClientOptions | OssConnectionOptions

/** A client and what the transport has to know of it. */
export interface Connection {
  readonly client: AliOssClient
  readonly bucket: string
  /** The endpoint and the bucket, without credentials. */
  readonly location: string
  readonly idleTimeoutMs: number
  readonly plainHost: boolean
  readonly refresher: Refresher
  /** How the caller renews credentials that have expired, in the words of the options that were given. */
  readonly renewalHint: string
}

/**
 * Makes or takes the client.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function connect(options: OssTransportOptions): Connection {
  if (typeof options !== 'object' || options === null)
    throw invalid('OssTransport needs options: { client } or { bucket, region, … }.')
  const idleTimeoutMs = checkedTimeout(options.idleTimeoutMs)
  if ('client' in options && options.client !== undefined) {
    const others = Object.entries(options).filter(
      ([name, value]) => name !== 'client' && name !== 'idleTimeoutMs' && value !== undefined,
    )
    if (others.length > 0) {
      throw invalid(
        `\`client\` already settles ${others.map(([name]) => `\`${name}\``).join(', ')}: pass either a client or the options to make one.`,
      )
    }
    const client = checkedClient(options.client)
    const { bucket } = client.options
    return {
      client,
      bucket,
      location: locationOf(client),
      idleTimeoutMs,
      plainHost: false,
      refresher: new ClientTokenRefresher(client, idleTimeoutMs),
      renewalHint: 'Make the ali-oss client with a `refreshSTSToken` that gives newer credentials.',
    }
  }
  return makeConnection(options as OssConnectionOptions, idleTimeoutMs)
}

function makeConnection(options: OssConnectionOptions, idleTimeoutMs: number): Connection {
  const { bucket, credentials, signature = 'v4' } = options
  checkBucketName(bucket)
  const region = checkedRegion(options.region)
  checkCredentials(options)
  if (signature !== 'v4' && signature !== 'v1') throw invalid('`signature` must be "v4" or "v1".')
  const endpoint = checkedEndpoint(options)
  const addressing = checkedAddressing(options, endpoint)
  const secure = endpoint?.protocol === 'https:' || (endpoint === undefined && options.secure !== false)

  // Node's own agents only close a connection for its silence while it is unused.
  const agentOptions = { keepAlive: true, timeout: FREE_SOCKET_MS, highWaterMark: SOCKET_BUFFER_BYTES }
  const clientOptions = {
    bucket,
    region: `oss-${region}`,
    ...signerOptions(options),
    secure,
    authorizationV4: signature === 'v4',
    sldEnable: addressing === 'path',
    cname: addressing === 'cname',
    // Its HTTP calls are ours and its retries are the caller's.
    retryMax: 0,
    ...(secure ? { httpsAgent: new HttpsAgent(agentOptions) } : { agent: new HttpAgent(agentOptions) }),
    ...(endpoint !== undefined && { endpoint: endpoint.origin }),
  }
  let client: AliOssClient
  try {
    client = new OSS(clientOptions as OSS.Options) as unknown as AliOssClient
  } catch {
    throw invalid('ali-oss does not accept these options: check `endpoint`, `region` and `bucket`.')
  }
  return {
    client,
    bucket,
    location: locationOf(client),
    idleTimeoutMs,
    plainHost: addressing === 'path',
    refresher:
      credentials === undefined
        ? new ClientTokenRefresher(client, idleTimeoutMs)
        : new CredentialRefresher(credentials, idleTimeoutMs),
    renewalHint: 'Renew the security token, or pass `credentials` that renew themselves.',
  }
}

/** Either an access key or who gives one. */
function checkCredentials(options: OssConnectionOptions): void {
  const { accessKeyId, accessKeySecret, securityToken, credentials } = options
  const literals = Object.entries({ accessKeyId, accessKeySecret, securityToken })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => `\`${name}\``)
  if (credentials === undefined) {
    if (literals.length === 0) {
      throw invalid(
        'There are no credentials: pass `accessKeyId` and `accessKeySecret`, or `credentials`, or a client that has them as `client`.',
      )
    }
    requireText(accessKeyId, 'accessKeyId')
    requireText(accessKeySecret, 'accessKeySecret')
    if (securityToken !== undefined) requireText(securityToken, 'securityToken')
    return
  }
  if (literals.length > 0) {
    throw invalid(
      `\`credentials\` stands in place of ${literals.join(', ')}: pass either an access key or who gives one.`,
    )
  }
  if (typeof credentials?.getCredential !== 'function') {
    throw invalid(
      '`credentials` must have a function getCredential() that resolves to { accessKeyId, accessKeySecret, securityToken? }, such as a `new Credential()` of @alicloud/credentials.',
    )
  }
}

/** What ali-oss is told to sign with. */
function signerOptions({
  accessKeyId = PLACEHOLDER,
  accessKeySecret = PLACEHOLDER,
  securityToken,
}: OssConnectionOptions): Pick<
  OSS.Options,
  'accessKeyId' | 'accessKeySecret' | 'stsToken' | 'refreshSTSTokenInterval'
> {
  if (securityToken === undefined) return { accessKeyId, accessKeySecret }
  // Any interval keeps ali-oss 6.23 lib/common/client/initOptions.js from advising on the console.
  return { accessKeyId, accessKeySecret, stsToken: securityToken, refreshSTSTokenInterval: MAX_TIMER_MS }
}

/** The endpoint as ali-oss parsed it, and the bucket. */
function locationOf({ options: { endpoint, bucket } }: AliOssClient): string {
  return `${endpoint?.protocol ?? ''}//${endpoint?.host ?? ''}/${bucket}`
}

/**
 * Refuses what no bucket is called.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function checkBucketName(bucket: string): void {
  if (typeof bucket !== 'string' || !/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(bucket)) {
    throw invalid(
      `\`bucket\` must be the name of a bucket (3 to 63 lower-case letters, digits and hyphens), not ${JSON.stringify(bucket)}.`,
    )
  }
}

function checkedRegion(region: string): string {
  if (typeof region !== 'string' || !/^[a-z0-9-]+$/.test(region)) {
    throw invalid('`region` is missing or malformed: pass the bucket\'s region, such as "cn-hangzhou".')
  }
  return region.replace(/^oss-/, '')
}

function checkedEndpoint({ endpoint, secure }: OssConnectionOptions): URL | undefined {
  if (endpoint === undefined) return undefined
  const text = String(endpoint)
  let url: URL
  try {
    url = new URL(text.includes('://') ? text : `${secure === false ? 'http' : 'https'}://${text}`)
  } catch {
    throw invalid('`endpoint` is not an address. Pass one such as "https://oss-cn-hangzhou.aliyuncs.com".')
  }
  const bare =
    url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '' && url.password === ''
  if ((url.protocol !== 'https:' && url.protocol !== 'http:') || !bare) {
    throw invalid('`endpoint` must be http:// or https://, a host and perhaps a port, and nothing else.')
  }
  if (url.hostname.startsWith('[')) {
    throw invalid('`endpoint` cannot be an IPv6 address, which ali-oss does not accept: use a host name.')
  }
  if (secure !== undefined && secure !== (url.protocol === 'https:')) {
    throw invalid(
      `\`secure: ${secure}\` contradicts \`endpoint\`, which begins with ${url.protocol}//. Leave one of them out.`,
    )
  }
  return url
}

function checkedAddressing(
  { addressing, bucket }: OssConnectionOptions,
  endpoint: URL | undefined,
): 'virtual' | 'path' | 'cname' {
  const host = endpoint?.hostname ?? ''
  const ip = isIP(host) !== 0
  const chosen = addressing ?? (ip || host === 'localhost' ? 'path' : 'virtual')
  if (!['virtual', 'path', 'cname'].includes(chosen)) {
    throw invalid('`addressing` must be "virtual", "path" or "cname".')
  }
  if (chosen === 'cname' && endpoint === undefined) {
    throw invalid('`addressing: "cname"` needs `endpoint`: the domain bound to the bucket.')
  }
  if (chosen === 'virtual' && ip) {
    throw invalid('`addressing: "virtual"` cannot work with an IP address as endpoint: use "path".')
  }
  if (chosen === 'virtual' && host.startsWith(`${bucket}.`)) {
    throw invalid(
      '`endpoint` already begins with the bucket: leave the bucket out of it, or use `addressing: "cname"`.',
    )
  }
  return chosen
}

function checkedTimeout(idleTimeoutMs: number = DEFAULT_IDLE_TIMEOUT_MS): number {
  if (!Number.isInteger(idleTimeoutMs) || idleTimeoutMs < 1 || idleTimeoutMs > MAX_TIMER_MS) {
    throw invalid(`\`idleTimeoutMs\` must be a whole number of milliseconds from 1 to ${MAX_TIMER_MS}.`)
  }
  return idleTimeoutMs
}

function requireText(value: unknown, name: string): void {
  if (typeof value !== 'string' || value.trim() === '') {
    throw invalid(
      `\`${name}\` is missing: pass it, or \`credentials\`, or a client that has it as \`client\`.`,
    )
  }
}

function invalid(message: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', message)
}
