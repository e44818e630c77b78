import {
  type BoundedCallOptions,
  CseError,
  type HeaderMap,
  type PartPlan,
  type PartRange,
  type UploadedPart,
} from '@oss-cse/crypto-core'
import { combineCrc64, withDeadline } from '@oss-cse/crypto-core/internal'
import { aboutObject } from '../policy/about-object.ts'
import { callerHeaders } from '../policy/request-headers.ts'
import { abortableSource, type BodyInput, type ByteSource, byteSource } from '../source/byte-source.ts'
import type { MultipartUploadState } from './multipart-state.ts'
import { invalidUpload, type OpenUpload, type VerifiedParts } from './open-upload.ts'
import { checkedPutResult, type PutResult } from './put-result.ts'

/** Options of one part. */
export interface UploadPartOptions extends BoundedCallOptions {
  /** Further headers of this part: `x-oss-traffic-limit`, `x-oss-request-payer`. */
  readonly headers?: HeaderMap | undefined
  /**
   * Called with the number of the part's bytes that have left. Starts at zero again when the part is sent again. An
   * error that it throws is ignored.
   */
  readonly onSentBytes?: ((sentBytes: number) => void) | undefined
}

/** Options of the completion of an upload. */
export interface CompleteOptions extends BoundedCallOptions {
  /** Further headers of this request: a callback, ACL, `x-oss-forbid-overwrite`… */
  readonly headers?: HeaderMap | undefined
}

/**
 * A multipart upload of one encrypted object. Its key, IV and part size are fixed. Each part's keystream depends only
 * on its number, so parts may be sent in any order, in parallel, and again.
 *
 * A part that is sent again has the same ciphertext: `uploadPart` refuses another plaintext for a number that was
 * started before, because that would reveal the difference of the two.
 *
 * Returned by `CryptoBucket.initiateMultipartUpload` and `UnverifiedUpload.verifyParts`.
 *
 * @example
 * ```ts
 * const upload = await bucket.initiateMultipartUpload('backup.tar', { sizeBytes: tar.length })
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
  /** The service's id of the upload. */
  readonly uploadId: string
  /** How the object is divided into parts. */
  readonly plan: PartPlan
  readonly #upload: OpenUpload
  readonly #parts: Map<number, UploadedPart>
  /** The object's headers, if the upload was already complete. */
  readonly #stored: HeaderMap | undefined

  /** @internal */
  constructor(upload: OpenUpload, { parts, stored }: VerifiedParts) {
    this.key = upload.remote.key
    this.uploadId = upload.remote.uploadId
    this.plan = upload.plan
    this.#upload = upload
    this.#parts = new Map(parts)
    this.#stored = stored
    Object.freeze(this)
  }

  /** The upload's current state: plain JSON, with wrapped keys only. */
  toJSON(): MultipartUploadState {
    return this.#upload.state()
  }

  /** The numbers of the parts that are correct on the service: sent here, or verified. */
  get doneParts(): ReadonlySet<number> {
    return new Set(this.#parts.keys())
  }

  /**
   * Encrypts and sends one part. If the service or the network fails, sends the same bytes again.
   *
   * A part is held in memory until it is acknowledged, while all parts that are being sent are at most 64 MiB together.
   * A further part is read twice instead, if its body can be opened again, and is compared while it is sent.
   *
   * @param partNumber - 1 to `plan.partCount`
   * @param body - exactly the bytes of `plan.part(partNumber)`
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` before any request, for a number or a length outside the plan;
   * `ERR_CSE_SOURCE` when the body fails or does not have its announced length; `ERR_CSE_SOURCE_CHANGED` when the part
   * was started before with other bytes; `ERR_CSE_INTEGRITY` when the service stores other bytes; what the transport
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
        this.#upload.checkOpen()
        return await this.#uploadPart(source, this.plan.part(partNumber), bounded)
      } catch (error) {
        await source.discard?.().catch(() => {})
        signal?.throwIfAborted()
        throw aboutObject(error, this.key)
      }
    })
  }

  async #uploadPart(
    source: ByteSource,
    range: PartRange,
    { headers, signal, onSentBytes }: UploadPartOptions,
  ): Promise<UploadedPart> {
    const { partNumber } = range
    const { remote, cipher, ledger } = this.#upload
    this.#upload.checkSource(source, range)
    const own = callerHeaders(headers)
    const { sends } = remote
    const part = await cipher.encryptPart(abortableSource(source, signal), range, { sends })
    try {
      signal?.throwIfAborted()
      this.#upload.checkOpen()
      await ledger.begin(partNumber, part.digest)
      this.#upload.checkOpen()
    } catch (error) {
      part.release(true)
      throw error
    }
    const sent = await remote.sendPart(partNumber, part, { headers: own, signal, onSentBytes })
    this.#parts.set(partNumber, sent)
    return sent
  }

  /**
   * Compares each started part with its current plaintext again, for a source that may have changed since.
   *
   * @param open - opens the plaintext of one part
   * @throws CseError `ERR_CSE_SOURCE_CHANGED` when one differs: abort this upload and start another
   */
  async compareParts(open: (range: PartRange) => BodyInput, options: BoundedCallOptions = {}): Promise<void> {
    await withDeadline(options, this.key, (bounded) => this.#upload.verifyParts(open, bounded))
  }

  /**
   * Completes the object from its parts. Asks the service about parts that this process did not send.
   *
   * A completion whose response was lost is recognized by the object's own wrapped key and checksum.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when parts are missing; `ERR_CSE_INTEGRITY` when a part or the whole
   * differs from what was sent; what the transport throws. The object stays unchanged, unless the service had completed
   * the upload.
   */
  async completeMultipartUpload(options: CompleteOptions = {}): Promise<PutResult> {
    this.#upload.checkOpen()
    return withDeadline(options, this.key, (bounded) => this.#complete(bounded))
  }

  async #complete({ headers, signal }: CompleteOptions): Promise<PutResult> {
    const { remote, cipher } = this.#upload
    try {
      const own = callerHeaders(headers)
      const parts = await this.#allParts(signal)
      const crc64 = String(combined(parts, this.plan))
      const sent = { sizeBytes: this.plan.sizeBytes, crc64, commitment: this.#upload.commitment }
      const response = this.#stored
        ? { headers: this.#stored }
        : await remote.complete(parts, { headers: own, signal })
      cipher.close()
      return checkedPutResult(this.key, sent, response)
    } catch (error) {
      throw aboutObject(error, this.key)
    }
  }

  /** Aborts the upload and frees its parts on the service. Succeeds if the upload is already gone. */
  async abort(options: BoundedCallOptions = {}): Promise<void> {
    await this.#upload.abort(options)
  }

  /** Wipes the key. The upload stays on the service, and can be resumed from its state. Never rejects. */
  async close(): Promise<void> {
    this.#upload.cipher.close()
  }

  /**
   * Lists the parts that the service holds, in the order of their numbers.
   *
   * @throws CseError `ERR_CSE_SERVICE` for a listing that does not advance or that has invalid values; and what the
   * transport throws.
   */
  async listParts(options: BoundedCallOptions = {}): Promise<readonly UploadedPart[]> {
    return withDeadline(options, this.key, ({ signal }) => this.#upload.remote.listParts(signal))
  }

  /** Every part of the plan, each as it was sent or as the service lists it. */
  async #allParts(signal: AbortSignal | undefined): Promise<readonly UploadedPart[]> {
    const { partCount } = this.plan
    const listed = this.#parts.size === partCount ? [] : await this.#upload.remote.listParts(signal)
    const known = new Map([...listed.map((part) => [part.partNumber, part] as const), ...this.#parts])
    const numbers = Array.from({ length: partCount }, (_, index) => index + 1)
    const missing = numbers.filter((n) => !known.has(n))
    if (missing.length > 0) {
      const some = `${missing.slice(0, 10).join(', ')}${missing.length > 10 ? ', …' : ''}`
      throw invalidUpload(this.key, `${missing.length} of ${partCount} parts are missing: ${some}`)
    }
    return numbers.flatMap((n) => known.get(n) ?? [])
  }
}

/** The checksum of the whole object, combined from those of its parts. */
function combined(parts: readonly UploadedPart[], plan: PartPlan): bigint {
  return parts.reduce((crc, { partNumber, sizeBytes, crc64 }) => {
    const expected = plan.part(partNumber).storedBytes
    if (sizeBytes !== expected || crc64 === undefined) {
      throw new CseError(
        'ERR_CSE_INTEGRITY',
        `The service lists part ${partNumber} with ${sizeBytes ?? '?'} of its ${expected} bytes and ${crc64 === undefined ? 'no' : 'a'} checksum. Upload it again.`,
      )
    }
    return combineCrc64(crc, crc64, expected)
  }, 0n)
}
