import { CseError } from './errors.ts'
import { isReservedMetadata } from './header-map.ts'
import { OSS_HEADER_PREFIX, OSS_HEADERS, replacesMetadata } from './headers.ts'
import type { HeaderMap } from './ports.ts'

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const PRINTABLE_ASCII = /^[\t\x20-\x7e]*$/
const PRINTABLE_LATIN1 = /^[\t\x20-\x7e\x80-\xff]*$/

/** Headers that a transport or the HTTP layer writes. A second value would contradict the first. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'content-length',
  'date',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  OSS_HEADERS.contentSha256,
  OSS_HEADERS.date,
  OSS_HEADERS.securityToken,
])

/**
 * Returns a new, checked copy of a request's headers, with names in lower case. ali-oss writes into the headers that
 * it receives, and drops those that it cannot write (ali-oss 6.23 lib/object.js `putStream`).
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a header that cannot be sent unchanged
 */
export function requestHeaders(headers: HeaderMap, objectKey?: string): Record<string, string> {
  const copy = new Map<string, string>()
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase()
    const problem = problemOf(lower, value) ?? (copy.has(lower) ? 'is given twice' : undefined)
    if (problem !== undefined) {
      throw invalidArgument(`The header ${JSON.stringify(name)} ${problem}.`, objectKey)
    }
    copy.set(lower, value)
  }
  return Object.fromEntries(copy)
}

/**
 * Returns the headers of a server-side copy.
 *
 * @throws CseError `ERR_CSE_OPERATION_REFUSED` for headers that replace the metadata, because the copy would lose its
 *   envelope; `ERR_CSE_INVALID_ARGUMENT` as for `requestHeaders`
 */
export function copyHeaders(headers: HeaderMap, objectKey: string): Record<string, string> {
  const copy = requestHeaders(headers, objectKey)
  for (const [name, value] of Object.entries(copy)) {
    if (replacesMetadata(name, value)) {
      throw new CseError(
        'ERR_CSE_OPERATION_REFUSED',
        `A copy with the header "${name}" replaces all metadata, and with it the envelope that decrypts the object. Copy without it, or get and put the object.`,
        { objectKey },
      )
    }
  }
  if (Object.hasOwn(copy, OSS_HEADERS.copySource)) {
    throw invalidArgument(
      `The header "${OSS_HEADERS.copySource}" is written by the transport. Pass sourceKey and sourceBucket.`,
      objectKey,
    )
  }
  return copy
}

function problemOf(name: string, value: unknown): string | undefined {
  if (!TOKEN.test(name) || name === '__proto__') return 'has a name that cannot be sent'
  if (isReservedMetadata(name)) return 'has a name that every JavaScript object has: choose another one'
  if (OWN_HEADERS.has(name)) return 'is written by the transport: leave it out'
  if (typeof value !== 'string') return 'has a value that is not a string'
  if (PRINTABLE_ASCII.test(value)) return undefined
  // These values are signed as UTF-8 but sent as Latin-1. The signature would not match.
  const signed = name.startsWith(OSS_HEADER_PREFIX) || name === 'content-type' || name === 'content-md5'
  if (signed) {
    return 'has a value with characters outside printable ASCII: encode it, for example with encodeURIComponent'
  }
  if (!PRINTABLE_LATIN1.test(value)) return 'has a value with line breaks or characters outside Latin-1'
  return undefined
}

function invalidArgument(message: string, objectKey: string | undefined): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', message, objectKey === undefined ? {} : { objectKey })
}
