import { CseError, decodeBase64, type HeaderMap, OSS_HEADERS } from '@oss-cse/crypto-core'
import {
  checkMetadataSize,
  isEnvelopeHeader,
  metadataHeaders,
  USER_METADATA_PREFIX,
} from '@oss-cse/crypto-core/internal'

/** Headers that the library sets itself, and what to do instead or why. */
const OWN_HEADERS: ReadonlyMap<string, string> = new Map([
  ['content-length', 'use sizeBytes'],
  ['transfer-encoding', 'use sizeBytes'],
  ['range', 'use the range option'],
  ['accept-encoding', 'the stored bytes are always read unchanged'],
  [OSS_HEADERS.rangeBehavior, 'use the range option'],
  [OSS_HEADERS.crc64, 'the library compares the checksum of the ciphertext'],
  [OSS_HEADERS.copySource, 'use copy()'],
])

const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
const PRINTABLE_ASCII = /^[\t\x20-\x7e]*$/

/**
 * Checks the headers that a caller adds to a request, and lower-cases their names. Everything that the service
 * understands passes.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a header that is given twice, cannot be sent unchanged, belongs to the
 * envelope, or is set by the library itself; `ERR_CSE_OPERATION_REFUSED` for processing on the server, which sees only
 * ciphertext.
 */
export function callerHeaders(headers: HeaderMap = {}): Record<string, string> {
  const result: [name: string, value: string][] = []
  const metadata: [name: string, value: string][] = []
  const seen = new Set<string>()
  for (const [given, value] of Object.entries(headers)) {
    const name = given.toLowerCase()
    if (seen.has(name)) throw invalid(`the header ${name} is given twice`)
    seen.add(name)
    const remedy = OWN_HEADERS.get(name)
    if (remedy !== undefined) throw invalid(`the header ${name} is set by the library: ${remedy}`)
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
 * The headers of a GET or a HEAD. They ask for the stored bytes unchanged.
 *
 * @throws CseError as `callerHeaders`
 */
export function readHeaders(headers: HeaderMap | undefined): Record<string, string> {
  return { ...callerHeaders(headers), 'accept-encoding': 'identity' }
}

/**
 * Adds a header that has its own option.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the headers have another value for it.
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

/** Options that describe the uploaded object. */
export interface ObjectOptions {
  /**
   * User metadata, stored in plaintext. Names have no `x-oss-meta-` prefix; they consist of letters, digits and `-`,
   * and are not `constructor` or `prototype`. Values are printable ASCII.
   */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** The object's Content-Type, stored in plaintext. */
  readonly contentType?: string | undefined
  /**
   * The MD5 of the plaintext, base64. It is stored in the envelope for readers. It is an unkeyed hash: anyone who can
   * read the metadata can use it to confirm a guess of the content.
   */
  readonly contentMd5?: string | undefined
  /** Any other header that the service understands: ACL, storage class, tagging, callbacks… */
  readonly headers?: HeaderMap | undefined
}

const MD5_BYTES = 16

/**
 * The headers of an upload, without Content-MD5. The caller's Content-MD5 is of the plaintext, and the body is
 * ciphertext, so it must not be sent as a header of the body.
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

/** Headers of an upload that are sent after the initiating request: here with each part, below with the completion. */
const PART_HEADERS: readonly string[] = [OSS_HEADERS.requestPayer, OSS_HEADERS.trafficLimit]
const COMPLETE_HEADERS: readonly string[] = [
  OSS_HEADERS.requestPayer,
  OSS_HEADERS.forbidOverwrite,
  OSS_HEADERS.objectAcl,
  OSS_HEADERS.callback,
  OSS_HEADERS.callbackVariables,
]
/** Headers that the service reads only when an upload is completed. */
const NOT_ON_INITIATE: readonly string[] = [
  OSS_HEADERS.trafficLimit,
  OSS_HEADERS.objectAcl,
  OSS_HEADERS.callback,
  OSS_HEADERS.callbackVariables,
]

/** The headers of InitiateMultipartUpload: those that describe the object. */
export function initiateHeaders(headers: HeaderMap): HeaderMap {
  return filtered(headers, (name) => !NOT_ON_INITIATE.includes(name))
}

/** The headers of each UploadPart. */
export function partHeaders(headers: HeaderMap): HeaderMap {
  return filtered(headers, (name) => PART_HEADERS.includes(name))
}

/** The headers of each further request about an upload: who pays. */
export function referenceHeaders(headers: HeaderMap): HeaderMap {
  return filtered(headers, (name) => name === OSS_HEADERS.requestPayer)
}

/** The headers of CompleteMultipartUpload. */
export function completeHeaders(headers: HeaderMap): HeaderMap {
  return filtered(headers, (name) => COMPLETE_HEADERS.includes(name))
}

/** The headers that an upload still needs after it is initiated. */
export function laterHeaders(headers: HeaderMap): HeaderMap {
  return { ...partHeaders(headers), ...completeHeaders(headers) }
}

function filtered(headers: HeaderMap, keep: (name: string) => boolean): HeaderMap {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => keep(name)))
}

function invalid(why: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `Invalid headers: ${why}.`)
}
