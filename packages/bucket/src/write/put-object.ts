import {
  type BoundedCallOptions,
  type ByteChunks,
  CseError,
  decodeEnvelope,
  encodeEnvelope,
  type HeaderMap,
  type ObjectTransport,
  OSS_HEADERS,
  type PutObjectResponse,
} from '@oss-cse/crypto-core'
import { checkMetadataSize, isRetryable, MAX_REQUEST_BYTES } from '@oss-cse/crypto-core/internal'
import { type ContentCipher, commitmentOf, generateContentCipher } from '../cipher/content-cipher.ts'
import { isThreadLost } from '../cipher/lost-thread.ts'
import { aboutObject } from '../policy/about-object.ts'
import type { BucketContext } from '../policy/bucket-context.ts'
import { CONTENT_LENGTHS } from '../policy/content-lengths.ts'
import { type ProgressListener, progressReporter, SentBytes } from '../policy/progress.ts'
import { type ObjectOptions, uploadHeaders } from '../policy/request-headers.ts'
import { withRetries } from '../policy/retry.ts'
import { contextToSeal } from '../policy/sealed-context.ts'
import type { ByteSource } from '../source/byte-source.ts'
import { checkedPutResult, isIntegrityFailure, type PutResult } from './put-result.ts'

/** Options of a put. */
export interface PutOptions extends BoundedCallOptions, ObjectOptions {
  /** The plaintext's length in bytes, for a stream of known length. The ciphertext has the same length. */
  readonly sizeBytes?: number | undefined
  /** Called as bytes leave. */
  readonly onProgress?: ProgressListener | undefined
  /** The context of a sealed object, see `GetOptions`. Default: that of the bucket. Only for a bucket that seals. */
  readonly context?: string | undefined
}

/**
 * Encrypts and uploads one object; see `CryptoBucket.put`.
 *
 * @param source - the caller closes it when this fails
 */
export async function putObject(
  context: BucketContext,
  transport: ObjectTransport,
  key: string,
  source: ByteSource,
  options: PutOptions = {},
): Promise<PutResult> {
  const { signal } = options
  const sent: SentObject[] = []
  try {
    signal?.throwIfAborted()
    const upload: Upload = {
      context,
      transport,
      key,
      source,
      ...uploadHeaders(options),
      sealedContext: contextToSeal(context, key, options.context),
      report: progressReporter(options.onProgress, source.sizeBytes),
      signal,
    }
    const overwrites = upload.headers[OSS_HEADERS.forbidOverwrite]?.toLowerCase() !== 'true'
    const maxAttempts = source.replayable ? context.retry.maxAttempts : 1
    checkPutSize(context, key, source.sizeBytes)
    // With a known length, a spent source is found by its length, unless it is to be empty anyway.
    if (source.sizeBytes === undefined) await source.begin?.(signal)
    return await withRetries(
      () => putOnce(upload, sent),
      { operation: 'put', key, retry: { ...context.retry, maxAttempts }, logger: context.logger, signal },
      // A retry replaces wrongly stored bytes, under a new content key, unless overwriting is forbidden. A worker that ended
      // has stored nothing, or the whole object.
      (error) =>
        source.replayable &&
        (isRetryable(error) || isThreadLost(error) || (overwrites && isIntegrityFailure(error))),
    )
  } catch (error) {
    throw aboutObject(error, key)
  }
}

/** The service takes 5 GiB of stored bytes, which are more than the plaintext of a sealed object. */
function checkPutSize({ format }: BucketContext, objectKey: string, sizeBytes: number | undefined): void {
  if (format !== 'sealed' || sizeBytes === undefined) return
  const storedBytes = CONTENT_LENGTHS.sealed.stored(sizeBytes)
  if (storedBytes <= MAX_REQUEST_BYTES) return
  throw new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    `${objectKey} is too large for one request: sealed, it has ${storedBytes} bytes, and at most ${MAX_REQUEST_BYTES} are allowed. Use upload.`,
    { objectKey },
  )
}

interface Upload {
  readonly context: BucketContext
  readonly transport: ObjectTransport
  readonly key: string
  readonly source: ByteSource
  readonly headers: HeaderMap
  readonly contentMd5: string | undefined
  readonly sealedContext: Uint8Array
  readonly report: (attemptBytes: number) => void
  readonly signal: AbortSignal | undefined
}

/** What an attempt sent, to recognize the object if the response is lost. */
interface SentObject {
  readonly wrappedCek: string
  readonly commitment: string | undefined
  sizeBytes: number
  /** Absent until the source was read to its end. */
  crc64?: bigint | undefined
}

/** One attempt: a new content key, one pass over the source. */
async function putOnce(upload: Upload, earlier: SentObject[]): Promise<PutResult> {
  const { context, transport, key, source, contentMd5, report, signal } = upload
  const { sizeBytes } = source
  const extras = {
    ...(sizeBytes !== undefined && { unencryptedContentLength: sizeBytes }),
    ...(contentMd5 !== undefined && { unencryptedContentMd5: contentMd5 }),
  }
  const object = { location: transport.location, key }
  const { cipher, envelope } = await generateContentCipher(
    context,
    object,
    extras,
    signal,
    upload.sealedContext,
  )
  const commitment = commitmentOf(cipher)
  const sent: SentObject = { wrappedCek: envelope.wrappedCek, sizeBytes: 0, commitment }
  const { plaintext } = CONTENT_LENGTHS[context.format]
  const count = new SentBytes((storedBytes) => report(plaintext(storedBytes)))
  try {
    const headers = { ...upload.headers, ...encodeEnvelope(envelope) }
    checkMetadataSize(headers)
    const attempt: Attempt = { cipher, headers, sent, count }
    const response = (await sendFromWorker(upload, attempt)) ?? (await sendFromHere(upload, attempt))
    const result = putResult(key, sent, response)
    report(sent.sizeBytes)
    return result
  } catch (error) {
    const stored = await storedEarlier(upload, earlier, error)
    if (stored !== undefined) return stored
    throw error
  } finally {
    cipher.close()
    earlier.push(sent)
  }
}

/** What an attempt works with. */
interface Attempt {
  readonly cipher: ContentCipher
  readonly headers: HeaderMap
  readonly sent: SentObject
  readonly count: SentBytes
}

/** Lets a worker read, encrypt and send a file. Returns `undefined` if none can. */
async function sendFromWorker(
  { context, transport, key, source, signal }: Upload,
  { cipher, headers, sent, count }: Attempt,
): Promise<PutObjectResponse | undefined> {
  const { sizeBytes } = source
  if (sizeBytes === undefined || !cipher.canSend(source)) return undefined
  const storedBytes = CONTENT_LENGTHS[context.format].stored(sizeBytes)
  const request = { operation: 'put', key, headers, sizeBytes: storedBytes, signal } as const
  const side = await transport.workerSide?.(request)
  if (side === undefined) return undefined
  return cipher.send(source, side, {
    signal,
    onSentBytes: count.onSentBytes,
    onEnd(crc64) {
      sent.crc64 = crc64
      sent.sizeBytes = sizeBytes
    },
  })
}

/** Encrypts the source in this thread, while the transport pulls it. */
function sendFromHere(
  { context, transport, key, source, signal }: Upload,
  { cipher, headers, sent, count }: Attempt,
): Promise<PutObjectResponse> {
  const lengths = CONTENT_LENGTHS[context.format]
  const sizeBytes = source.sizeBytes === undefined ? undefined : lengths.stored(source.sizeBytes)
  let pulledBytes = 0
  // One pass for the attempt: a second reading of the body would use it again, and it throws then.
  const pass = cipher.encrypt(source)
  cipher.close()
  const open = (): ByteChunks => {
    count.pulled(0)
    return pass.open({
      onReturned(bytes) {
        pulledBytes += bytes
        sent.sizeBytes = lengths.plaintext(pulledBytes)
        count.pulled(pulledBytes)
      },
      onEnd() {
        // A stream that was closed by an abort ends too, but is not whole.
        signal?.throwIfAborted()
        sent.crc64 = pass.crc64()
      },
    })
  }
  return transport.put({ key, headers, body: { sizeBytes, open }, signal, onSentBytes: count.onSentBytes })
}

/**
 * An attempt whose response was lost may have stored the object. If overwriting is forbidden, the next attempt is then
 * refused. The wrapped key of the stored object shows whether it is ours.
 */
async function storedEarlier(
  upload: Upload,
  earlier: readonly SentObject[],
  error: unknown,
): Promise<PutResult | undefined> {
  const refused = CseError.isInstance(error) && error.code === 'ERR_CSE_PRECONDITION_FAILED'
  if (!refused || earlier.length === 0) return undefined
  const { transport, key, signal } = upload
  let headers: HeaderMap
  let wrapped: string | undefined
  try {
    headers = (await transport.head({ key, headers: {}, signal })).headers
    wrapped = decodeEnvelope(headers)?.wrappedCek
  } catch {
    // Unknown, or damaged and so not ours: the refusal stands.
    signal?.throwIfAborted()
    return undefined
  }
  const ours = earlier.find(({ wrappedCek }) => wrappedCek === wrapped)
  return ours && putResult(key, ours, { headers })
}

function putResult(
  key: string,
  sent: SentObject,
  response: { readonly headers: HeaderMap; readonly data?: Uint8Array | undefined },
): PutResult {
  const { sizeBytes, crc64, commitment } = sent
  if (crc64 === undefined) throw notReadToEnd(key)
  return checkedPutResult(key, { sizeBytes, crc64: String(crc64), commitment }, response)
}

/** The stored object may be shorter than the body, or its source may have continued or failed at its end. */
function notReadToEnd(objectKey: string): CseError {
  return new CseError(
    'ERR_CSE_INTEGRITY',
    `The transport did not read the body of ${objectKey} to its end: what it stored may not be whole. Upload it again.`,
    { objectKey },
  )
}
