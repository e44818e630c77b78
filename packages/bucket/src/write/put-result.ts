import { CseError, type HeaderMap, OSS_HEADERS } from '@oss-cse/crypto-core'

/** The result of an upload. */
export interface PutResult {
  readonly key: string
  /** The length in bytes of the plaintext. The ciphertext of a sealed object is longer. */
  readonly sizeBytes: number
  /** The ciphertext's ETag. */
  readonly etag?: string
  /** The version that was created, in a versioned bucket. */
  readonly versionId?: string
  /** Whether the object is sealed. */
  readonly sealed: boolean
  /**
   * The commitment of a sealed object. Kept outside the bucket, it notices rollback and replacement: see
   * `GetOptions.expectCommitment`.
   */
  readonly commitment?: string
  /** The ciphertext's CRC-64, as a decimal string, like the service's. */
  readonly crc64: string
  /** `crc64` if the service returned the same checksum; `none` if it returned none. */
  readonly verification: 'crc64' | 'none'
  /** The response of the callback server, if the headers requested a callback. */
  readonly callbackData?: Uint8Array
  /** The service's response headers, with lower-case names. */
  readonly headers: HeaderMap
}

/**
 * Compares what the service stored with what was sent, and returns the result.
 *
 * @param sent - `crc64` as a decimal string
 * @throws CseError `ERR_CSE_INTEGRITY` when the service stored other bytes.
 */
export function checkedPutResult(
  key: string,
  sent: Pick<PutResult, 'sizeBytes' | 'crc64'> & { readonly commitment?: string | undefined },
  { headers, data }: { readonly headers: HeaderMap; readonly data?: Uint8Array | undefined },
): PutResult {
  const { sizeBytes, crc64, commitment } = sent
  const stored = headers[OSS_HEADERS.crc64]
  if (stored !== undefined && stored !== crc64) throw storedOtherwise(key)
  const { etag } = headers
  const versionId = headers[OSS_HEADERS.versionId]
  return {
    key,
    sizeBytes,
    ...(etag !== undefined && { etag }),
    ...(versionId !== undefined && { versionId }),
    crc64,
    sealed: commitment !== undefined,
    ...(commitment !== undefined && { commitment }),
    verification: stored === undefined ? 'none' : 'crc64',
    ...(data !== undefined && { callbackData: data }),
    headers,
  }
}

/** The error of an object that was stored with other bytes than were sent. */
export function storedOtherwise(objectKey: string): CseError {
  return new CseError(
    'ERR_CSE_INTEGRITY',
    `The service stored other bytes than were sent as ${objectKey}. Upload it again.`,
    { objectKey },
  )
}

/** Returns whether bytes were sent or stored wrongly, which a retry may fix. */
export function isIntegrityFailure(error: unknown): boolean {
  return CseError.isInstance(error) && error.code === 'ERR_CSE_INTEGRITY'
}
