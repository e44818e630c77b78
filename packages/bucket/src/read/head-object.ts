import {
  type BoundedCallOptions,
  decodeEnvelope,
  type Envelope,
  type EnvelopeSummary,
  type HeaderMap,
  OSS_HEADERS,
} from '@oss-cse/crypto-core'
import { summarizeEnvelope, userMetadata } from '@oss-cse/crypto-core/internal'

/** Options of a head. */
export interface HeadOptions extends BoundedCallOptions {
  /** One version of the object, in a versioned bucket. */
  readonly versionId?: string | undefined
  /** Any other header that the service understands: conditions, request payer… */
  readonly headers?: HeaderMap | undefined
}

/** The description of an object in its headers. */
export interface ObjectDescription {
  readonly key: string
  /** How the object is encrypted. Absent for a plain object. */
  readonly envelope?: EnvelopeSummary
  /** User metadata, without the envelope. */
  readonly metadata: Readonly<Record<string, string>>
  readonly contentType?: string
  readonly etag?: string
  readonly lastModified?: Date
  readonly versionId?: string
  /** The ciphertext's CRC-64, as a decimal string. */
  readonly crc64?: string
  /**
   * The service's response headers, unchanged, with lower-case names. For a range they contain its own Content-Range.
   */
  readonly headers: HeaderMap
}

/** What the service knows about an object. */
export interface HeadResult extends ObjectDescription {
  /**
   * The plaintext's length in bytes. The ciphertext has the same length. For a sealed object it follows from the stored
   * length, which is larger, and is what the service states: only reading the end of the object verifies it.
   */
  readonly sizeBytes: number
  /** Whether the object's headers say that it is sealed. */
  readonly sealed: boolean
}

/**
 * Reads an object's headers.
 *
 * @param envelope - the envelope in the headers, if it was already decoded
 * @throws CseError `ERR_CSE_ENVELOPE_DAMAGED`, `ERR_CSE_UNSUPPORTED_ALGORITHM`.
 */
export function describeObject(
  key: string,
  headers: HeaderMap,
  envelope: Envelope | undefined = decodeEnvelope(headers),
): ObjectDescription {
  const lastModified = new Date(headers['last-modified'] ?? Number.NaN)
  const { 'content-type': contentType, etag } = headers
  const versionId = headers[OSS_HEADERS.versionId]
  const crc64 = headers[OSS_HEADERS.crc64]
  return {
    key,
    ...(envelope && { envelope: summarizeEnvelope(envelope) }),
    metadata: userMetadata(headers),
    ...(contentType !== undefined && { contentType }),
    ...(etag !== undefined && { etag }),
    ...(!Number.isNaN(lastModified.getTime()) && { lastModified }),
    ...(versionId !== undefined && { versionId }),
    ...(crc64 !== undefined && { crc64 }),
    headers,
  }
}
