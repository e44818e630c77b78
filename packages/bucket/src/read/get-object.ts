import {
  type BoundedCallOptions,
  type ByteChunks,
  type ByteRange,
  concatBytes,
  type GetObjectResponse,
  type HeaderMap,
  OSS_HEADERS,
} from '@oss-cse/crypto-core'
import {
  checkRange,
  deadlineAbort,
  type LinkedAbort,
  notSatisfiable,
  parseRange,
} from '@oss-cse/crypto-core/internal'
import { aboutObject } from '../policy/about-object.ts'
import type { PlainObjectPolicy, ReadContext } from '../policy/bucket-context.ts'
import { plainObjectPolicy } from '../policy/plain-objects.ts'
import { type ProgressListener, progressReporter } from '../policy/progress.ts'
import { readHeaders } from '../policy/request-headers.ts'
import type { ReadPolicies } from '../policy/sealed-policies.ts'
import { type GetSource, ObjectRequests } from '../requests/object-requests.ts'
import { sealedState } from '../requests/range-bytes.ts'
import { closeIterator, ResumedRead } from '../requests/resumed-read.ts'
import { firstResponse } from './first-response.ts'
import { describeObject, type ObjectDescription } from './head-object.ts'
import {
  checkStoredChecksum,
  expectsSealed,
  type OpenedCtr,
  type OpenedResponse,
  type OpenedSealed,
  openResponse,
} from './opened-response.ts'
import { type ReadableBody, readableBody } from './readable-body.ts'
import { readSealed } from './sealed-read.ts'

/** Options of a get. */
export interface GetOptions extends BoundedCallOptions, ReadPolicies {
  /**
   * The bytes of the plaintext to read: offsets with an inclusive end, the last bytes, or `"0-99"`, `"100-"`, `"-100"`.
   */
  readonly range?: ByteRange | string | undefined
  /** One version of the object, in a versioned bucket. */
  readonly versionId?: string | undefined
  /** Any other header that the service understands: conditions, request payer, traffic limit… */
  readonly headers?: HeaderMap | undefined
  /** Default: the policy of the bucket. */
  readonly onPlainObject?: PlainObjectPolicy | undefined
  /** Called as decrypted bytes are passed to the caller. */
  readonly onProgress?: ProgressListener | undefined
}

/** An object, or a range of one, that is being read. Read `body` to the end, or cancel it. */
export interface GetResult extends ObjectDescription {
  /**
   * The decrypted bytes. The stream errors at its end if the checksum or the length of the ciphertext was wrong. Then
   * do not trust the bytes that you read before.
   */
  readonly body: ReadableBody
  /** The number of bytes in `body`. */
  readonly sizeBytes: number
  /** The length of the whole object in bytes. */
  readonly totalBytes: number
  /** For a range: `bytes FIRST-LAST/TOTAL`, as the caller requested it. */
  readonly contentRange?: string
  /**
   * What is checked by the end of `body`: the CRC-64 of the whole ciphertext, or only its length. `aead`: each byte of a
   * sealed object was verified before it was released.
   */
  readonly verification: 'crc64' | 'length' | 'aead'
  /** Whether the object is sealed. */
  readonly sealed: boolean
  /**
   * The commitment of a sealed object: pass it as `expectCommitment` to read that object and no other. For a range that does
   * not begin with the first 64 KiB it is what the key of the object says.
   */
  readonly commitment?: string
}

/** Requests and decrypts one object; see `CryptoBucket.get`. */
export async function getObject(
  context: ReadContext,
  source: GetSource,
  key: string,
  options?: GetOptions,
): Promise<GetResult> {
  const { plaintext, cancel, describe, ...sizes } = await readObject(context, source, key, options)
  return { ...describe(), ...sizes, body: readableBody(plaintext, cancel) }
}

/** Requests and decrypts one object into memory; see `CryptoBucket.getBytes`. */
export async function getObjectBytes(
  context: ReadContext,
  source: GetSource,
  key: string,
  options?: GetOptions,
): Promise<Uint8Array> {
  // Without the stream of a body: for a small object, making and reading it would cost as much as the rest.
  const { plaintext } = await readObject(context, source, key, options)
  const chunks: Uint8Array[] = []
  for await (const chunk of plaintext) chunks.push(chunk)
  const [only] = chunks
  return only !== undefined && chunks.length === 1 ? only : concatBytes(chunks)
}

/** A get whose bytes are read by iteration. */
interface ObjectRead extends Omit<GetResult, 'body' | keyof ObjectDescription> {
  describe(): ObjectDescription
  /** The decrypted bytes. */
  readonly plaintext: AsyncGenerator<Uint8Array, void, undefined> & ByteChunks
  /** Ends a pending read, and closes the connection. */
  cancel(): Promise<void>
}

/** Requests one object, checks its headers and unwraps its key. Its bytes are decrypted as they are read. */
export async function readObject(
  context: ReadContext,
  source: GetSource,
  key: string,
  options: GetOptions = {},
): Promise<ObjectRead> {
  options.signal?.throwIfAborted()
  const range =
    typeof options.range === 'string' ? parseRange(options.range) : options.range && checkRange(options.range)
  const headers = readHeaders(options.headers)
  const policy = plainObjectPolicy(context, key, options.onPlainObject)
  const abort = deadlineAbort(options, key)
  const { retry, logger } = context
  const requestContext = { operation: 'get', key, retry, logger, signal: abort.signal } as const
  const requests = new ObjectRequests(source, headers, requestContext)
  const { signal } = abort
  const { expectCommitment, context: bound, onProgress } = options
  /** Requests of the same state of the object. */
  const pinned = ({ headers: { etag } }: GetObjectResponse): ObjectRequests =>
    etag === undefined
      ? requests
      : new ObjectRequests(source, { ...headers, 'if-match': etag }, requestContext)
  const opened = (response: GetObjectResponse): Promise<OpenedResponse> => {
    const { reference: object } = source
    const sealing = { expectCommitment, context: bound }
    return openResponse(context, { key, object, range, response, policy, sealing, signal })
  }
  try {
    const response = await firstResponse(requests, range, expectsSealed(context, options))
    try {
      const checked = await opened(response)
      return checked.sealed
        ? await sealedResult(key, range, response, checked, pinned(response), abort, onProgress)
        : result(key, range, response, checked, requests, abort, onProgress)
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
  { slice, envelope, cipher }: OpenedCtr,
  requests: ObjectRequests,
  abort: LinkedAbort,
  onProgress: ProgressListener | undefined,
): ObjectRead {
  const { etag = '', [OSS_HEADERS.crc64]: checksum } = response.headers
  const ciphertext = new ResumedRead({
    key,
    response,
    slice,
    reopen: (start, end, error) => requests.resume(etag, start, end, error),
  })
  // The checksum covers the whole object, so it can be compared only if all bytes are read.
  const wholePasses = slice.responseIsWhole && slice.discardBytes + slice.sizeBytes === slice.responseBytes
  const expectedCrc64 = wholePasses ? checksum : undefined
  const report = progressReporter(onProgress, slice.sizeBytes)
  const pass = cipher.decrypt(
    {
      open() {
        report(0)
        return ciphertext
      },
    },
    {
      offsetBytes: slice.responseStart,
      discardBytes: slice.discardBytes,
      checksum: expectedCrc64 !== undefined,
    },
  )
  cipher.close()
  let delivered = 0
  const plaintext = pass.open({
    signal: abort.signal,
    onReturned(bytes) {
      delivered += bytes
      report(delivered)
    },
    onEnd: () => checkStoredChecksum(key, pass.crc64(), expectedCrc64),
    onClose: abort.unlink,
  })
  const cancel = async (): Promise<void> => {
    // The signal first: it ends a pending read, and a wait before the next request.
    abort.abort(new DOMException('The body was cancelled.', 'AbortError'))
    abort.unlink()
    await ciphertext.close()
    // A generator with a pending read ends by itself, and one that never ran has nothing to end.
    plaintext.return().catch(() => {})
  }
  return {
    describe: () => describeObject(key, response.headers, envelope),
    plaintext,
    cancel,
    sizeBytes: slice.sizeBytes,
    totalBytes: slice.totalBytes,
    ...(range && {
      contentRange: `bytes ${slice.start}-${slice.start + slice.sizeBytes - 1}/${slice.totalBytes}`,
    }),
    verification: wholePasses && checksum !== undefined ? 'crc64' : 'length',
    sealed: false,
  }
}

async function sealedResult(
  key: string,
  range: ByteRange | undefined,
  response: GetObjectResponse,
  { slice, envelope, cipher }: OpenedSealed,
  requests: ObjectRequests,
  abort: LinkedAbort,
  onProgress: ProgressListener | undefined,
): Promise<ObjectRead> {
  const { etag } = response.headers
  const { plan, sizeBytes, start, covered } = slice
  let first: GetObjectResponse | undefined = response
  const takeFirst = (): GetObjectResponse | undefined => {
    const taken = first
    first = undefined
    return taken
  }
  const closeFirst = async (): Promise<void> => {
    const unused = takeFirst()
    if (unused !== undefined) await closeIterator(unused.body[Symbol.asyncIterator]())
  }
  if (!covered) await closeFirst()
  const report = progressReporter(onProgress, sizeBytes)
  let delivered: number | undefined
  const { signal } = abort
  const state = sealedState(response.headers)
  const pass = readSealed({
    key,
    etag,
    state,
    slice,
    cipher,
    requests: () => requests,
    takeFirst,
    signal: () => signal,
  })
  cipher.close()
  const read = pass.open({
    onReceived() {
      if (delivered === undefined) report(0)
      delivered ??= 0
    },
    onReturned(bytes) {
      delivered = (delivered ?? 0) + bytes
      report(delivered)
    },
    onClose: abort.unlink,
  })
  if (range !== undefined && sizeBytes === 0) {
    // Verifies the last segment, and so the length. There is no plaintext that is wanted.
    for await (const _ of read);
    throw notSatisfiable(`it starts at ${start}, but the object has ${plan.sizeBytes} bytes`)
  }
  return {
    describe: () => describeObject(key, response.headers, envelope),
    plaintext: read,
    async cancel() {
      abort.abort(new DOMException('The body was cancelled.', 'AbortError'))
      abort.unlink()
      await closeFirst()
      read.return().catch(() => {})
    },
    sizeBytes,
    totalBytes: plan.sizeBytes,
    ...(range && { contentRange: `bytes ${start}-${start + sizeBytes - 1}/${plan.sizeBytes}` }),
    verification: 'aead',
    sealed: true,
    commitment: cipher.commitment,
  }
}
