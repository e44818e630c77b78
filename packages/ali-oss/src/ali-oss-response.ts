import type { HeaderMap } from '@oss-cse/crypto-core'
import { isEnvelopeHeader } from '@oss-cse/crypto-core/internal'

/** The `res` field of ali-oss results: facts about the HTTP response. */
export interface AliOssResponse {
  readonly status: number
  readonly statusCode: number
  /**
   * Names are in lower case. The envelope and Content-MD5 are left out. ETag and `x-oss-hash-crc64ecma` are those of
   * the ciphertext.
   */
  readonly headers: Readonly<Record<string, string>>
  /** The length of the response body in bytes. */
  readonly size: number
  /** The duration of the call in milliseconds. */
  readonly rt: number
  readonly requestUrls: string[]
  readonly aborted: false
}

/** The parts of a response. */
export interface ResponseParts {
  readonly status?: number
  readonly headers: HeaderMap
  readonly sizeBytes?: number
  readonly url: string
  /** When the call started, by `performance.now()`. */
  readonly begunMs: number
}

/** Makes `res`. */
export function aliOssResponse(parts: ResponseParts): AliOssResponse {
  const { status = 200, headers, sizeBytes = 0, url, begunMs } = parts
  return {
    status,
    statusCode: status,
    headers: visibleHeaders(headers),
    size: sizeBytes,
    rt: Math.round(performance.now() - begunMs),
    requestUrls: [url],
    aborted: false,
  }
}

/**
 * Returns headers without those of the envelope, and without the checksum of the ciphertext, which a caller would compare
 * with the plaintext.
 */
export function visibleHeaders(headers: HeaderMap): AliOssResponse['headers'] {
  const isHidden = (name: string): boolean => isEnvelopeHeader(name) || name === 'content-md5'
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !isHidden(name)))
}

/**
 * Returns the response of the callback server as `data`. Without a callback, ali-oss has no `data`. The object is
 * stored whatever the response was, so a response that is not JSON is returned as text.
 */
export function callbackResult(body: Uint8Array | undefined): { readonly data: object } {
  if (body === undefined) return {} as { readonly data: object }
  const text = new TextDecoder().decode(body)
  try {
    return { data: JSON.parse(text) }
  } catch {
    return { data: text as unknown as object }
  }
}
