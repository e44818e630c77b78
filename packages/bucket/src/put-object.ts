import {
  type CallOptions,
  CseError,
  CtrCipher,
  checkMetadataSize,
  coalesceChunks,
  createCrc64,
  encodeEnvelope,
  type HeaderMap,
  type Keyring,
  metadataHeaders,
  type ObjectTransport,
  OSS_HEADERS,
  type PutObjectResponse,
  wipe,
} from '@oss-cse/crypto-core'
import type { BucketContext } from './bucket-context.ts'
import { type BodyInput, type ByteSource, byteSource, checkedSource } from './byte-source.ts'
import { type ProgressListener, progressReporter } from './progress.ts'
import { callerHeaders } from './request-headers.ts'
import { isRetryable, withRetries } from './retry.ts'

/** What may go with an upload. */
export interface PutOptions extends CallOptions {
  /** The plaintext's length in bytes, for a stream whose length is known. Ciphertext has the same length. */
  readonly sizeBytes?: number
  /** User metadata: names without `x-oss-meta-`, values printable ASCII. Stored in clear. */
  readonly metadata?: Readonly<Record<string, string>>
  /** The object's Content-Type. Stored in clear. */
  readonly contentType?: string
  /**
   * The MD5 of the plaintext, base64, kept in the envelope for readers. It is an unkeyed hash: whoever can read
   * the metadata can confirm a guess of the content with it.
   */
  readonly contentMd5?: string
  /** Any other header that the service understands: ACL, storage class, tagging, callbacks… */
  readonly headers?: HeaderMap
  /** Called as bytes are handed to the connection. */
  readonly onProgress?: ProgressListener
}

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
  /** The service's answer, names in lower case. */
  readonly headers: HeaderMap
}

const MD5_BASE64 = /^[A-Za-z0-9+/]{22}==$/

/** Encrypts and uploads one object; see `CryptoBucket.put`. */
export async function putObject(
  context: BucketContext,
  transport: ObjectTransport,
  key: string,
  input: BodyInput,
  options: PutOptions = {},
): Promise<PutResult> {
  options.signal?.throwIfAborted()
  const source = byteSource(input, options.sizeBytes)
  const { headers, contentMd5 } = uploadHeaders(options)
  const report = progressReporter(options.onProgress, source.sizeBytes)
  const { retry, logger } = context
  const { signal } = options
  const maxAttempts = source.replayable ? retry.maxAttempts : 1
  return withRetries(
    () => putOnce(context.keyring, transport, key, source, { headers, contentMd5, report, signal }),
    { operation: 'put', key, retry: { ...retry, maxAttempts }, logger, signal },
    // The stored bytes of a failed comparison are replaced by the retry, under a content key of its own.
    (error) => isRetryable(error) || (CseError.isInstance(error) && error.code === 'ERR_CSE_INTEGRITY'),
  )
}

/** The caller's headers, with a Content-MD5 taken out: of the plaintext it must not travel as one of the body. */
function uploadHeaders(options: PutOptions): {
  headers: Record<string, string>
  contentMd5: string | undefined
} {
  const { 'content-md5': headerMd5, ...headers } = callerHeaders(options.headers)
  const contentMd5 = options.contentMd5 ?? headerMd5
  if (contentMd5 !== undefined && !MD5_BASE64.test(contentMd5)) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      'contentMd5 must be the base64 text of an MD5 of the plaintext.',
    )
  }
  Object.assign(headers, metadataHeaders(options.metadata ?? {}))
  if (options.contentType !== undefined) headers['content-type'] = options.contentType
  checkMetadataSize(headers)
  return { headers, contentMd5 }
}

interface Attempt {
  readonly headers: HeaderMap
  readonly contentMd5: string | undefined
  readonly report: (attemptBytes: number) => void
  readonly signal: AbortSignal | undefined
}

/** One attempt: a content key of its own, one pass over the source. */
async function putOnce(
  keyring: Keyring,
  transport: ObjectTransport,
  key: string,
  source: ByteSource,
  attempt: Attempt,
): Promise<PutResult> {
  const { headers, contentMd5, report, signal } = attempt
  const { sizeBytes } = source
  const call = signal === undefined ? {} : { signal }
  const { contentKey, envelope } = await keyring.generate(
    {
      ...(sizeBytes !== undefined && { unencryptedContentLength: sizeBytes }),
      ...(contentMd5 !== undefined && { unencryptedContentMd5: contentMd5 }),
    },
    call,
  )
  const allHeaders = { ...headers, ...encodeEnvelope(envelope) }
  checkMetadataSize(allHeaders)
  const crc = await createCrc64()
  let sent = 0
  const open = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    const cipher = new CtrCipher(contentKey)
    report(0)
    for await (const chunk of cipher.transform(coalesceChunks(checkedSource(source)))) {
      crc.update(chunk)
      yield chunk
      sent += chunk.length
      report(sent)
    }
  }
  let response: PutObjectResponse
  try {
    const body = { ...(sizeBytes !== undefined && { sizeBytes }), open }
    response = await transport.put({ key, headers: allHeaders, body, ...call })
  } finally {
    wipe(contentKey.cek)
  }
  return putResult(key, sent, crc.value(), response)
}

function putResult(key: string, sizeBytes: number, crc64: bigint, response: PutObjectResponse): PutResult {
  const answered = response.headers[OSS_HEADERS.crc64]
  if (answered !== undefined && answered !== String(crc64)) {
    throw new CseError(
      'ERR_CSE_INTEGRITY',
      `The service stored other bytes than were sent: its checksum differs. Upload ${key} again.`,
      { objectKey: key },
    )
  }
  const { etag, 'x-oss-version-id': versionId } = response.headers
  return {
    key,
    sizeBytes,
    ...(etag !== undefined && { etag }),
    ...(versionId !== undefined && { versionId }),
    crc64: String(crc64),
    verification: answered === undefined ? 'none' : 'crc64',
    headers: response.headers,
  }
}
