import {
  type BoundedCallOptions,
  contentFormat,
  decodeEnvelope,
  type Envelope,
  type EnvelopeSummary,
  type HeaderMap,
  OSS_HEADERS,
  plaintextLength,
} from '@oss-cse/crypto-core'
import { sliceResponse, summarizeEnvelope, userMetadata, withDeadline } from '@oss-cse/crypto-core/internal'
import { aboutObject } from '../policy/about-object.ts'
import type { ReadContext } from '../policy/bucket-context.ts'
import { readHeaders } from '../policy/request-headers.ts'
import { withRetries } from '../policy/retry.ts'
import type { ReadTransport } from './linked-object.ts'
import { readerSource } from './reader-source.ts'

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

/** Requests the headers of one object, and describes it; see `CryptoBucket.head`. */
export async function headObject(
  context: ReadContext,
  transport: ReadTransport,
  key: string,
  options: HeadOptions,
): Promise<HeadResult> {
  const { headers } = await withDeadline(options, key, (bounded) => {
    const source = readerSource(transport, key, bounded)
    return requestHead(context, key, bounded, (headers) => source.head(headers))
  })
  try {
    const description = describeObject(key, headers)
    const { totalBytes } = sliceResponse(undefined, { status: 200, headers })
    const sealed = description.envelope !== undefined && contentFormat(description.envelope) === 'sealed'
    return { ...description, sizeBytes: sealed ? plaintextLength(totalBytes) : totalBytes, sealed }
  } catch (error) {
    throw aboutObject(error, key)
  }
}

/** Sends a HEAD, with retries. */
export function requestHead<Response>(
  { retry, logger }: ReadContext,
  key: string,
  options: HeadOptions,
  send: (headers: HeaderMap) => Promise<Response>,
): Promise<Response> {
  const headers = readHeaders(options.headers)
  const { signal } = options
  return withRetries(() => send(headers), { operation: 'head', key, retry, logger, signal })
}
