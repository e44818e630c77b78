import { createHash } from 'node:crypto'
import { type AccessCredentials, OSS_HEADERS } from '@oss-cse/crypto-core'
import { signV1, signV4 } from '@oss-cse/signature'
import type { AliOssOptions, AliOssState } from '../ali-oss/ali-oss-client.ts'
import type { Address } from '../http/address.ts'
import type { OutgoingRequest } from '../http/http-exchange.ts'
import { guessContentType } from './content-type.ts'
import { inventedHost, isKnownEndpoint, type ObjectAddresses } from './object-address.ts'
import type { ObjectRequest } from './object-request.ts'

const MD5_OF_NOTHING = '1B2M2Y8AsgTpgAmY7PhCfg=='

/** A signed request and where it goes. */
export interface SignedRequest {
  readonly address: Address
  readonly outgoing: OutgoingRequest
}

/** What the requests of a client are made of. */
export interface Signer {
  readonly state: AliOssState
  readonly bucket: string
  readonly addresses: ObjectAddresses
  /** Leaves out the Host that ali-oss invents for an IP address. */
  readonly plainHost: boolean
}

/**
 * Signs a request. Method, address and headers are those that ali-oss 6.23 would send.
 *
 * @param credentials - in place of the client's own
 * @returns undefined if the client has options that only ali-oss can interpret
 * @throws URIError for half of a surrogate pair
 */
export async function signedRequest(
  signer: Signer,
  credentials: AccessCredentials | undefined,
  request: ObjectRequest,
): Promise<SignedRequest | undefined> {
  const { options, userAgent, agent, httpsAgent } = signer.state
  if (!isKnown(options)) return undefined
  const { method, key, empty, document, streamed } = request
  const type = request.headers['content-type'] ? undefined : await contentTypeOf(request)
  const accessKey = credentials ?? options
  const securityToken = credentials === undefined ? options.stsToken : credentials.securityToken
  const headers = requestHeaders(options, userAgent, securityToken, request, type)
  const toSign = { method, bucket: signer.bucket, key, subresources: request.subresources, headers }
  // All that depends on the options is read before the signature, because the app may change them meanwhile.
  const address = signer.addresses.address(options, signer.bucket, request)
  const host = signer.plainHost ? undefined : inventedHost(options, signer.bucket)
  const { headerEncoding } = options
  // Awaited: a bundler without the condition `node` takes the half of `@oss-cse/signature` that returns a promise.
  headers['authorization'] = await (options.authorizationV4
    ? signV4(toSign, accessKey, scopeOf(options))
    : signV1(toSign, accessKey))
  if (host !== undefined) headers['host'] = host
  return {
    address,
    outgoing: {
      method,
      headers: encoded(headers, headerEncoding),
      content: empty ? new Uint8Array() : document,
      streamed,
      agent,
      httpsAgent,
    },
  }
}

/** A document has the type that ali-oss 6.23 takes from its table for `mime: 'xml'`. */
async function contentTypeOf({ key, document }: ObjectRequest): Promise<string | undefined> {
  return document === undefined ? guessContentType(key) : 'application/xml'
}

/** Whether all options that decide about a request have a value that ali-oss documents. */
function isKnown(options: AliOssOptions): boolean {
  const { region, cloudBoxId, stsToken, headerEncoding, amendTimeSkewed } = options
  return (
    isKnownEndpoint(options) &&
    typeof region === 'string' &&
    /^[a-zA-Z0-9\-_]+$/.test(region) &&
    (cloudBoxId === undefined || typeof cloudBoxId === 'string') &&
    (!stsToken || typeof stsToken === 'string') &&
    (headerEncoding === undefined || headerEncoding === 'utf-8' || headerEncoding === 'latin1') &&
    (!amendTimeSkewed || typeof amendTimeSkewed === 'number')
  )
}

/** The headers, in the order of ali-oss 6.23 lib/common/utils/createRequest.js. */
function requestHeaders(
  options: AliOssOptions,
  userAgent: string,
  securityToken: string | undefined,
  request: ObjectRequest,
  type: string | undefined,
): Record<string, string> {
  const date = new Date(Date.now() + (options.amendTimeSkewed || 0))
  const headers: Record<string, string> = options.authorizationV4
    ? { [OSS_HEADERS.date]: compactTime(date), [OSS_HEADERS.contentSha256]: 'UNSIGNED-PAYLOAD' }
    : { [OSS_HEADERS.date]: date.toUTCString() }
  if (userAgent.includes('nodejs')) headers['user-agent'] = userAgent
  if (options.isRequestPay) headers[OSS_HEADERS.requestPayer] = 'requester'
  if (securityToken) headers[OSS_HEADERS.securityToken] = securityToken
  Object.assign(headers, request.headers)
  // The caller's headers may not replace it.
  if (options.isRequestPay) headers[OSS_HEADERS.requestPayer] = 'requester'
  if (type !== undefined) headers['content-type'] = type
  else if (!headers['content-type']) delete headers['content-type']
  if (request.empty) {
    // ali-oss sends the digest of a body that is in memory.
    headers['content-md5'] ||= MD5_OF_NOTHING
    headers['content-length'] = '0'
  }
  if (request.document !== undefined) {
    headers['content-md5'] = createHash('md5').update(request.document).digest('base64')
    headers['content-length'] = String(Buffer.byteLength(request.document))
  }
  return headers
}

/** The form of version 4: `20261129T140553Z`. */
function compactTime(date: Date): string {
  const text = date.toISOString()
  return `${text.slice(0, 4)}${text.slice(5, 7)}${text.slice(8, 13)}${text.slice(14, 16)}${text.slice(17, 19)}Z`
}

function scopeOf({ region = '', cloudBoxId }: AliOssOptions): { region: string; product: string } {
  return cloudBoxId === undefined
    ? { region: region.replace(/^oss-/, ''), product: 'oss' }
    : { region: cloudBoxId, product: 'oss-cloudbox' }
}

/** With `latin1`, the bytes on the connection are the UTF-8 form of each value, which the signature covers. */
function encoded(
  headers: Record<string, string>,
  headerEncoding: AliOssOptions['headerEncoding'],
): Record<string, string> {
  if (headerEncoding !== 'latin1') return headers
  const fields = Object.entries(headers).map(([name, value]) => [name, Buffer.from(value).toString('latin1')])
  return Object.fromEntries(fields)
}
