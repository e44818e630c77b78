import { CseError, decodeBase64, type HeaderMap, OSS_HEADERS } from '@oss-cse/crypto-core'
import {
  checkMetadataSize,
  isEnvelopeHeader,
  metadataHeaders,
  USER_METADATA_PREFIX,
} from '@oss-cse/crypto-core/internal'

/** Headers that the library sets itself, and what to use instead. */
const OWN_HEADERS: ReadonlyMap<string, string> = new Map([
  ['content-length', 'sizeBytes'],
  ['transfer-encoding', 'sizeBytes'],
  ['range', 'the range option'],
  ['accept-encoding', 'nothing: the stored bytes are always read as they are'],
  [OSS_HEADERS.rangeBehavior, 'the range option'],
  [OSS_HEADERS.crc64, 'nothing: the checksum of the ciphertext is compared by the library'],
  [OSS_HEADERS.copySource, 'copy()'],
])

const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
const PRINTABLE_ASCII = /^[\t\x20-\x7e]*$/

/**
 * The headers a caller adds to a request, in lower case. Whatever the service understands passes through.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a header given twice, one that cannot be sent as it is, one of
 * the envelope or one that the library sets itself; `ERR_CSE_OPERATION_REFUSED` for processing on the server,
 * which sees only ciphertext.
 */
export function callerHeaders(headers: HeaderMap = {}): Record<string, string> {
  const result: [name: string, value: string][] = []
  const metadata: [name: string, value: string][] = []
  const seen = new Set<string>()
  for (const [given, value] of Object.entries(headers)) {
    const name = given.toLowerCase()
    if (seen.has(name)) throw invalid(`the header ${name} is given twice`)
    seen.add(name)
    const instead = OWN_HEADERS.get(name)
    if (instead !== undefined) throw invalid(`the header ${name} is set by the library: use ${instead}`)
    if (isEnvelopeHeader(name)) throw invalid(`the header ${name} belongs to the encryption envelope`)
    if (name === OSS_HEADERS.process) refuseProcessing()
    if (name.startsWith(USER_METADATA_PREFIX)) {
      metadata.push([name.slice(USER_METADATA_PREFIX.length), value])
      continue
    }
    if (!TOKEN.test(name) || name === '__proto__')
      throw invalid(`${JSON.stringify(given)} is not a header name`)
    if (typeof value !== 'string' || !PRINTABLE_ASCII.test(value)) {
      throw invalid(`the value of the header ${name} must be printable ASCII`)
    }
    result.push([name, value])
  }
  return { ...Object.fromEntries(result), ...metadataHeaders(Object.fromEntries(metadata)) }
}

/**
 * Adds a header that has an option of its own.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the headers say something else.
 */
function addHeader(headers: Record<string, string>, name: string, value: string | undefined): void {
  if (value === undefined) return
  const [[checked, text] = [name, value]] = Object.entries(callerHeaders({ [name]: value }))
  if (Object.hasOwn(headers, checked) && headers[checked] !== text) {
    throw invalid(`the header ${checked} contradicts the option for it`)
  }
  headers[checked] = text
}

/**
 * Refuses processing on the server.
 *
 * @throws CseError `ERR_CSE_OPERATION_REFUSED`, always.
 */
export function refuseProcessing(): never {
  throw new CseError(
    'ERR_CSE_OPERATION_REFUSED',
    'The server holds only ciphertext, so it cannot process the object.',
  )
}

/** What an upload says of its object, beside the bytes. */
export interface ObjectOptions {
  /**
   * User metadata: names without `x-oss-meta-`, of letters, digits and `-`, but not `constructor` or `prototype`; values printable
   * ASCII. Stored in clear.
   */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** The object's Content-Type. Stored in clear. */
  readonly contentType?: string | undefined
  /**
   * The MD5 of the plaintext, base64, kept in the envelope for readers. It is an unkeyed hash: whoever can read
   * the metadata can confirm a guess of the content with it.
   */
  readonly contentMd5?: string | undefined
  /** Any other header that the service understands: ACL, storage class, tagging, callbacks… */
  readonly headers?: HeaderMap | undefined
}

const MD5_BYTES = 16

/**
 * The headers of an upload, with a Content-MD5 taken out: of the plaintext it must not travel as one of the body.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`, `ERR_CSE_METADATA_TOO_LARGE`, `ERR_CSE_OPERATION_REFUSED`.
 */
export function uploadHeaders(options: ObjectOptions): {
  readonly headers: Record<string, string>
  readonly contentMd5: string | undefined
} {
  const all = callerHeaders(options.headers)
  addHeader(all, 'content-md5', options.contentMd5)
  addHeader(all, 'content-type', options.contentType)
  for (const [name, value] of Object.entries(options.metadata ?? {})) {
    addHeader(all, USER_METADATA_PREFIX + name, value)
  }
  const { 'content-md5': contentMd5, ...headers } = all
  if (contentMd5 !== undefined && decodeBase64(contentMd5)?.length !== MD5_BYTES) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      'contentMd5 must be the MD5 of the plaintext, base64-encoded.',
    )
  }
  checkMetadataSize(headers)
  return { headers, contentMd5 }
}

/** Which of an upload's headers go with which of its requests, where that is not the initiating one alone. */
const PART_HEADERS: readonly string[] = [OSS_HEADERS.requestPayer, OSS_HEADERS.trafficLimit]
const COMPLETE_HEADERS: readonly string[] = [
  OSS_HEADERS.requestPayer,
  OSS_HEADERS.forbidOverwrite,
  OSS_HEADERS.objectAcl,
  OSS_HEADERS.callback,
  OSS_HEADERS.callbackVariables,
]
/** What the service reads when an upload is completed, and not before. */
const NOT_ON_INITIATE: readonly string[] = [
  OSS_HEADERS.trafficLimit,
  OSS_HEADERS.objectAcl,
  OSS_HEADERS.callback,
  OSS_HEADERS.callbackVariables,
]

/** The headers of InitiateMultipartUpload: what describes the object. */
export function initiateHeaders(headers: HeaderMap): HeaderMap {
  return filtered(headers, (name) => !NOT_ON_INITIATE.includes(name))
}

/** The headers of each UploadPart. */
export function partHeaders(headers: HeaderMap): HeaderMap {
  return filtered(headers, (name) => PART_HEADERS.includes(name))
}

/** The headers of every further request about an upload: who pays. */
export function referenceHeaders(headers: HeaderMap): HeaderMap {
  return filtered(headers, (name) => name === OSS_HEADERS.requestPayer)
}

/** The headers of CompleteMultipartUpload. */
export function completeHeaders(headers: HeaderMap): HeaderMap {
  return filtered(headers, (name) => COMPLETE_HEADERS.includes(name))
}

/** What an upload must remember of its headers once it is initiated. */
export function laterHeaders(headers: HeaderMap): HeaderMap {
  return { ...partHeaders(headers), ...completeHeaders(headers) }
}

function filtered(headers: HeaderMap, keep: (name: string) => boolean): HeaderMap {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => keep(name)))
}

function invalid(why: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `Invalid headers: ${why}.`)
}
