import type { Agent as HttpAgent } from 'node:http'
import type { Agent as HttpsAgent } from 'node:https'
import { type AccessCredentials, CseError } from '@oss-cse/crypto-core'
import type { OssClient } from './oss-client.ts'

/** The request that ali-oss 6.23 lib/common/utils/createRequest.js passes to its HTTP client. */
export interface SignedRequest {
  readonly method: string
  readonly headers: Readonly<Record<string, string | number | null | undefined>>
  readonly content?: Uint8Array | string
  readonly stream?: { destroy(): unknown }
  /** True when the body of the response is returned as a stream. */
  readonly customResponse?: boolean
  readonly agent?: HttpAgent
  readonly httpsAgent?: HttpsAgent
}

/** The HTTP client that ali-oss calls: `options.urllib` in its documentation. */
export interface HttpClient {
  request(url: string, request: SignedRequest): Promise<unknown>
}

/** The options of a client, as ali-oss completed them. Each request reads them again. */
export interface AliOssOptions {
  readonly bucket: string | null
  readonly accessKeyId: string
  readonly accessKeySecret: string
  readonly stsToken?: string | undefined
  readonly refreshSTSToken?: (() => Promise<object>) | undefined
  /** In milliseconds. */
  readonly refreshSTSTokenInterval?: number | undefined
  /** As `url.parse` returned it. */
  readonly endpoint?: AliOssEndpoint
  /** Such as `oss-cn-hangzhou`. */
  readonly region?: string
  readonly internal?: boolean
  readonly secure?: boolean
  readonly cname?: boolean
  readonly sldEnable?: boolean
  readonly isRequestPay?: boolean
  readonly authorizationV4?: boolean
  readonly cloudBoxId?: string | undefined
  readonly headerEncoding?: 'utf-8' | 'latin1' | undefined
  /** Added to the time of each request, in milliseconds. */
  readonly amendTimeSkewed?: number | undefined
  readonly urllib?: unknown
  readonly enableProxy?: boolean
}

/** An endpoint, as `url.parse` returns it. */
export interface AliOssEndpoint {
  readonly protocol?: string | null
  /** With the port, if it has one. */
  readonly host?: string | null
  readonly hostname?: string | null
  readonly search?: string | null
  readonly auth?: string | null
  readonly hash?: string | null
}

/** What a request of ali-oss depends on, beside its own parameters. */
export interface AliOssState {
  readonly options: AliOssOptions
  readonly agent?: HttpAgent | undefined
  readonly httpsAgent?: HttpsAgent | undefined
  readonly userAgent: string
}

/** An ali-oss client with the state that its types do not declare. */
export interface AliOssClient extends OssClient, AliOssState {
  stsTokenFreshTime: Date | undefined
  request(params: RequestParams): Promise<unknown>
}

/** A request before ali-oss signs it: ali-oss 6.23 lib/client.js `request`. */
export interface RequestParams {
  headers?: Record<string, string>
  readonly method?: string
  readonly bucket?: string
  /** The key. Absent for a request that concerns the bucket. */
  readonly object?: string
  /** The parameters that name the operation. */
  readonly subres?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string | number>>
  /** The body to send. */
  readonly content?: Uint8Array
  /** The type of `content`, as the extension of a file name. */
  readonly mime?: string
  /** True if the document of the response is to be parsed. */
  readonly xmlResponse?: boolean
  readonly successStatuses?: readonly number[]
}

const METHODS = [
  'abortMultipartUpload',
  'completeMultipartUpload',
  'copy',
  'delete',
  'deleteMulti',
  'getStream',
  'getSymlink',
  'head',
  'initMultipartUpload',
  'listParts',
  'listUploads',
  'listV2',
  'put',
  'putBucket',
  'putStream',
  'request',
  'uploadPart',
] as const

/**
 * Checks a client that the user made.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function checkedClient(client: OssClient): AliOssClient & { options: { readonly bucket: string } } {
  const candidate = client as AliOssClient
  if (!METHODS.every((method) => typeof candidate?.[method] === 'function')) {
    throw invalid(
      '`client` is not an ali-oss client. Pass the result of `new OSS({…})` from ali-oss 6.23 or later.',
    )
  }
  const { bucket, urllib, enableProxy } = candidate.options
  if (!bucket) {
    throw invalid('The ali-oss client has no bucket. Make it with `new OSS({ bucket: "…", … })`.')
  }
  if (urllib || enableProxy) {
    throw invalid(
      'The ali-oss client has `urllib` or `enableProxy` set, which the transport does not use. Make the client with `agent` or `httpsAgent` (a proxy agent, for example) instead.',
    )
  }
  return candidate as AliOssClient & { options: { readonly bucket: string } }
}

/**
 * Returns a view of `client` for one call. The view signs and parses like `client`, sends through `http`, and does
 * not change `client`.
 *
 * @param credentials - signs this call instead of the client's own credentials, even if those change meanwhile
 */
export function derivedClient(
  client: AliOssClient,
  http: HttpClient,
  credentials?: AccessCredentials,
): AliOssClient {
  return Object.create(client, {
    urllib: { value: http },
    ...(credentials !== undefined && { options: { value: optionsWith(client.options, credentials) } }),
    // abortMultipartUpload stops all multipart uploads of its client: ali-oss 6.23 lib/common/multipart.js calls
    // `_stop`, which sets a flag that they all check.
    _stop: { value: () => {} },
    // ali-oss 6.23 lib/common/utils/setSTSToken.js stores here when it last refreshed the token.
    stsTokenFreshTime: {
      get: () => client.stsTokenFreshTime,
      set: (time: Date | undefined) => {
        client.stsTokenFreshTime = time
      },
    },
  }) as AliOssClient
}

function optionsWith(
  options: AliOssOptions,
  { accessKeyId, accessKeySecret, securityToken }: AccessCredentials,
): AliOssOptions {
  // These credentials are fresh already. With `refreshSTSToken`, ali-oss would refresh them again.
  return { ...options, accessKeyId, accessKeySecret, stsToken: securityToken, refreshSTSToken: undefined }
}

function invalid(message: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', message)
}
