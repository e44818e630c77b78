import { type ByteRange, CseError } from '@oss-cse/crypto-core'
import { parseRange } from '@oss-cse/crypto-core/internal'

/** One range of bytes. A server may ignore any other Range header (RFC 9110, 14.2), and so also several ranges at once. */
const BYTE_RANGE = /^bytes=[ \t]*([0-9]*-[0-9]*)[ \t]*$/i

/**
 * Reads a Range header.
 *
 * @returns undefined if there is none, or none that is valid: then the whole object is meant
 * @throws CseError `ERR_CSE_RANGE_NOT_SATISFIABLE` for a range that no object has
 */
export function requestedRange(header: string | null): ByteRange | undefined {
  const text = BYTE_RANGE.exec(header ?? '')?.[1]
  if (text === undefined) return undefined
  try {
    return parseRange(text)
  } catch (error) {
    if (CseError.isInstance(error) && error.code === 'ERR_CSE_INVALID_ARGUMENT') return undefined
    throw error
  }
}
