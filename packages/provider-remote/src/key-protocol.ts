import { type Envelope, encodeBase64 } from '@oss-cse/crypto-core'
import { digestEngine } from '@oss-cse/crypto-core/digest-engine'
import { formatMaterialDescription } from '@oss-cse/crypto-core/internal'

/** The version of what page and key server send each other. */
export const PROTOCOL_VERSION = 1
/** The most requests in one call. */
export const MAX_REQUESTS = 100
export const CONTENT_TYPE = 'application/json'
/**
 * A header that no form of another site can send. A page of another origin can send it only if the key server allows that by CORS.
 */
export const REQUEST_HEADER = 'oss-cse-key-request'

/** Asks for the content key of a stored object. */
export interface UnwrapRequest {
  readonly operation: 'unwrap'
  readonly key: string
  readonly versionId?: string | undefined
  readonly location?: string | undefined
  /** The digest of the envelope that the page saw. A condition: the key server unwraps what it reads itself. */
  readonly envelopeDigest: string
  /** The master key that the page expects, also a condition. */
  readonly keyIdentity?: string | undefined
}

/** Asks for a new content key. What names the master key is a condition: it must be the one that encrypts on the server. */
export interface GenerateRequest {
  readonly operation: 'generate'
  readonly key: string
  readonly location?: string | undefined
  /** The counter block to wrap, in base64. It is no secret. */
  readonly iv: string
  readonly wrapAlgorithm: string
  /** The material description as text. */
  readonly materialDescription: string
  readonly keyIdentity?: string | undefined
}

export type KeyRequest = UnwrapRequest | GenerateRequest

/** The body of a call. */
export interface KeyCall {
  readonly version: typeof PROTOCOL_VERSION
  /** The page's own key of this call, which the results are encrypted for. */
  readonly publicKey: string
  readonly requests: readonly KeyRequest[]
}

/** The body of a response: `{ results }`, encrypted. */
export interface SealedResults {
  readonly version: typeof PROTOCOL_VERSION
  readonly publicKey: string
  readonly ciphertext: string
}

/**
 * Why a request has no key. `refused`: it stays so, and nobody is told why. `changed`: the key server read another envelope than
 * the page. `throttled` and `unavailable`: the same request may succeed later.
 */
export type KeyFailure = 'refused' | 'changed' | 'throttled' | 'unavailable'

/** Binary values are in base64. */
export type KeyResult =
  | {
      readonly cek: string
      readonly iv: string
      /** Of the object whose envelope was unwrapped. */
      readonly etag?: string | undefined
      readonly versionId?: string | undefined
    }
  | { readonly cek: string; readonly wrappedCek: string; readonly wrappedIv: string }
  | { readonly error: KeyFailure }

/** The digest of what the content key of an object depends on: SHA-256 in base64. */
export function envelopeDigest(envelope: Envelope): string {
  const { version, cekAlgorithm, wrapAlgorithm, materialDescription, wrappedCek } = envelope
  const parts = [
    version,
    cekAlgorithm,
    wrapAlgorithm,
    formatMaterialDescription(materialDescription),
    wrappedCek,
    envelope.version === 1 ? envelope.wrappedStart : envelope.wrappedIv,
  ]
  return encodeBase64(digestEngine.sha256(new TextEncoder().encode(JSON.stringify(parts))))
}
