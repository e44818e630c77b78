import type { ExchangeResponse } from '../http/http-exchange.ts'

/**
 * Returns a function that decodes the keys of a listing. The transport asks for URL-encoded keys, because XML cannot
 * carry every character of a key. ali-oss drops the element that says whether they are encoded.
 *
 * @param response - the response of the listing
 */
export function nameDecoder(response: ExchangeResponse | undefined): (name: string) => string {
  return isEncoded(response) ? (name) => decodeURIComponent(name.replaceAll('+', '%20')) : (name) => name
}

/** Like `nameDecoder`, for a continuation token. A token has no spaces, so a plus sign in it is a plus sign. */
export function tokenDecoder(response: ExchangeResponse | undefined): (token: string) => string {
  return isEncoded(response) ? decodeURIComponent : (token) => token
}

function isEncoded(response: ExchangeResponse | undefined): boolean {
  if (response === undefined) return false
  const { buffer, byteOffset, byteLength } = response.data
  return Buffer.from(buffer, byteOffset, byteLength).includes('<EncodingType>url</EncodingType>')
}
