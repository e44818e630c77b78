import {
  CseError,
  type HeaderMap,
  isEnvelopeHeader,
  lowerCaseHeaders,
  metadataHeaders,
  OSS_HEADERS,
  USER_METADATA_PREFIX,
} from '@oss-cse/crypto-core'

/** Headers that the library sets itself, and what to use instead. */
const OWN_HEADERS: Readonly<Record<string, string>> = {
  'content-length': 'sizeBytes',
  'transfer-encoding': 'sizeBytes',
  range: 'the range option',
  'accept-encoding': 'nothing: the stored bytes are always read as they are',
  [OSS_HEADERS.rangeBehavior]: 'the range option',
  [OSS_HEADERS.crc64]: 'nothing: the checksum of the ciphertext is compared by the library',
  [OSS_HEADERS.copySource]: 'copy()',
}

/**
 * The headers a caller adds to a request, in lower case. Whatever the service understands passes through.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a header of the envelope or one that the library sets itself;
 * `ERR_CSE_OPERATION_REFUSED` for processing on the server, which sees only ciphertext.
 */
export function callerHeaders(headers: HeaderMap = {}): Record<string, string> {
  const result: Record<string, string> = {}
  const metadata: Record<string, string> = {}
  for (const [name, value] of Object.entries(lowerCaseHeaders(headers))) {
    const instead = OWN_HEADERS[name]
    if (instead !== undefined) throw invalid(`the header ${name} is set by the library: use ${instead}`)
    if (isEnvelopeHeader(name)) throw invalid(`the header ${name} belongs to the encryption envelope`)
    if (name === OSS_HEADERS.process) {
      throw new CseError(
        'ERR_CSE_OPERATION_REFUSED',
        'The server cannot process what it cannot read: it holds ciphertext.',
      )
    }
    if (name.startsWith(USER_METADATA_PREFIX)) metadata[name.slice(USER_METADATA_PREFIX.length)] = value
    else result[name] = checkedValue(name, value)
  }
  return { ...result, ...metadataHeaders(metadata) }
}

function checkedValue(name: string, value: unknown): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (typeof value !== 'string' || /[\x00-\x08\x0a-\x1f\x7f]/.test(value)) {
    throw invalid(`the value of the header ${name} is not a text without control characters`)
  }
  return value
}

function invalid(why: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `Invalid headers: ${why}.`)
}
