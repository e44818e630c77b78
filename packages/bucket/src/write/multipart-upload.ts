import {
  type BoundedCallOptions,
  type CallOptions,
  type ContentKey,
  CseError,
  combineCrc64,
  type HeaderMap,
  isRetryable,
  type PartPlan,
  type PartRange,
  planParts,
  tell,
  type UploadedPart,
  V2_HEADERS,
  wipe,
  withDeadline,
} from '@oss-cse/crypto-core'
import {
  digestPart,
  encryptPartInMemory,
  encryptPartTwice,
  type PartDigest,
  sourceChanged,
} from '../cipher/encrypted-part.ts'
import { aboutObject } from '../policy/about-object.ts'
import type { BucketContext } from '../policy/bucket-context.ts'
import { partPages } from '../policy/listed-pages.ts'
import { SentBytes } from '../policy/progress.ts'
import { callerHeaders } from '../policy/request-headers.ts'
import { type RetryEvent, withRetries } from '../policy/retry.ts'
import { sharedRun } from '../policy/shared-run.ts'
import { completeHeaders, partHeaders, referenceHeaders } from '../policy/upload-headers.ts'
import { abortableSource } from '../source/abortable-source.ts'
import { type BodyInput, type ByteSource, byteSource, type EncryptedPart } from '../source/byte-source.ts'
import type { MultipartUploadState } from './multipart-state.ts'
import { abortUpload, isNoSuchUpload, type MultipartObjectTransport } from './multipart-transport.ts'
import { checkedPutResult, isIntegrityFailure, type PutResult, storedOtherwise } from './put-result.ts'

/** How many bytes of ciphertext an upload keeps in memory for parts under way; a further part is read twice. */
export const MAX_HELD_BYTES: number = 64 * 1024 ** 2

/** Makes an upload's state outlive the process. Must not resolve before the state is safe. */
export type PersistState = (state: MultipartUploadState) => Promise<void>

/** What may go with one part. */
export interface UploadPartOptions extends BoundedCallOptions {
  /** Headers of this part, beside those that the upload began with: `x-oss-traffic-limit`, `x-oss-request-payer`. */
  readonly headers?: HeaderMap | undefined
  /**
   * Called with the part's bytes that have left; it starts over when the part is sent again. What it throws is ignored.
   */
  readonly onSentBytes?: ((sentBytes: number) => void) | undefined
}

/** What may go with the completion of an upload. */
export interface CompleteOptions extends BoundedCallOptions {
  /** Headers of this request, beside those that the upload began with: a callback, ACL, `x-oss-forbid-overwrite`… */
  readonly headers?: HeaderMap | undefined
}

/** Where an upload goes, and with what. */
interface UploadParts {
  readonly context: BucketContext
  readonly transport: MultipartObjectTransport
  readonly state: MultipartUploadState
  readonly contentKey: ContentKey
  readonly persist: PersistState | undefined
  /** Whether the upload goes on from a state. */
  readonly resumed: boolean
}

/**
 * A multipart upload of one encrypted object. Its key, IV and part size are settled: each part's keystream follows
 * from its number alone, so parts may be sent in any order, in parallel, and again.
 *
 * The same ciphertext is sent however often a part is: `uploadPart` refuses another plaintext for a number that was
 * begun before, because the difference of the two would lie open.
 *
 * Made by `CryptoBucket.initiateMultipartUpload` and `CryptoBucket.resumeMultipartUpload`.
 *
 * @example
 * ```ts
 * const upload = await bucket.initiateMultipartUpload('backup.tar', { dataSizeBytes: tar.length })
 * for (let n = 1; n <= upload.plan.partCount; n++) {
 *   const { offsetBytes, sizeBytes } = upload.plan.part(n)
 *   await upload.uploadPart(n, tar.subarray(offsetBytes, offsetBytes + sizeBytes))
 * }
 * await upload.completeMultipartUpload()
 * ```
 */
export class MultipartUpload {
  /** The object's key. */
  readonly key: string
  /** The service's name for the upload. */
  readonly uploadId: string
  /** How the object is cut. */
  readonly plan: PartPlan
  readonly #context: BucketContext
  readonly #transport: MultipartObjectTransport
  readonly #envelope: HeaderMap
  readonly #headers: HeaderMap
  readonly #contentKey: ContentKey
  readonly #digests: Map<number, string>
  readonly #durable: Set<number>
  readonly #parts = new Map<number, UploadedPart>()
  readonly #save: () => Promise<void>
  #heldBytes = 0
  /** The object's headers, where the upload turned out to be complete already. */
  #stored: HeaderMap | undefined
  #ended = false
  /** False for an upload that goes on from a state, until its parts were compared with their plaintext. */
  #verified: boolean

  /** @internal */
  constructor({ context, transport, state, contentKey, persist, resumed }: UploadParts) {
    this.#verified = !resumed
    this.key = state.key
    this.uploadId = state.uploadId
    this.plan = planParts(state.dataSizeBytes, state.partSizeBytes)
    this.#context = context
    this.#transport = transport
    this.#envelope = Object.freeze({ ...state.envelope })
    this.#headers = Object.freeze({ ...state.headers })
    this.#contentKey = contentKey
    this.#digests = new Map(Object.entries(state.partDigests).map(([n, digest]) => [Number(n), digest]))
    this.#durable = new Set(this.#digests.keys())
    this.#save = sharedRun(async () => persist?.(this.toJSON()))
    Object.freeze(this)
  }

  /** The upload's state as it is now: plain JSON, with wrapped keys alone. */
  toJSON(): MultipartUploadState {
    return {
      version: 1,
      key: this.key,
      uploadId: this.uploadId,
      dataSizeBytes: this.plan.dataSizeBytes,
      partSizeBytes: this.plan.partSizeBytes,
      envelope: this.#envelope,
      headers: this.#headers,
      partDigests: Object.fromEntries(this.#digests),
    }
  }

  /**
   * Encrypts and sends one part; again, when the service or the network fails, with the same bytes.
   *
   * A part is held in memory until it is acknowledged, as long as all parts under way are no more than 64 MiB; of a
   * body that can be opened again, a further one is read twice instead, and compared as it is sent.
   *
   * @param partNumber - 1 to `plan.partCount`
   * @param body - exactly the bytes that `plan.part(partNumber)` says
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` before any request, for a number or a length outside the plan, and for
   * an upload that goes on from a state and was not verified;
   * `ERR_CSE_SOURCE` when the body fails or has another length than announced; `ERR_CSE_SOURCE_CHANGED` when the part
   * was begun before with other bytes; `ERR_CSE_INTEGRITY` when the service stores something else; what the transport
   * throws.
   */
  async uploadPart(
    partNumber: number,
    body: BodyInput,
    options: UploadPartOptions = {},
  ): Promise<UploadedPart> {
    const source = byteSource(body)
    return withDeadline(options, this.key, async (bounded) => {
      const { signal } = bounded
      try {
        signal?.throwIfAborted()
        this.#checkVerified()
        return await this.#uploadPart(source, this.plan.part(partNumber), bounded)
      } catch (error) {
        await source.discard?.().catch(() => {})
        signal?.throwIfAborted()
        throw aboutObject(error, this.key)
      }
    })
  }

  async #uploadPart(source: ByteSource, range: PartRange, options: UploadPartOptions): Promise<UploadedPart> {
    const { partNumber } = range
    const { signal } = options
    this.#checkSource(source, range)
    const own = partHeaders({ ...this.#headers, ...callerHeaders(options.headers) })
    const headers = { ...own, ...this.#envelope }
    const hold = this.#heldBytes + range.sizeBytes <= MAX_HELD_BYTES || !source.replayable
    if (hold) this.#heldBytes += range.sizeBytes
    try {
      const part = await this.#encrypt(abortableSource(source, signal), range, hold)
      signal?.throwIfAborted()
      await this.#begin(partNumber, part.sha256)
      return await this.#send(partNumber, part, headers, options)
    } finally {
      if (hold) this.#heldBytes -= range.sizeBytes
    }
  }

  /**
   * Compares every part that was sent or begun with its plaintext as it is now. Call it before anything is sent when
   * an upload goes on in another process.
   *
   * @param open - opens the plaintext of one part
   * @returns the numbers of the parts that the service holds unchanged: they need not be sent again
   * @throws CseError `ERR_CSE_SOURCE_CHANGED` when one differs, or the service holds a part that the state does not
   * know: abort this upload and begin another; `ERR_CSE_NOT_FOUND` when the service does not know the upload any more
   */
  async verifyParts(
    open: (range: PartRange) => BodyInput,
    options: BoundedCallOptions & { readonly onVerified?: ((range: PartRange) => void) | undefined } = {},
  ): Promise<ReadonlySet<number>> {
    this.#checkOpen()
    return withDeadline(options, this.key, (bounded) => this.#verifyParts(open, bounded))
  }

  async #verifyParts(
    open: (range: PartRange) => BodyInput,
    { signal, onVerified }: CallOptions & { readonly onVerified?: ((range: PartRange) => void) | undefined },
  ): Promise<ReadonlySet<number>> {
    const held = await this.#heldParts(signal)
    const begun = [...new Set([...this.#digests.keys(), ...held.keys()])].sort((a, b) => a - b)
    try {
      for (const partNumber of begun) {
        signal?.throwIfAborted()
        const range = this.plan.part(partNumber)
        const source = byteSource(open(range))
        this.#checkSource(source, range)
        this.#checkOpen()
        const { sha256, crc64 } = await this.#digest(abortableSource(source, signal), range)
        this.#checkOpen()
        if (sha256 !== this.#digests.get(partNumber)) throw sourceChanged(partNumber)
        const part = held.get(partNumber)
        const { sizeBytes } = range
        if (part === undefined || (part.sizeBytes ?? sizeBytes) !== sizeBytes) continue
        if ((part.crc64 ?? crc64) !== crc64) continue
        this.#parts.set(partNumber, { partNumber, etag: part.etag, sizeBytes, crc64 })
        onVerified?.(range)
      }
    } catch (error) {
      signal?.throwIfAborted()
      throw aboutObject(error, this.key)
    }
    this.#verified = true
    return new Set(this.#parts.keys())
  }

  /**
   * Makes the object out of its parts. Parts that this process did not send are looked up on the service.
   *
   * A completion whose answer was lost is recognised by the object's own wrapped key and checksum.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when parts are missing; `ERR_CSE_INTEGRITY` when a part, or the whole,
   * is not what was sent; what the transport throws. Unless the service had completed it, the object stays as it was.
   */
  async completeMultipartUpload(options: CompleteOptions = {}): Promise<PutResult> {
    this.#checkVerified()
    return withDeadline(options, this.key, (bounded) => this.#complete(bounded))
  }

  async #complete(options: CompleteOptions): Promise<PutResult> {
    const { signal } = options
    const headers = completeHeaders({ ...this.#headers, ...callerHeaders(options.headers) })
    try {
      const stored = this.#stored
      const parts = await this.#allParts(signal)
      const sent = { sizeBytes: this.plan.dataSizeBytes, crc64: String(combined(parts, this.plan)) }
      const { key, uploadId } = this
      const answer =
        stored === undefined
          ? await this.#try('complete', signal, () =>
              this.#transport.complete({ key, uploadId, parts, headers, signal }),
            ).catch((error: unknown) => this.#completedEarlier(error, signal))
          : { headers: stored }
      this.#end()
      return checkedPutResult(key, sent, answer)
    } catch (error) {
      throw aboutObject(error, this.key)
    }
  }

  /** Gives the upload up and frees its parts on the service. One that is gone counts as aborted. */
  async abort(options: BoundedCallOptions = {}): Promise<void> {
    const { key, uploadId } = this
    this.#end()
    try {
      await withDeadline(options, key, ({ signal }) => {
        const upload = { key, uploadId, headers: this.#headers, signal }
        return abortUpload(this.#context, this.#transport, upload)
      })
    } catch (error) {
      if (!isNoSuchUpload(error)) throw error
    }
  }

  /** Forgets the key. The upload stays on the service, and can go on from its state. */
  close(): void {
    this.#end()
  }

  /**
   * The parts that the service holds, in the order of their numbers.
   *
   * @throws CseError `ERR_CSE_SERVICE` for a listing that does not advance, or that has values that cannot be; and what the
   * transport throws.
   */
  async listParts(options: BoundedCallOptions = {}): Promise<readonly UploadedPart[]> {
    return withDeadline(options, this.key, (bounded) => this.#listParts(bounded))
  }

  async #listParts(options: CallOptions): Promise<readonly UploadedPart[]> {
    const { key, uploadId } = this
    const { signal } = options
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

  #checkOpen(): void {
    if (this.#ended) throw invalidUpload(this.key, 'it was completed or aborted')
  }

  #checkVerified(): void {
    this.#checkOpen()
    if (!this.#verified)
      throw invalidUpload(this.key, 'it goes on from a state. Call verifyParts before anything is sent')
  }

  #end(): void {
    this.#ended = true
    wipe(this.#contentKey.cek, this.#contentKey.iv)
  }

  #checkSource(source: ByteSource, { partNumber, sizeBytes }: PartRange): void {
    if (source.sizeBytes !== undefined && source.sizeBytes !== sizeBytes) {
      throw invalidUpload(this.key, `part ${partNumber} has ${sizeBytes} bytes, the body ${source.sizeBytes}`)
    }
    if (!source.replayable && sizeBytes > MAX_HELD_BYTES) {
      throw invalidUpload(
        this.key,
        `a part of ${sizeBytes} bytes is too large to be kept in memory, and a stream cannot be read twice: pass { sizeBytes, open() }, or use smaller parts`,
      )
    }
  }

  async #encrypt(source: ByteSource, range: PartRange, hold: boolean): Promise<EncryptedPart> {
    if (!hold) return encryptPartTwice(source, range, this.#contentKey)
    // What an abort meanwhile leaves of the key encrypts garbage at most, and `#begin` lets none of it go.
    const part = source.encryptPart && (await source.encryptPart(range, this.#contentKey))
    return part ?? encryptPartInMemory(source, range, this.#contentKey)
  }

  async #digest(source: ByteSource, range: PartRange): Promise<PartDigest> {
    if (range.sizeBytes > MAX_HELD_BYTES) return digestPart(source, range, this.#contentKey)
    const part = await source.encryptPart?.(range, this.#contentKey)
    part?.release?.()
    return part ?? digestPart(source, range, this.#contentKey)
  }

  /** Writes down what a part's ciphertext is, durably, before a byte of it leaves. */
  async #begin(partNumber: number, sha256: string): Promise<void> {
    this.#checkOpen()
    const begun = this.#digests.get(partNumber)
    if (begun !== undefined && begun !== sha256) throw sourceChanged(partNumber)
    this.#digests.set(partNumber, sha256)
    if (this.#durable.has(partNumber)) return
    await this.#save()
    this.#durable.add(partNumber)
    this.#checkOpen()
  }

  async #send(
    partNumber: number,
    part: EncryptedPart,
    headers: HeaderMap,
    { signal, onSentBytes }: UploadPartOptions,
  ): Promise<UploadedPart> {
    const { key, uploadId } = this
    const { sizeBytes, crc64 } = part
    let attempts = 0
    const attempt = async (): Promise<UploadedPart> => {
      attempts += 1
      const count = new SentBytes((bytes) => tell(onSentBytes, bytes))
      const body = { sizeBytes, open: () => counted(part.open(), count) }
      const { etag, crc64: stored } = await this.#transport.uploadPart({
        key,
        uploadId,
        partNumber,
        headers,
        body,
        signal,
        onSentBytes: count.onSentBytes,
      })
      if (stored !== undefined && stored !== crc64) throw storedOtherwise(key)
      count.reached(sizeBytes)
      return { partNumber, etag, sizeBytes, crc64 }
    }
    const sent = await this.#try('uploadPart', signal, attempt, (error) => {
      return isRetryable(error) || isIntegrityFailure(error)
    })
    this.#parts.set(partNumber, sent)
    // Not after a failed attempt: its connection may still be writing what it was given.
    if (attempts === 1) part.release?.()
    return sent
  }

  /** What the service holds of this upload: its parts, or all of them when it was completed. */
  async #heldParts(signal: AbortSignal | undefined): Promise<ReadonlyMap<number, UploadedPart>> {
    try {
      return await this.#listed(signal)
    } catch (error) {
      this.#stored = isNoSuchUpload(error) ? await this.#findStored(signal) : undefined
      if (this.#stored === undefined) throw error
      const etag = this.#stored['etag'] ?? ''
      const numbers = Array.from({ length: this.plan.partCount }, (_, index) => index + 1)
      return new Map(numbers.map((partNumber) => [partNumber, { partNumber, etag }]))
    }
  }

  async #listed(signal: AbortSignal | undefined): Promise<ReadonlyMap<number, UploadedPart>> {
    return new Map((await this.listParts({ signal })).map((part) => [part.partNumber, part]))
  }

  /** Every part of the plan, each as it was sent or as the service lists it. */
  async #allParts(signal: AbortSignal | undefined): Promise<readonly UploadedPart[]> {
    const { partCount } = this.plan
    const listed =
      this.#parts.size === partCount ? new Map<number, UploadedPart>() : await this.#listed(signal)
    const parts: UploadedPart[] = []
    const missing: number[] = []
    for (let n = 1; n <= partCount; n++) {
      const part = this.#parts.get(n) ?? listed.get(n)
      if (part === undefined) missing.push(n)
      else parts.push(part)
    }
    if (missing.length > 0) {
      const some = `${missing.slice(0, 10).join(', ')}${missing.length > 10 ? ', …' : ''}`
      throw invalidUpload(this.key, `${missing.length} of ${partCount} parts are missing: ${some}`)
    }
    return parts
  }

  /** A completion that failed may have happened, now or before: then the object carries this upload's wrapped key. */
  async #completedEarlier(
    error: unknown,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly headers: HeaderMap }> {
    const refused = CseError.isInstance(error) && error.code === 'ERR_CSE_PRECONDITION_FAILED'
    const headers = isNoSuchUpload(error) || refused ? await this.#findStored(signal) : undefined
    if (headers === undefined) throw error
    return { headers }
  }

  /** The headers of the object, when it is this upload's; `undefined` when there is none, or it is another one. */
  async #findStored(signal: AbortSignal | undefined): Promise<HeaderMap | undefined> {
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

/** The checksum of the whole, from those of its parts. */
function combined(parts: readonly UploadedPart[], plan: PartPlan): bigint {
  return parts.reduce((crc, { partNumber, sizeBytes, crc64 }) => {
    const expected = plan.part(partNumber).sizeBytes
    if (sizeBytes !== expected || crc64 === undefined) {
      throw new CseError(
        'ERR_CSE_INTEGRITY',
        `Part ${partNumber} as the service lists it is not what was planned (${sizeBytes ?? '?'} of ${expected} bytes, ${crc64 === undefined ? 'no' : 'a'} checksum). Upload it again.`,
      )
    }
    return combineCrc64(crc, crc64, expected)
  }, 0n)
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

/** The error of what cannot be done with an upload. */
export function invalidUpload(objectKey: string, why: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `The multipart upload of ${objectKey}: ${why}.`, {
    objectKey,
  })
}
