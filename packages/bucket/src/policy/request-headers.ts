import {
  CseError,
  type HeaderMap,
  isEnvelopeHeader,
  metadataHeaders,
  OSS_HEADERS,
  USER_METADATA_PREFIX,
} from '@oss-cse/crypto-core'

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
    if (!TOKEN.test(name) || name === '__proto__') throw invalid(`${JSON.stringify(given)} is no header name`)
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
export function addHeader(headers: Record<string, string>, name: string, value: string | undefined): void {
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
    'The server cannot process what it cannot read: it holds ciphertext.',
  )
}

function invalid(why: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `Invalid headers: ${why}.`)
}
