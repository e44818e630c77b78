import { CseError } from '@oss-cse/crypto-core'

/**
 * Judges a read of an object, whatever was done to it on the way.
 *
 * @param {import('./reads.js').Read} read
 * @param {Uint8Array} genuine - what the writer wrote
 * @returns {string | undefined} what must never be: bytes that the writer did not write there, or a wrong end
 */
export function violation({ start, sizeBytes, beyond, released, error }, genuine) {
  if (Buffer.compare(released, genuine.subarray(start, start + released.length)) !== 0)
    return 'released altered bytes'
  if (error === undefined) {
    if (beyond) return 'ended well, behind the end of the object'
    return released.length === sizeBytes
      ? undefined
      : `ended well after ${released.length} of ${sizeBytes} bytes`
  }
  if (!CseError.isInstance(error)) return `failed with ${error}`
  if (error.code === 'ERR_CSE_RANGE_NOT_SATISFIABLE' && !beyond) return 'said that a range is missing'
  return undefined
}
