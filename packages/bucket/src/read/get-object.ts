import {
  type BoundedCallOptions,
  type ByteRange,
  type GetObjectResponse,
  type HeaderMap,
  OSS_HEADERS,
} from '@oss-cse/crypto-core'
import {
  checkRange,
  deadlineAbort,
  type LinkedAbort,
  parseRange,
  type RangeSlice,
} from '@oss-cse/crypto-core/internal'
import type { ObjectCipher } from '../cipher/object-cipher.ts'
import { aboutObject } from '../policy/about-object.ts'
import type { BucketContext, PlainObjectPolicy } from '../policy/bucket-context.ts'
import { type ProgressListener, progressReporter } from '../policy/progress.ts'
import { callerHeaders } from '../policy/request-headers.ts'
import { describeObject, type ObjectDescription } from './head-object.ts'
import { type GetSource, ObjectRequests } from './object-requests.ts'
import { checkStoredChecksum, type OpenedResponse, openResponse } from './opened-response.ts'
import { type ReadableBody, readableBody } from './readable-body.ts'
import { closeIterator, ResumedRead, skipBytes } from './resumed-read.ts'

/** What may go with a download. */
export interface GetOptions extends BoundedCallOptions {
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
  const abort = deadlineAbort(options, key)
  const requests = new ObjectRequests(source, headers, {
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
      const { reference: object } = source
      const { signal } = abort
      const opened = await openResponse(context, { key, object, range, response, policy, signal })
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

function result(
  key: string,
  range: ByteRange | undefined,
  response: GetObjectResponse,
  { slice, envelope, cipher }: OpenedResponse,
  requests: ObjectRequests,
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
  const wholePasses = slice.responseIsWhole && slice.discardBytes + slice.sizeBytes === slice.responseBytes
  const plaintext = decryptedBody({
    key,
    ciphertext,
    cipher,
    slice,
    expectedCrc64: wholePasses ? checksum : undefined,
    report: progressReporter(onProgress, slice.sizeBytes),
    signal: abort.signal,
    release,
  })
  function release(): void {
    abort.unlink()
    cipher.close()
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
    sizeBytes: slice.sizeBytes,
    totalBytes: slice.totalBytes,
    ...(range && {
      contentRange: `bytes ${slice.start}-${slice.start + slice.sizeBytes - 1}/${slice.totalBytes}`,
    }),
    verification: wholePasses && checksum !== undefined ? 'crc64' : 'length',
  }
}

interface DecryptedBodyOptions {
  readonly key: string
  readonly ciphertext: AsyncIterable<Uint8Array>
  readonly cipher: ObjectCipher
  readonly slice: RangeSlice
  /** The service's checksum of the whole ciphertext, when all of it passes by. */
  readonly expectedCrc64: string | undefined
  readonly report: (transferredBytes: number) => void
  readonly signal: AbortSignal
  readonly release: () => void
}

async function* decryptedBody(options: DecryptedBodyOptions): AsyncGenerator<Uint8Array, void, undefined> {
  const { key, ciphertext, cipher, slice, expectedCrc64, report, signal, release } = options
  try {
    const checksum = expectedCrc64 !== undefined
    const pass = cipher.decrypt({ open: () => ciphertext }, { offsetBytes: slice.responseStart, checksum })
    let delivered = 0
    report(0)
    for await (const wanted of skipBytes(pass.open(), slice.discardBytes)) {
      signal.throwIfAborted()
      yield wanted
      delivered += wanted.length
      report(delivered)
    }
    checkStoredChecksum(key, pass.crc64(), expectedCrc64)
  } finally {
    release()
  }
}
