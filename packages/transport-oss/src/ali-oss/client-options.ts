import { type CredentialsProvider, CseError } from '@oss-cse/crypto-core'
import {
  CredentialRefresher,
  checkedBucketAddress,
  MAX_TIMER_MS,
  type Refresher,
} from '@oss-cse/crypto-core/internal'
import { ObjectAddresses } from '../signing/object-address.ts'
import type { Signer } from '../signing/signed-request.ts'
import { type AliOssClient, type AliOssState, checkedClient } from './ali-oss-client.ts'
import { ClientTokenRefresher } from './client-token-refresher.ts'
import { isCustomised } from './customised.ts'
import { hasDefaultAgents } from './default-agents.ts'
import type { OssClient } from './oss-client.ts'
import { OwnClient } from './own-client.ts'

const DEFAULT_IDLE_TIMEOUT_MS = 60_000
/**
 * ali-oss 6.23 lib/common/client/initOptions.js requires a key in the constructor. This placeholder never signs: with
 * `credentials`, each call uses a view of the client that has the credentials of that call.
 */
const PLACEHOLDER = 'given by credentials'
/** As ali-oss 6.23 lib/common/utils/checkConfigValid.js. */
const ACCEPTED_ENDPOINT = /^[a-zA-Z0-9._:/-]+$/
/** The access key of options never changes. */
const NO_REFRESHER: Refresher = { fresh: async () => undefined, expire: () => {} }

/** Timeout of a transport. */
export interface OssTimeoutOptions {
  /**
   * Idle timeout in milliseconds, from 1. A request throws `ERR_CSE_TIMEOUT` when no byte moves in either direction
   * for this long: while it connects, sends, waits for the response or reads it. The time that the source or the
   * reader of a body takes does not count. There is no total timeout. Default 60,000.
   */
  readonly idleTimeoutMs?: number | undefined
}

/** Options of a transport that uses your ali-oss client. */
export interface OssClientOptions extends OssTimeoutOptions {
  /**
   * The result of `new OSS({ bucket, … })`. The transport changes only its credentials, and only to those that its
   * own `refreshSTSToken` returns.
   */
  readonly client: OssClient
}

/** Options of a transport that makes its own ali-oss client. */
export interface OssConnectionOptions extends OssTimeoutOptions {
  readonly bucket: string
  /**
   * `cn-hangzhou` or `oss-cn-hangzhou`. The region is part of every V4 signature, so an `endpoint` does not replace
   * it.
   */
  readonly region: string
  /** The endpoint, such as `https://oss-cn-hangzhou-internal.aliyuncs.com`. Default: the region's public endpoint. */
  readonly endpoint?: string | undefined
  /** The access key of a user, or of temporary (STS) credentials. Required unless you pass `credentials`. */
  readonly accessKeyId?: string | undefined
  readonly accessKeySecret?: string | undefined
  /** The security token of temporary (STS) credentials. */
  readonly securityToken?: string | undefined
  /**
   * A provider of credentials that expire. It replaces `accessKeyId`, `accessKeySecret` and `securityToken`. You can
   * pass a `Credential` of `@alicloud/credentials` as it is.
   *
   * The transport calls it before the first request. It calls it again before a later request if the current
   * credentials are more than a minute old, unless their `expiration` is more than five minutes away, or if the service
   * refused them. Requests that wait share one call. A request
   * keeps the credentials that it was signed with.
   */
  readonly credentials?: CredentialsProvider | undefined
  /**
   * Where the bucket appears in the address: in the host (`virtual`), in the path (`path`), or not at all, because
   * the endpoint is a domain bound to the bucket (`cname`). Default: `path` for localhost and IP addresses, otherwise
   * `virtual`.
   */
  readonly addressing?: 'virtual' | 'path' | 'cname' | undefined
  /** The version of the signature. Default `v4`. */
  readonly signature?: 'v4' | 'v1' | undefined
  /** Whether to use HTTPS. Default true, unless `endpoint` starts with `http://`. */
  readonly secure?: boolean | undefined
}

/** Options of an `OssTransport`. */
export type OssTransportOptions = OssClientOptions | OssConnectionOptions

/** A client and what the transport needs to know about it. */
export interface Connection extends Signer {
  /** Returns the client. Loads ali-oss first if the user passed none. */
  readonly client: () => Promise<AliOssClient>
  /** Whether only ali-oss can send the requests of the client as the app wants them. */
  readonly isCustomised: () => boolean | Promise<boolean>
  /** Whether the agents are not the app's, so that a request need not go through them, nor be sent by this thread. */
  readonly hasDefaultAgents: () => boolean | Promise<boolean>
  /** The endpoint and the bucket, without credentials. */
  readonly location: string
  readonly idleTimeoutMs: number
  readonly refresher: Refresher
  /** How the user renews expired credentials, in terms of the options that they passed. */
  readonly renewalHint: string
}

/**
 * Makes a client, or takes the one that was passed.
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
        `\`client\` already determines ${others.map(([name]) => `\`${name}\``).join(', ')}. Pass either a client or the options to make one.`,
      )
    }
    const client = checkedClient(options.client)
    const { bucket } = client.options
    return {
      state: client,
      client: async () => client,
      isCustomised: () => isCustomised(client),
      hasDefaultAgents: () => hasDefaultAgents(client),
      bucket,
      addresses: new ObjectAddresses(),
      location: locationOf(client),
      idleTimeoutMs,
      plainHost: false,
      refresher: new ClientTokenRefresher(client, idleTimeoutMs),
      renewalHint: 'Make the ali-oss client with a `refreshSTSToken` that returns newer credentials.',
    }
  }
  return makeConnection(options as OssConnectionOptions, idleTimeoutMs)
}

function makeConnection(options: OssConnectionOptions, idleTimeoutMs: number): Connection {
  const { credentials, signature = 'v4' } = options
  const { bucket, region, endpoint, addressing } = checkedBucketAddress(options)
  checkCredentials(options)
  if (signature !== 'v4' && signature !== 'v1') throw invalid('`signature` must be "v4" or "v1".')
  if (endpoint?.hostname.startsWith('[')) {
    throw invalid(
      '`endpoint` must not be an IPv6 address, because ali-oss does not accept one. Use a host name.',
    )
  }
  const secure = endpoint?.protocol === 'https:' || (endpoint === undefined && options.secure !== false)

  if (endpoint !== undefined && !ACCEPTED_ENDPOINT.test(endpoint.origin)) {
    throw invalid('ali-oss does not accept these options. Check `endpoint`, `region` and `bucket`.')
  }
  const { accessKeyId = PLACEHOLDER, accessKeySecret = PLACEHOLDER, securityToken } = options
  const own = new OwnClient({
    bucket,
    region,
    endpoint,
    secure,
    authorizationV4: signature === 'v4',
    sldEnable: addressing === 'path',
    cname: addressing === 'cname',
    accessKeyId: accessKeyId.trim(),
    accessKeySecret: accessKeySecret.trim(),
    stsToken: securityToken,
  })
  return {
    state: own.state,
    client: () => own.client(),
    isCustomised: () => false,
    hasDefaultAgents: () => true,
    bucket,
    addresses: new ObjectAddresses(),
    location: locationOf(own.state),
    idleTimeoutMs,
    plainHost: addressing === 'path',
    refresher:
      credentials === undefined
        ? NO_REFRESHER
        : new CredentialRefresher(credentials, { timeoutMs: idleTimeoutMs }),
    renewalHint: 'Renew the security token, or pass `credentials` that renew themselves.',
  }
}

/** Checks that there is either an access key or a provider of credentials. */
function checkCredentials(options: OssConnectionOptions): void {
  const { accessKeyId, accessKeySecret, securityToken, credentials } = options
  const literals = Object.entries({ accessKeyId, accessKeySecret, securityToken })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => `\`${name}\``)
  if (credentials === undefined) {
    if (literals.length === 0) {
      throw invalid(
        'There are no credentials. Pass `accessKeyId` and `accessKeySecret`, or `credentials`, or a `client` that has them.',
      )
    }
    requireText(accessKeyId, 'accessKeyId')
    requireText(accessKeySecret, 'accessKeySecret')
    if (securityToken !== undefined) requireText(securityToken, 'securityToken')
    return
  }
  if (literals.length > 0) {
    throw invalid(
      `\`credentials\` replaces ${literals.join(', ')}. Pass either an access key or \`credentials\`.`,
    )
  }
  if (typeof credentials?.getCredential !== 'function') {
    throw invalid(
      '`credentials` must have a function getCredential() that resolves to { accessKeyId, accessKeySecret, securityToken? }, such as a `new Credential()` of @alicloud/credentials.',
    )
  }
}

/** The endpoint as ali-oss parsed it, followed by the bucket. */
function locationOf({ options: { endpoint, bucket } }: AliOssState): string {
  return `${endpoint?.protocol ?? ''}//${endpoint?.host ?? ''}/${bucket}`
}

function checkedTimeout(idleTimeoutMs: number = DEFAULT_IDLE_TIMEOUT_MS): number {
  if (!Number.isInteger(idleTimeoutMs) || idleTimeoutMs < 1 || idleTimeoutMs > MAX_TIMER_MS) {
    throw invalid(`\`idleTimeoutMs\` must be a whole number of milliseconds from 1 to ${MAX_TIMER_MS}.`)
  }
  return idleTimeoutMs
}

function requireText(value: unknown, name: string): void {
  if (typeof value !== 'string' || value.trim() === '') {
    throw invalid(`\`${name}\` is missing. Pass it, or \`credentials\`, or a \`client\` that has it.`)
  }
}

function invalid(message: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', message)
}
