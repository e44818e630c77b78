import { CseError } from './errors.ts'

/** HKDF in Node.js and WebCrypto takes no more. */
const MAX_CONTEXT_BYTES = 1024

/**
 * Checks and encodes the context of a sealed object.
 *
 * @param context - any text, not normalised; `''` is no context
 * @returns its UTF-8
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a text that is too long or has no UTF-8
 */
export function encodeContext(context: string): Uint8Array {
  if (typeof context !== 'string') throw invalid(`must be a string, not ${typeof context}`)
  // An encoder would replace it, so that different texts were one context.
  if (/\p{Surrogate}/u.test(context)) throw invalid('has half of a surrogate pair, which has no UTF-8')
  const bytes = new TextEncoder().encode(context)
  if (bytes.length > MAX_CONTEXT_BYTES) {
    throw invalid(`has ${bytes.length} bytes in UTF-8; at most ${MAX_CONTEXT_BYTES} are allowed`)
  }
  return bytes
}

function invalid(why: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `The context of a sealed object ${why}.`)
}
