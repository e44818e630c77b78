import type { HeaderMap } from '@oss-cse/crypto-core'
import { isEnvelopeHeader } from '@oss-cse/crypto-core/internal'

/** What ali-oss hands out of an answer as `res`. */
export interface AliOssResponse {
  readonly status: number
  readonly statusCode: number
  /** Names in lower case, without envelope and Content-MD5. ETag and `x-oss-hash-crc64ecma` are the ciphertext's. */
  readonly headers: Readonly<Record<string, string>>
  /** The length of the answer's body in bytes. */
  readonly size: number
  /** The time of the call in milliseconds. */
  readonly rt: number
  readonly requestUrls: string[]
  readonly aborted: false
}

/** What a response is made of. */
export interface ResponseParts {
  readonly status?: number
  readonly headers: HeaderMap
  readonly sizeBytes?: number
  readonly url: string
  /** When the call began, by `performance.now()`. */
  readonly begunMs: number
}

/** Makes `res`. */
export function aliOssResponse(parts: ResponseParts): AliOssResponse {
  const { status = 200, headers, sizeBytes = 0, url, begunMs } = parts
  return {
    status,
    statusCode: status,
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !isHidden(name))),
    size: sizeBytes,
    rt: Math.round(performance.now() - begunMs),
    requestUrls: [url],
    aborted: false,
  }
}

/** The envelope, and the checksum of ciphertext that who gets the plaintext would compare it with. */
function isHidden(name: string): boolean {
  return isEnvelopeHeader(name) || name === 'content-md5'
}

/**
 * What the callback's server answered, as `data`; ali-oss has none without a callback. The object is stored whatever the
 * answer was, so that what is no JSON is handed out as text.
 */
export function callbackAnswer(answer: Uint8Array | undefined): { readonly data: object } {
  if (answer === undefined) return {} as { readonly data: object }
  const text = new TextDecoder().decode(answer)
  try {
    return { data: JSON.parse(text) }
  } catch {
    return { data: text as unknown as object }
  }
}
