import type { CallOptions, HeaderMap, MultipartTransport, ObjectTransport } from '@oss-cse/crypto-core'

/** Where content is stored: a placement watches what is sent there. */
export type ContentDestination = ObjectTransport & Partial<MultipartTransport>

/** What was sent to a destination. */
export interface SentContent {
  /** The CRC-64 of the stored bytes, as a decimal string. */
  readonly crc64: string
}

/** Content that takes the place of an object's, with all of its headers. */
export interface NewContent {
  /** All headers of the new object but its envelope. */
  readonly headers: HeaderMap
  /** Whether it is too large for one request, and is sent in parts. */
  readonly inParts: boolean
  /**
   * Reads the source and sends the content once. Everything about the source is checked before the last bytes leave, so that
   * content of a damaged source is never stored.
   *
   * @throws CseError what the source and the destination throw. The destination has then stored nothing, or all of it
   */
  store(destination: ContentDestination, key: string, options: CallOptions): Promise<SentContent>
}
