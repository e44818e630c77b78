import {
  CseError,
  type HeaderMap,
  OSS_HEADERS,
  type UploadedPart,
  type UploadPartRequest,
} from '@oss-cse/crypto-core'
import { isRetryable, parseCrc64, tell, V2_HEADERS } from '@oss-cse/crypto-core/internal'
import type { EncryptedPart } from '../cipher/encrypted-part.ts'
import type { BucketContext } from '../policy/bucket-context.ts'
import { partPages } from '../policy/listed-pages.ts'
import { SentBytes } from '../policy/progress.ts'
import { completeHeaders, partHeaders, referenceHeaders } from '../policy/request-headers.ts'
import { type RetryEvent, withRetries } from '../policy/retry.ts'
import { abortUpload, isNoSuchUpload, type MultipartObjectTransport } from './multipart-transport.ts'
import { isIntegrityFailure, storedOtherwise } from './put-result.ts'

/** Identifies the upload, and holds the headers of its requests. */
interface RemoteUploadOptions {
  readonly key: string
  readonly uploadId: string
  /** The encryption headers of the upload's initiation, which each part repeats. */
  readonly envelope: HeaderMap
  /** Other headers from the caller, for later requests. */
  readonly headers: HeaderMap
}

/** One request about an upload. */
interface RemoteCall {
  /** Further headers of this request. */
  readonly headers?: HeaderMap | undefined
  readonly signal: AbortSignal | undefined
}

/** The remote side of a multipart upload: its requests, each with its headers and retries. It never has a key. */
export class RemoteUpload {
  readonly key: string
  readonly uploadId: string
  readonly #envelope: HeaderMap
  readonly #headers: HeaderMap
  readonly #context: BucketContext
  readonly #transport: MultipartObjectTransport

  constructor(
    context: BucketContext,
    transport: MultipartObjectTransport,
    { key, uploadId, envelope, headers }: RemoteUploadOptions,
  ) {
    this.key = key
    this.uploadId = uploadId
    this.#envelope = Object.freeze({ ...envelope })
    this.#headers = Object.freeze({ ...headers })
    this.#context = context
    this.#transport = transport
  }

  /** Whether a worker may be able to send parts. */
  get sends(): boolean {
    return this.#transport.workerSide !== undefined
  }

  /** The options of the constructor: plain JSON. */
  toJSON(): RemoteUploadOptions {
    const { key, uploadId } = this
    return { key, uploadId, envelope: this.#envelope, headers: this.#headers }
  }

  /**
   * Sends one part and releases it, even after a failure. Sends a part again if the request fails or the service stores
   * other bytes.
   *
   * @param onSentBytes - called with the number of the part's bytes that have left; starts at zero again when the part
   * is sent again
   * @throws CseError `ERR_CSE_INTEGRITY`; what the transport throws
   */
  async sendPart(
    partNumber: number,
    part: EncryptedPart,
    {
      headers,
      signal,
      onSentBytes,
    }: RemoteCall & { readonly onSentBytes?: ((bytes: number) => void) | undefined },
  ): Promise<UploadedPart> {
    const { key, uploadId } = this
    const { sizeBytes, crc64 } = part
    const sent = { ...partHeaders({ ...this.#headers, ...headers }), ...this.#envelope }
    let attempts = 0
    let reusable = false
    // Once the bytes have come to this thread, the worker no longer has them.
    let fromHere = part.send === undefined
    const attempt = async (): Promise<UploadedPart> => {
      attempts += 1
      const count = new SentBytes((bytes) => tell(onSentBytes, bytes))
      const request = { key, uploadId, partNumber, headers: sent, signal }
      const sentByWorker = fromHere ? undefined : await this.#sentByWorker(part, request, count)
      fromHere = sentByWorker === undefined
      const { etag, crc64: stored } =
        sentByWorker ??
        (await this.#transport.uploadPart({
          ...request,
          body: { sizeBytes, open: () => counted(part.open(), count) },
          onSentBytes: count.onSentBytes,
        }))
      if (stored !== undefined && stored !== crc64) throw storedOtherwise(key)
      count.reached(sizeBytes)
      return { partNumber, etag, sizeBytes, crc64 }
    }
    try {
      const uploaded = await this.#try('uploadPart', signal, attempt, (error) => {
        return isRetryable(error) || isIntegrityFailure(error)
      })
      // The connection of a failed attempt may still be writing these bytes.
      reusable = attempts === 1
      return uploaded
    } finally {
      part.release(reusable)
    }
  }

  /** Lets the worker that has a part send it. Returns `undefined` if there is none, or it cannot. */
  async #sentByWorker(
    { send, sizeBytes }: EncryptedPart,
    request: Omit<UploadPartRequest, 'body' | 'onSentBytes'>,
    { onSentBytes }: SentBytes,
  ): Promise<Pick<UploadedPart, 'etag' | 'crc64'> | undefined> {
    const side =
      send && (await this.#transport.workerSide?.({ operation: 'uploadPart', ...request, sizeBytes }))
    const response = side && (await send?.(side, { signal: request.signal, onSentBytes }))
    if (response === undefined) return undefined
    const { etag = '', [OSS_HEADERS.crc64]: crc64 } = response.headers
    return { etag, crc64: parseCrc64(crc64) }
  }

  /** Lists the parts that the service holds, in the order of their numbers. */
  async listParts(signal: AbortSignal | undefined): Promise<readonly UploadedPart[]> {
    const { key, uploadId } = this
    const headers = referenceHeaders(this.#headers)
    const pages = partPages(key, (marker) =>
      this.#try('listParts', signal, () =>
        this.#transport.listParts({ key, uploadId, marker, headers, signal }),
      ),
    )
    const parts: UploadedPart[] = []
    for await (const page of pages) for (const part of page.parts) parts.push(part)
    return parts
  }

  /**
   * Completes the object from its parts. A completion that failed may still have happened, now or before. Then the
   * object has this upload's wrapped key.
   */
  async complete(
    parts: readonly UploadedPart[],
    { headers, signal }: RemoteCall,
  ): Promise<{ readonly headers: HeaderMap; readonly data?: Uint8Array | undefined }> {
    const { key, uploadId } = this
    const sent = completeHeaders({ ...this.#headers, ...headers })
    const request = { key, uploadId, parts, headers: sent, signal }
    try {
      return await this.#try('complete', signal, () => this.#transport.complete(request))
    } catch (error) {
      const refused = CseError.isInstance(error) && error.code === 'ERR_CSE_PRECONDITION_FAILED'
      const stored = isNoSuchUpload(error) || refused ? await this.findStored(signal) : undefined
      if (stored === undefined) throw error
      return { headers: stored }
    }
  }

  /** The headers of the object, if it is from this upload. `undefined` if there is none, or it is another one. */
  async findStored(signal: AbortSignal | undefined): Promise<HeaderMap | undefined> {
    const { key } = this
    const request = { key, headers: referenceHeaders(this.#headers), signal }
    try {
      const { headers } = await this.#try('head', signal, () => this.#transport.head(request))
      return headers[V2_HEADERS.wrappedCek] === this.#envelope[V2_HEADERS.wrappedCek] ? headers : undefined
    } catch (error) {
      if (CseError.isInstance(error) && error.code === 'ERR_CSE_NOT_FOUND') return undefined
      throw error
    }
  }

  /** Frees the parts on the service. */
  async abort(signal: AbortSignal | undefined): Promise<void> {
    const { key, uploadId } = this
    await abortUpload(this.#context, this.#transport, { key, uploadId, headers: this.#headers, signal })
  }

  #try<Result>(
    operation: RetryEvent['operation'],
    signal: AbortSignal | undefined,
    attempt: () => Promise<Result>,
    mayRetry?: (error: unknown) => boolean,
  ): Promise<Result> {
    const { retry, logger } = this.#context
    return withRetries(attempt, { operation, key: this.key, retry, logger, signal }, mayRetry)
  }
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  count: SentBytes,
): AsyncGenerator<Uint8Array, void, undefined> {
  let pulledBytes = 0
  for await (const chunk of chunks) {
    yield chunk
    pulledBytes += chunk.length
    count.pulled(pulledBytes)
  }
}
