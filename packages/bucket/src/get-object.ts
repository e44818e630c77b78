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
import { aboutObject } from './about-object.ts'
import type { BucketContext, PlainObjectPolicy } from './bucket-context.ts'
import { describeObject, type ObjectDescription } from './head-object.ts'
import { type LinkedAbort, linkedAbort } from './linked-abort.ts'
import { type ProgressListener, progressReporter } from './progress.ts'
import { type ReadableBody, readableBody } from './readable-body.ts'
import { callerHeaders } from './request-headers.ts'
import { closeIterator, ResumedRead } from './resumed-read.ts'
import { type RetryContext, withRetries } from './retry.ts'

/** What may go with a download. */
export interface GetOptions extends CallOptions {
  /** Which bytes of the plaintext: offsets with an inclusive end, the last bytes, or `"0-99"`, `"100-"`, `"-100"`. */
  readonly range?: ByteRange | string | undefined
  /** One version of the object, in a versioned bucket. */
  readonly versionId?: string | undefined
  /** Any other header that the service understands: conditions, request payer, traffic limit… */
  readonly headers?: HeaderMap | undefined
  /** Default: the bucket's. */
  readonly onPlainObject?: PlainObjectPolicy | undefined
  /** Called as decrypted bytes are handed to the caller. */
  readonly onProgress?: ProgressListener | undefined
}

/** An object, or a range of one, on its way. Read `body` to the end, or cancel it. */
export interface GetResult extends ObjectDescription {
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
  request(headers: HeaderMap, signal: AbortSignal): Promise<GetObjectResponse>
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
  options.signal?.throwIfAborted()
  const range =
    typeof options.range === 'string' ? parseRange(options.range) : options.range && checkRange(options.range)
  const headers = { ...callerHeaders(options.headers), 'accept-encoding': 'identity' }
  const abort = linkedAbort(options.signal)
  const requests = new Requests(source, headers, {
    operation: 'get',
    key,
    retry: context.retry,
    logger: context.logger,
    signal: abort.signal,
  })
  try {
    const response = await requests.first(range)
    try {
      const policy = options.onPlainObject ?? context.onPlainObject
      const opened = await openAnswer(context, key, range, response, policy, abort.signal)
      return result(key, range, response, opened, requests, abort, options.onProgress)
    } catch (error) {
      await closeIterator(response.body[Symbol.asyncIterator]())
      throw error
    }
  } catch (error) {
    abort.unlink()
    throw aboutObject(error, key)
  }
}

/** The requests of one get: the first one, and those by which an interrupted read goes on. */
class Requests {
  readonly #source: GetSource
  readonly #headers: HeaderMap
  readonly #context: RetryContext & { readonly signal: AbortSignal }
  #resumedFrom = -1
  #failuresThere = 0

  constructor(
    source: GetSource,
    headers: HeaderMap,
    context: RetryContext & { readonly signal: AbortSignal },
  ) {
    this.#source = source
    this.#headers = headers
    this.#context = context
  }

  async first(range: ByteRange | undefined): Promise<GetObjectResponse> {
    let response: GetObjectResponse | undefined
    try {
      return await withRetries(async () => {
        response = await this.#send(range === undefined ? {} : this.#rangeHeaders(rangeHeader(range)))
        return response
      }, this.#context)
    } catch (error) {
      // Aborted in the moment the answer came.
      if (response !== undefined) await closeIterator(response.body[Symbol.asyncIterator]())
      throw error
    }
  }

  /** Asks for the rest of the same object after `error`; gives up when nothing more comes, attempt by attempt. */
  async resume(etag: string, start: number, end: number, error: unknown): Promise<GetObjectResponse> {
    if (start !== this.#resumedFrom) this.#failuresThere = 0
    this.#resumedFrom = start
    this.#failuresThere += 1
    if (this.#failuresThere >= this.#context.retry.maxAttempts) throw error
    const headers = { ...this.#rangeHeaders(`bytes=${start}-${end}`), 'if-match': etag }
    let interruption: { readonly error: unknown } | undefined = { error }
    return withRetries(
      () => {
        // The interruption counts as the first failure, so that the request waits like any second attempt.
        const first = interruption
        interruption = undefined
        return first === undefined ? this.#send(headers) : Promise.reject(first.error)
      },
      { ...this.#context, operation: 'read' },
    )
  }

  #send(headers: HeaderMap): Promise<GetObjectResponse> {
    return this.#source.request({ ...this.#headers, ...headers }, this.#context.signal)
  }

  #rangeHeaders(range: string): HeaderMap {
    return { range, ...(this.#source.ossHeaders && { [OSS_HEADERS.rangeBehavior]: 'standard' }) }
  }
}

interface OpenedAnswer {
  readonly slice: RangeSlice
  /** Absent, and the content key with it, for a plain object that may pass. */
  readonly envelope: Envelope | undefined
  readonly contentKey: ContentKey | undefined
}

/** Everything that is judged before the first byte is released. */
async function openAnswer(
  context: BucketContext,
  key: string,
  range: ByteRange | undefined,
  response: GetObjectResponse,
  policy: PlainObjectPolicy,
  signal: AbortSignal,
): Promise<OpenedAnswer> {
  const envelope = decodeEnvelope(response.headers)
  if (envelope === undefined && policy !== 'passthrough') {
    throw new CseError(
      'ERR_CSE_NOT_ENCRYPTED',
      `${key} carries no encryption envelope: it was stored in clear, or its metadata was stripped. Pass onPlainObject: 'passthrough' to read it all the same.`,
      { objectKey: key },
    )
  }
  const slice = sliceAnswer(range, response)
  if (envelope === undefined) return { slice, envelope, contentKey: undefined }
  checkRecordedLength(key, envelope, slice.totalBytes)
  const { retry, logger } = context
  const unwrap = () => context.keyring.unwrap(envelope, { signal })
  const contentKey = await withRetries(unwrap, { operation: 'unwrap', key, retry, logger, signal })
  return { slice, envelope, contentKey }
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

function result(
  key: string,
  range: ByteRange | undefined,
  response: GetObjectResponse,
  { slice, envelope, contentKey }: OpenedAnswer,
  requests: Requests,
  abort: LinkedAbort,
  onProgress: ProgressListener | undefined,
): GetResult {
  const { etag = '', [OSS_HEADERS.crc64]: checksum } = response.headers
  const ciphertext = new ResumedRead({
    key,
    response,
    slice,
    reopen: (start, end, error) => requests.resume(etag, start, end, error),
  })
  // The checksum is the whole object's: it says something only where the whole passes by.
  const wholePasses = slice.answerIsWhole && slice.discardBytes + slice.lengthBytes === slice.answerBytes
  const plaintext = decryptedBody({
    key,
    ciphertext,
    contentKey,
    slice,
    expectedCrc64: wholePasses ? checksum : undefined,
    report: progressReporter(onProgress, slice.lengthBytes),
    release,
  })
  function release(): void {
    abort.unlink()
    if (contentKey !== undefined) wipe(contentKey.cek, contentKey.iv)
  }
  const cancel = async (): Promise<void> => {
    // The signal first: it ends a read that is under way, and a wait before the next request.
    abort.abort(new DOMException('The body was cancelled.', 'AbortError'))
    release()
    await ciphertext.close()
    // A generator whose read is under way ends by itself, one that never ran has nothing to end.
    plaintext.return().catch(() => {})
  }
  return {
    ...describeObject(key, response.headers, envelope),
    body: readableBody(plaintext, cancel),
    sizeBytes: slice.lengthBytes,
    totalBytes: slice.totalBytes,
    ...(range && {
      contentRange: `bytes ${slice.start}-${slice.start + slice.lengthBytes - 1}/${slice.totalBytes}`,
    }),
    verification: wholePasses && checksum !== undefined ? 'crc64' : 'length',
  }
}

interface DecryptedBodyOptions {
  readonly key: string
  readonly ciphertext: AsyncIterable<Uint8Array>
  readonly contentKey: ContentKey | undefined
  readonly slice: RangeSlice
  /** The service's checksum of the whole ciphertext, when all of it passes by. */
  readonly expectedCrc64: string | undefined
  readonly report: (transferredBytes: number) => void
  readonly release: () => void
}

async function* decryptedBody(options: DecryptedBodyOptions): AsyncGenerator<Uint8Array, void, undefined> {
  const { key, ciphertext, contentKey, slice, expectedCrc64, report, release } = options
  try {
    const crc = expectedCrc64 === undefined ? undefined : await createCrc64()
    const checked = checksummed(coalesceChunks(ciphertext), crc)
    const offsetBytes = slice.answerStart
    const plaintext =
      contentKey === undefined
        ? asUint8Arrays(checked)
        : new CtrCipher(contentKey, { offsetBytes }).transform(checked)
    let discard = slice.discardBytes
    let delivered = 0
    report(0)
    for await (const chunk of plaintext) {
      const wanted = chunk.subarray(discard)
      discard = Math.max(0, discard - chunk.length)
      if (wanted.length === 0) continue
      yield wanted
      delivered += wanted.length
      report(delivered)
    }
    if (crc !== undefined && String(crc.value()) !== expectedCrc64) {
      throw new CseError(
        'ERR_CSE_INTEGRITY',
        `The bytes of ${key} do not have the checksum that the service keeps of them.`,
        { objectKey: key },
      )
    }
  } finally {
    release()
  }
}

async function* checksummed(
  source: AsyncIterable<Uint8Array>,
  crc: Crc64 | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) {
    crc?.update(chunk)
    yield chunk
  }
}

/** A transport may hand out Node.js Buffers, which are not what a caller was promised. */
async function* asUint8Arrays(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const { buffer, byteOffset, byteLength } of source)
    yield new Uint8Array(buffer, byteOffset, byteLength)
}
