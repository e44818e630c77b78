import { CseError, type HeaderMap } from '@oss-cse/crypto-core'
import { replacesMetadata } from '@oss-cse/crypto-core/internal'
import { callerHeaders } from '../policy/request-headers.ts'

/**
 * The headers of a copy that keeps the metadata.
 *
 * @throws CseError `ERR_CSE_OPERATION_REFUSED` for a header that would replace the metadata;
 * `ERR_CSE_INVALID_ARGUMENT`.
 */
export function copyHeaders(headers: HeaderMap = {}): Record<string, string> {
  const checked = callerHeaders(headers)
  const [replacing] = Object.entries(checked).find(([name, value]) => replacesMetadata(name, value)) ?? []
  if (replacing !== undefined) {
    throw new CseError(
      'ERR_CSE_OPERATION_REFUSED',
      `A copy with ${replacing} would replace the metadata, and the service protects the envelope in it. Copy without it, or read the object and put it again.`,
    )
  }
  return checked
}
