import type { Agent as HttpAgent } from 'node:http'
import type { Agent as HttpsAgent } from 'node:https'
import { type AccessCredentials, CseError } from '@oss-cse/crypto-core'
import type { OssClient } from './oss-client.ts'

/** What ali-oss 6.23 lib/common/utils/createRequest.js hands to its HTTP client. */
interface SignedRequest {
  readonly method: string
  readonly headers: Readonly<Record<string, string | number | null | undefined>>
  readonly content?: Uint8Array | string
  readonly stream?: { destroy(): unknown }
  /** True when the answer's body is handed out as a stream. */
  readonly customResponse?: boolean
  readonly agent?: HttpAgent
  readonly httpsAgent?: HttpsAgent
}

/** The HTTP client that ali-oss calls: `options.urllib` in its documentation. */
export interface HttpClient {
  request(url: string, request: SignedRequest): Promise<unknown>
}

/** An ali-oss client with the state that its types keep to themselves. */
export interface AliOssClient extends OssClient {
  readonly options: {
    readonly bucket: string | null
    readonly accessKeyId: string
    readonly accessKeySecret: string
    readonly stsToken?: string | undefined
    readonly refreshSTSToken?: (() => Promise<object>) | undefined
    /** In milliseconds. */
    readonly refreshSTSTokenInterval?: number | undefined
    /** As `url.parse` gave it. */
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
      'The ali-oss client has `urllib` or `enableProxy` set, which the transport does not go through. Make the client with `agent` or `httpsAgent` (a proxy agent, for example) instead.',
    )
  }
  return candidate as AliOssClient & { options: { bucket: string } }
}

/**
 * A view of `client` for one call: it signs and parses like `client`, sends through `http`, and leaves
 * `client` as it was.
 *
 * @param credentials - sign this call in place of the client's own, whatever becomes of others meanwhile
 */
export function derivedClient(
  client: AliOssClient,
  http: HttpClient,
  credentials?: AccessCredentials,
): AliOssClient {
  return Object.create(client, {
    urllib: { value: http },
    ...(credentials !== undefined && { options: { value: optionsWith(client.options, credentials) } }),
    // abortMultipartUpload stops every multipart upload of its client: ali-oss 6.23 lib/common/multipart.js
    // calls `_stop`, which sets a flag that all of them look at.
    _stop: { value: () => {} },
    // Where ali-oss 6.23 lib/common/utils/setSTSToken.js remembers when it last refreshed the token.
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
  // Already renewed: ali-oss would do it a second time.
  return { ...options, accessKeyId, accessKeySecret, stsToken: securityToken, refreshSTSToken: undefined }
}

function invalid(message: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', message)
}
