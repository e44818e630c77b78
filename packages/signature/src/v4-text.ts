import { escapeRfc3986 } from './escape-rfc3986.ts'
import type { AccessKey, RequestToSignV4, SignatureScope } from './request-to-sign.ts'
import {
  byName,
  CONTENT_HEADER,
  DATE_HEADER,
  headerLines,
  OSS_PREFIX,
  signedHeaders,
} from './signed-headers.ts'

const ALGORITHM = 'OSS4-HMAC-SHA256'

/** The last part of each scope, and the last text that the signing key is derived with. */
export const REQUEST_TERMINATOR = 'aliyun_v4_request'

/** The scope of one request. */
export interface RequestScope {
  /** `YYYYMMDDTHHMMSSZ` */
  readonly dateTime: string
  /** `YYYYMMDD` */
  readonly day: string
  readonly region: string
  readonly product: string
  /** All of it: `day/region/product/aliyun_v4_request`. */
  readonly text: string
}

/**
 * Returns the scope of a request.
 *
 * @throws TypeError if the request has no date
 */
export function scopeOf({ headers }: RequestToSignV4, scope: SignatureScope): RequestScope {
  const { region, product = 'oss' } = scope
  const dateTime = headers[DATE_HEADER]
  if (dateTime === undefined || !/^\d{8}T\d{6}Z$/.test(dateTime)) {
    throw new TypeError(`The header ${DATE_HEADER} must be a time such as 20261129T140553Z.`)
  }
  const day = dateTime.slice(0, 8)
  return { dateTime, day, region, product, text: `${day}/${region}/${product}/${REQUEST_TERMINATOR}` }
}

/**
 * Returns the canonical request. Its SHA-256 is signed.
 *
 * @throws TypeError if an additional header is missing
 * @throws URIError for half of a surrogate pair
 */
export function canonicalRequest(request: RequestToSignV4): string {
  const { method, bucket, key = '', headers } = request
  const path = bucket === undefined ? '/' : `/${escapeRfc3986(`${bucket}/${key}`).replaceAll('%2F', '/')}`
  const additional = additionalNames(request)
  const signed = signedHeaders(
    headers,
    (name) => name === 'content-type' || name === 'content-md5' || additional.includes(name),
  )
  const content = headers[CONTENT_HEADER] || 'UNSIGNED-PAYLOAD'
  return `${method}\n${path}\n${canonicalQuery(request)}\n${headerLines(signed)}\n${additional.join(';')}\n${content}`
}

/** Returns the text that is signed. */
export function stringToSignV4({ dateTime, text }: RequestScope, canonicalSha256: string): string {
  return `${ALGORITHM}\n${dateTime}\n${text}\n${canonicalSha256}`
}

/** Returns the value of the Authorization header. */
export function authorizationV4(
  request: RequestToSignV4,
  { accessKeyId }: AccessKey,
  { text }: RequestScope,
  signature: string,
): string {
  const names = additionalNames(request)
  const additional = names.length > 0 ? `AdditionalHeaders=${names.join(';')},` : ''
  return `${ALGORITHM} Credential=${accessKeyId}/${text},${additional}Signature=${signature}`
}

function canonicalQuery({ subresources, query }: RequestToSignV4): string {
  if (subresources === undefined && query === undefined) return ''
  return Object.entries({ ...query, ...subresources })
    .map(([name, value]) => [escapeRfc3986(name), escapeRfc3986(value)] as const)
    .sort(byName)
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
    .join('&')
}

/** The further headers to sign, without those that are always signed. */
function additionalNames({ additionalHeaders, headers }: RequestToSignV4): readonly string[] {
  if (additionalHeaders === undefined) return []
  const names = [...new Set(additionalHeaders.map((name) => name.toLowerCase()))].filter(
    (name) => name !== 'content-type' && name !== 'content-md5' && !name.startsWith(OSS_PREFIX),
  )
  for (const name of names) {
    if (!Object.hasOwn(headers, name)) throw new TypeError(`The request has no header ${name} to sign.`)
  }
  return names.sort()
}
