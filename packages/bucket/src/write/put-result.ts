import { CseError, type HeaderMap, OSS_HEADERS } from '@oss-cse/crypto-core'

/** What came of an upload. */
export interface PutResult {
  readonly key: string
  /** The length of the plaintext, and of the ciphertext, in bytes. */
  readonly sizeBytes: number
  /** The ciphertext's ETag. */
  readonly etag?: string
  /** The version that was made, in a versioned bucket. */
  readonly versionId?: string
  /** The ciphertext's CRC-64, as a decimal text like the service's. */
  readonly crc64: string
  /** `crc64` when the service answered the same checksum; `none` when it answered none. */
  readonly verification: 'crc64' | 'none'
  /** What the callback server answered, when the headers asked for a callback. */
  readonly callbackData?: Uint8Array
  /** The service's answer, names in lower case. */
  readonly headers: HeaderMap
}

/**
 * Compares what the service stored with what was sent, and describes it.
 *
 * @param sent - `crc64` as a decimal text
 * @throws CseError `ERR_CSE_INTEGRITY` when the service stored something else.
 */
export function checkedPutResult(
  key: string,
  sent: Pick<PutResult, 'sizeBytes' | 'crc64'>,
  { headers, data }: { readonly headers: HeaderMap; readonly data?: Uint8Array | undefined },
): PutResult {
  const { sizeBytes, crc64 } = sent
  const answered = headers[OSS_HEADERS.crc64]
  if (answered !== undefined && answered !== crc64) throw storedOtherwise(key)
  const { etag } = headers
  const versionId = headers[OSS_HEADERS.versionId]
  return {
    key,
    sizeBytes,
    ...(etag !== undefined && { etag }),
    ...(versionId !== undefined && { versionId }),
    crc64,
    verification: answered === undefined ? 'none' : 'crc64',
    ...(data !== undefined && { callbackData: data }),
    headers,
  }
}

/** The error of an object that was not stored as it was sent. */
export function storedOtherwise(objectKey: string): CseError {
  return new CseError(
    'ERR_CSE_INTEGRITY',
    `The service stored other bytes than were sent as ${objectKey}. Upload it again.`,
    { objectKey },
  )
}

/** Tells whether bytes were sent or stored wrongly, which another try may mend. */
export function isIntegrityFailure(error: unknown): boolean {
  return CseError.isInstance(error) && error.code === 'ERR_CSE_INTEGRITY'
}
