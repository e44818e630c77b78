import type { Answer } from '../http/http-exchange.ts'

/**
 * Makes the keys of a listing out of what ali-oss passes on. They come URL-encoded, as the transport asks for: XML cannot
 * carry every character of a key. ali-oss drops the element that tells.
 *
 * @param answer - the listing's own response
 */
export function nameDecoder(answer: Answer | undefined): (name: string) => string {
  return isEncoded(answer) ? (name) => decodeURIComponent(name.replaceAll('+', '%20')) : (name) => name
}

/** As `nameDecoder`, of a continuation token. It has no spaces: a plus sign in it is one. */
export function tokenDecoder(answer: Answer | undefined): (token: string) => string {
  return isEncoded(answer) ? decodeURIComponent : (token) => token
}

function isEncoded(answer: Answer | undefined): boolean {
  if (answer === undefined) return false
  const { buffer, byteOffset, byteLength } = answer.data
  return Buffer.from(buffer, byteOffset, byteLength).includes('<EncodingType>url</EncodingType>')
}
