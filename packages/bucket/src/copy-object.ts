import { CseError, type HeaderMap, OSS_HEADERS, USER_METADATA_PREFIX } from '@oss-cse/crypto-core'
import { callerHeaders } from './request-headers.ts'

/** Headers that make the service replace the metadata, and with it the envelope. */
const REPLACING: ReadonlySet<string> = new Set([
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
])

/**
 * The headers of a copy that keeps the metadata.
 *
 * @throws CseError `ERR_CSE_OPERATION_REFUSED` for a header that would replace it; `ERR_CSE_INVALID_ARGUMENT`.
 */
export function copyHeaders(headers: HeaderMap = {}): Record<string, string> {
  const checked = callerHeaders(headers)
  for (const [name, value] of Object.entries(checked)) {
    const replaces =
      REPLACING.has(name) ||
      name.startsWith(USER_METADATA_PREFIX) ||
      (name === OSS_HEADERS.metadataDirective && value.toUpperCase() !== 'COPY')
    if (replaces) {
      throw new CseError(
        'ERR_CSE_OPERATION_REFUSED',
        `A copy with ${name} would replace the metadata, and the service protects the envelope in it. Copy without it, or read the object and put it again.`,
      )
    }
  }
  return checked
}
