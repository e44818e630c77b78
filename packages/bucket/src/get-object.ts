import {
  type ByteRange,
  type CallOptions,
  type ContentKey,
  type Crc64,
  CseError,
  CtrCipher,
  checkRange,
  coalesceChunks,
  createCrc64,
  decodeEnvelope,
  type Envelope,
  type GetObjectResponse,
  type HeaderMap,
  OSS_HEADERS,
  parseRange,
  type RangeSlice,
  rangeHeader,
  sliceAnswer,
  wipe,
} from '@oss-cse/crypto-core'
import type { BucketContext, PlainObjectPolicy } from './bucket-context.ts'
import { type HeadResult, headResult } from './head-object.ts'
import { type ProgressListener, progressReporter } from './progress.ts'
import { type ReadableBody, readableBody } from './readable-body.ts'
import { callerHeaders } from './request-headers.ts'
import { resumedRead } from './resumed-read.ts'
import { type RetryContext, withRetries } from './retry.ts'

/** What may go with a download. */
export interface GetOptions extends CallOptions {
  /** Which bytes of the plaintext: offsets with an inclusive end, the last bytes, or `"0-99"`, `"100-"`, `"-100"`. */
  readonly range?: ByteRange | string
  /** One version of the object, in a versioned bucket. */
  readonly versionId?: string
  /** Any other header that the service understands: conditions, request payer, traffic limit… */
  readonly headers?: HeaderMap
  /** Default: the bucket's. */
  readonly onPlainObject?: PlainObjectPolicy
  /** Called as decrypted bytes are handed to the caller. */
  readonly onProgress?: ProgressListener
}

/** An object, or a range of one, on its way. Read `body` to the end, or cancel it. */
export interface GetResult extends Omit<HeadResult, 'sizeBytes'> {
  /**
   * The decrypted bytes. It errors at the end when the ciphertext's checksum or length was wrong: what was read
   * before must not be trusted then.
   */
  readonly body: ReadableBody
  /** How many bytes `body` gives. */
  readonly sizeBytes: number
  /** The length of the whole object in bytes. */
  readonly totalBytes: number
  /** For a range: `bytes FIRST-LAST/TOTAL`, in the caller's terms. */
  readonly contentRange?: string
  /** What the end of `body` has checked: the CRC-64 of the whole ciphertext, or its length alone. */
  readonly verification: 'crc64' | 'length'
}

/** Where a download's bytes come from. */
export interface GetSource {
  /** Sends the request. */
  request(headers: HeaderMap): Promise<GetObjectResponse>
  /** False where the request's signature leaves no room for further `x-oss-` headers: a presigned URL. */
  readonly ossHeaders: boolean
}

/** Requests and decrypts one object; see `CryptoBucket.get`. */
export async function getObject(
  context: BucketContext,
  source: GetSource,
  key: string,
  options: GetOptions = {},
): Promise<GetResult> {
  const { signal } = options
  signal?.throwIfAborted()
  const range =
    typeof options.range === 'string' ? parseRange(options.range) : options.range && checkRange(options.range)
  const headers = { ...callerHeaders(options.headers), 'accept-encoding': 'identity' }
  const rangeHeaders = (value: string): Record<string, string> => ({
    range: value,
    ...(source.ossHeaders && { [OSS_HEADERS.rangeBehavior]: 'standard' }),
  })
  const { retry, logger } = context
  const retrying: RetryContext = { operation: 'get', key, retry, logger, signal }
  const response = await withRetries(
    () => source.request({ ...headers, ...(range && rangeHeaders(rangeHeader(range))) }),
    retrying,
  )
  let opened: OpenedAnswer
  try {
    opened = await openAnswer(context, key, range, response, options)
  } catch (error) {
    await closeBody(response.body)
    throw error
  }
  const { slice, contentKey } = opened
  const etag = response.headers['etag']
  let closed = false
  const reopen = resumption(source, { ...headers, 'if-match': etag ?? '' }, rangeHeaders, retrying)
  const ciphertext = resumedRead({
    key,
    startOffset: slice.answerStart,
    lengthBytes: slice.answerBytes,
    body: response.body,
    mayResume: () => etag !== undefined && !closed,
    reopen,
  })
  const checksum = response.headers[OSS_HEADERS.crc64]
  // The checksum is the whole object's: it says something only where the whole passes by.
  const readsToEnd = slice.discardBytes + slice.lengthBytes === slice.answerBytes
  const checksummed = checksum !== undefined && slice.answerIsWhole && readsToEnd
  const plaintext = decryptedBody({
    key,
    ciphertext,
    contentKey,
    slice,
    readsToEnd,
    expectedCrc64: checksummed ? checksum : undefined,
    report: progressReporter(options.onProgress, slice.lengthBytes),
  })
  const close = async (): Promise<void> => {
    closed = true
    // The connection first: a read that waits for it would hold up the rest. A generator that never ran does not
    // run its own clean-up.
    await Promise.all([closeBody(response.body), plaintext.return(), ciphertext.return()])
    if (contentKey !== undefined) wipe(contentKey.cek)
  }
  return {
    ...headResult(key, response.headers),
    body: readableBody(plaintext, close),
    sizeBytes: slice.lengthBytes,
    totalBytes: slice.totalBytes,
    ...(range && {
      contentRange: `bytes ${slice.start}-${slice.start + slice.lengthBytes - 1}/${slice.totalBytes}`,
    }),
    verification: checksummed ? 'crc64' : 'length',
  }
}

interface OpenedAnswer {
  readonly slice: RangeSlice
  /** Absent for a plain object that may pass. */
  readonly contentKey: ContentKey | undefined
}

/** Everything that is judged before the first byte is released. */
async function openAnswer(
  context: BucketContext,
  key: string,
  range: ByteRange | undefined,
  response: GetObjectResponse,
  options: GetOptions,
): Promise<OpenedAnswer> {
  const envelope = decodeEnvelope(response.headers)
  if (envelope === undefined && (options.onPlainObject ?? context.onPlainObject) !== 'passthrough') {
    throw new CseError(
      'ERR_CSE_NOT_ENCRYPTED',
      `${key} carries no encryption envelope: it was stored in clear, or its metadata was stripped. Pass onPlainObject: 'passthrough' to read it all the same.`,
      { objectKey: key },
    )
  }
  const slice = sliceAnswer(range, response)
  if (envelope === undefined) return { slice, contentKey: undefined }
  checkRecordedLength(key, envelope, slice.totalBytes)
  const contentKey = await context.keyring.unwrap(envelope, options.signal ? { signal: options.signal } : {})
  return { slice, contentKey }
}

/** An object that is shorter or longer than its envelope recorded was cut or extended behind the writer's back. */
function checkRecordedLength(key: string, envelope: Envelope, totalBytes: number): void {
  const recorded = [
    envelope.unencryptedContentLength,
    envelope.version === 2 ? envelope.dataSizeBytes : undefined,
  ]
  if (recorded.some((length) => length !== undefined && length !== totalBytes)) {
    throw new CseError('ERR_CSE_INTEGRITY', `${key} does not have the length that its envelope records.`, {
      objectKey: key,
    })
  }
}

/** How an interrupted read goes on: the same object by If-Match, from the same byte. */
function resumption(
  source: GetSource,
  headers: HeaderMap,
  rangeHeaders: (value: string) => Record<string, string>,
  retrying: RetryContext,
): (start: number, end: number, error: unknown) => Promise<GetObjectResponse> {
  let budget = retrying.retry.maxAttempts - 1
  let resumedFrom = -1
  return async (start, end, error) => {
    // Progress since the last interruption earns a fresh budget.
    if (start > resumedFrom) budget = retrying.retry.maxAttempts - 1
    resumedFrom = start
    if (budget <= 0) throw error
    budget -= 1
    let first = true
    return withRetries(
      async () => {
        // The interruption counts as the first failure: the request waits like any second attempt.
        if (first) {
          first = false
          throw error
        }
        return source.request({ ...headers, ...rangeHeaders(`bytes=${start}-${end}`) })
      },
      { ...retrying, operation: 'read' },
    )
  }
}

interface DecryptedBodyOptions {
  readonly key: string
  readonly ciphertext: AsyncGenerator<Uint8Array, void, undefined>
  readonly contentKey: ContentKey | undefined
  readonly slice: RangeSlice
  /** False when the answer goes on after the wanted bytes. */
  readonly readsToEnd: boolean
  /** The service's checksum of the whole ciphertext, when all of it passes by. */
  readonly expectedCrc64: string | undefined
  readonly report: (transferredBytes: number) => void
}

async function* decryptedBody(options: DecryptedBodyOptions): AsyncGenerator<Uint8Array, void, undefined> {
  const { key, ciphertext, contentKey, slice, readsToEnd, expectedCrc64, report } = options
  const crc = expectedCrc64 === undefined ? undefined : await createCrc64()
  const checked =
    crc === undefined ? coalesceChunks(ciphertext) : checksummed(coalesceChunks(ciphertext), crc)
  let discard = slice.discardBytes
  let delivered = 0
  try {
    const offsetBytes = slice.answerStart
    const plaintext =
      contentKey === undefined ? checked : new CtrCipher(contentKey, { offsetBytes }).transform(checked)
    report(0)
    for await (const chunk of plaintext) {
      const wanted = chunk.subarray(discard, discard + slice.lengthBytes - delivered)
      discard = Math.max(0, discard - chunk.length)
      if (wanted.length > 0) {
        yield wanted
        delivered += wanted.length
        report(delivered)
      }
      if (delivered === slice.lengthBytes && !readsToEnd) return
    }
    if (crc !== undefined && String(crc.value()) !== expectedCrc64) {
      throw new CseError(
        'ERR_CSE_INTEGRITY',
        `The bytes of ${key} do not have the checksum that the service keeps of them.`,
        {
          objectKey: key,
        },
      )
    }
  } finally {
    if (contentKey !== undefined) wipe(contentKey.cek)
  }
}

async function* checksummed(
  source: AsyncIterable<Uint8Array>,
  crc: Crc64,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) {
    crc.update(chunk)
    yield chunk
  }
}

/** Closes an answer whose body nobody will read. */
async function closeBody(body: AsyncIterable<Uint8Array>): Promise<void> {
  await body[Symbol.asyncIterator]().return?.()
}
