import type { Agent as HttpAgent } from 'node:http'
import type { Agent as HttpsAgent } from 'node:https'
import { type AccessCredentials, CseError } from '@oss-cse/crypto-core'
import type { OssClient } from './oss-client.ts'

/** The request that ali-oss 6.23 lib/common/utils/createRequest.js passes to its HTTP client. */
interface SignedRequest {
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

/** An ali-oss client with the state that its types do not declare. */
export interface AliOssClient extends OssClient {
  readonly options: {
    readonly bucket: string | null
    readonly accessKeyId: string
    readonly accessKeySecret: string
    readonly stsToken?: string | undefined
    readonly refreshSTSToken?: (() => Promise<object>) | undefined
    /** In milliseconds. */
    readonly refreshSTSTokenInterval?: number | undefined
    /** As `url.parse` returned it. */
    readonly endpoint?: { readonly protocol?: string | null; readonly host?: string | null }
    readonly urllib?: unknown
    readonly enableProxy?: boolean
  }
  readonly agent?: HttpAgent
  readonly httpsAgent?: HttpsAgent
  stsTokenFreshTime: Date | undefined
  request(params: RequestParams): Promise<unknown>
}

/** A request before ali-oss signs it. */
export interface RequestParams {
  headers?: Record<string, string>
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
export function checkedClient(client: OssClient): AliOssClient & { options: { bucket: string } } {
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
  return candidate as AliOssClient & { options: { bucket: string } }
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
  options: AliOssClient['options'],
  { accessKeyId, accessKeySecret, securityToken }: AccessCredentials,
): AliOssClient['options'] {
  // These credentials are fresh already. With `refreshSTSToken`, ali-oss would refresh them again.
  return { ...options, accessKeyId, accessKeySecret, stsToken: securityToken, refreshSTSToken: undefined }
}

function invalid(message: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', message)
}
