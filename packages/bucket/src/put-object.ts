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
  type ObjectTransport,
  OSS_HEADERS,
  USER_METADATA_PREFIX,
  V2_HEADERS,
  wipe,
} from '@oss-cse/crypto-core'
import { aboutObject } from './about-object.ts'
import type { BucketContext } from './bucket-context.ts'
import { type BodyInput, type ByteSource, byteSource, checkedSource } from './byte-source.ts'
import { type ProgressListener, progressReporter } from './progress.ts'
import { addHeader, callerHeaders } from './request-headers.ts'
import { isRetryable, withRetries } from './retry.ts'

/** What may go with an upload. */
export interface PutOptions extends CallOptions {
  /** The plaintext's length in bytes, for a stream whose length is known. Ciphertext has the same length. */
  readonly sizeBytes?: number | undefined
  /** User metadata: names without `x-oss-meta-`, values printable ASCII. Stored in clear. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** The object's Content-Type. Stored in clear. */
  readonly contentType?: string | undefined
  /**
   * The MD5 of the plaintext, base64, kept in the envelope for readers. It is an unkeyed hash: whoever can read
   * the metadata can confirm a guess of the content with it.
   */
  readonly contentMd5?: string | undefined
  /** Any other header that the service understands: ACL, storage class, tagging, callbacks… */
  readonly headers?: HeaderMap | undefined
  /** Called as bytes are handed to the connection. */
  readonly onProgress?: ProgressListener | undefined
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
  /** What the callback server answered, when the headers asked for a callback. */
  readonly callbackData?: Uint8Array
  /** The service's answer, names in lower case. */
  readonly headers: HeaderMap
}

const MD5_BASE64 = /^[A-Za-z0-9+/]{22}==$/
const FORBID_OVERWRITE = 'x-oss-forbid-overwrite'

/** Encrypts and uploads one object; see `CryptoBucket.put`. */
export async function putObject(
  context: BucketContext,
  transport: ObjectTransport,
  key: string,
  input: BodyInput,
  options: PutOptions = {},
): Promise<PutResult> {
  const { signal } = options
  signal?.throwIfAborted()
  const source = byteSource(input, options.sizeBytes)
  const upload: Upload = {
    transport,
    keyring: context.keyring,
    key,
    source,
    ...uploadHeaders(options),
    report: progressReporter(options.onProgress, source.sizeBytes),
    signal,
  }
  const overwrites = upload.headers[FORBID_OVERWRITE]?.toLowerCase() !== 'true'
  const maxAttempts = source.replayable ? context.retry.maxAttempts : 1
  const sent: SentObject[] = []
  try {
    return await withRetries(
      () => putOnce(upload, sent),
      { operation: 'put', key, retry: { ...context.retry, maxAttempts }, logger: context.logger, signal },
      // What was stored wrongly is replaced by the retry, under a content key of its own, unless that is forbidden.
      (error) => isRetryable(error) || (overwrites && isIntegrityFailure(error)),
    )
  } catch (error) {
    await source.discard?.().catch(() => {})
    throw aboutObject(error, key)
  }
}

/** The caller's headers, with a Content-MD5 taken out: of the plaintext it must not travel as one of the body. */
function uploadHeaders(options: PutOptions): {
  readonly headers: Record<string, string>
  readonly contentMd5: string | undefined
} {
  const all = callerHeaders(options.headers)
  addHeader(all, 'content-md5', options.contentMd5)
  addHeader(all, 'content-type', options.contentType)
  for (const [name, value] of Object.entries(options.metadata ?? {})) {
    addHeader(all, USER_METADATA_PREFIX + name, value)
  }
  const { 'content-md5': contentMd5, ...headers } = all
  if (contentMd5 !== undefined && !MD5_BASE64.test(contentMd5)) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      'contentMd5 must be the base64 text of an MD5 of the plaintext.',
    )
  }
  checkMetadataSize(headers)
  return { headers, contentMd5 }
}

interface Upload {
  readonly transport: ObjectTransport
  readonly keyring: Keyring
  readonly key: string
  readonly source: ByteSource
  readonly headers: HeaderMap
  readonly contentMd5: string | undefined
  readonly report: (attemptBytes: number) => void
  readonly signal: AbortSignal | undefined
}

/** What an attempt sent, to know it again when its answer was lost. */
interface SentObject {
  readonly wrappedCek: string
  sizeBytes: number
  /** False until the source was read to its end. */
  whole: boolean
  readonly crc64: () => string
}

/** One attempt: a content key of its own, one pass over the source. */
async function putOnce(upload: Upload, earlier: SentObject[]): Promise<PutResult> {
  const { transport, key, source, contentMd5, report, signal } = upload
  const { sizeBytes } = source
  const { contentKey, envelope } = await upload.keyring.generate(
    {
      ...(sizeBytes !== undefined && { unencryptedContentLength: sizeBytes }),
      ...(contentMd5 !== undefined && { unencryptedContentMd5: contentMd5 }),
    },
    { signal },
  )
  // One cipher for the attempt: a second reading of the body would need it again, and it refuses.
  const cipher = new CtrCipher(contentKey)
  wipe(contentKey.cek)
  const headers = { ...upload.headers, ...encodeEnvelope(envelope) }
  checkMetadataSize(headers)
  const crc = await createCrc64()
  const sent: SentObject = {
    wrappedCek: envelope.wrappedCek,
    sizeBytes: 0,
    whole: false,
    crc64: () => String(crc.value()),
  }
  async function* counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    report(0)
    for await (const chunk of chunks) {
      crc.update(chunk)
      sent.sizeBytes += chunk.length
      sent.whole = sent.sizeBytes === sizeBytes
      yield chunk
      report(sent.sizeBytes)
    }
    sent.whole = true
  }
  const open = () => counted(cipher.transform(coalesceChunks(checkedSource(source))))
  try {
    const response = await transport.put({ key, headers, body: { sizeBytes, open }, signal })
    const { data } = response
    return { ...putResult(key, sent, response.headers), ...(data !== undefined && { callbackData: data }) }
  } catch (error) {
    const stored = await storedEarlier(upload, earlier, error)
    if (stored !== undefined) return stored
    throw error
  } finally {
    earlier.push(sent)
  }
}

/**
 * An attempt whose answer was lost may have stored the object; where overwriting is forbidden the next one is then
 * refused. The object's own wrapped key tells that it is ours.
 */
async function storedEarlier(
  upload: Upload,
  earlier: readonly SentObject[],
  error: unknown,
): Promise<PutResult | undefined> {
  const refused = CseError.isInstance(error) && error.code === 'ERR_CSE_PRECONDITION_FAILED'
  if (!refused || earlier.length === 0) return undefined
  const { transport, key, signal } = upload
  const { headers } = await transport.head({ key, headers: {}, signal })
  const ours = earlier.find(({ wrappedCek }) => wrappedCek === headers[V2_HEADERS.wrappedCek])
  return ours && putResult(key, ours, headers)
}

function putResult(key: string, sent: SentObject, headers: HeaderMap): PutResult {
  const crc64 = sent.crc64()
  const answered = headers[OSS_HEADERS.crc64]
  if (!sent.whole || (answered !== undefined && answered !== crc64)) {
    throw new CseError(
      'ERR_CSE_INTEGRITY',
      `The service stored other bytes than were sent as ${key}. Upload it again.`,
      { objectKey: key },
    )
  }
  const { etag, 'x-oss-version-id': versionId } = headers
  return {
    key,
    sizeBytes: sent.sizeBytes,
    ...(etag !== undefined && { etag }),
    ...(versionId !== undefined && { versionId }),
    crc64,
    verification: answered === undefined ? 'none' : 'crc64',
    headers,
  }
}

function isIntegrityFailure(error: unknown): boolean {
  return CseError.isInstance(error) && error.code === 'ERR_CSE_INTEGRITY'
}
