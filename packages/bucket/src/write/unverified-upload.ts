import type { BoundedCallOptions, PartPlan, PartRange } from '@oss-cse/crypto-core'
import { withDeadline } from '@oss-cse/crypto-core/internal'
import type { BodyInput } from '../source/byte-source.ts'
import type { MultipartUploadState } from './multipart-state.ts'
import { MultipartUpload } from './multipart-upload.ts'
import type { OpenUpload, VerifyOptions } from './open-upload.ts'

/**
 * A multipart upload that is resumed from a state. Its parts must be compared with their plaintext before anything is
 * sent: a part whose plaintext changed would be encrypted under a keystream that was used before.
 *
 * Returned by `CryptoBucket.resumeMultipartUpload`. To give it up, call `abort`, or `close` to keep its
 * parts for later.
 */
export class UnverifiedUpload {
  /** The object's key. */
  readonly key: string
  /** The service's id of the upload. */
  readonly uploadId: string
  /** How the object is divided into parts. */
  readonly plan: PartPlan
  readonly #upload: OpenUpload

  /** @internal */
  constructor(upload: OpenUpload) {
    this.key = upload.remote.key
    this.uploadId = upload.remote.uploadId
    this.plan = upload.plan
    this.#upload = upload
    Object.freeze(this)
  }

  /**
   * Compares each part that was sent or started with its current plaintext.
   *
   * @param open - opens the plaintext of one part
   * @returns the upload, ready to send; its `doneParts` need not be sent again
   * @throws CseError `ERR_CSE_SOURCE_CHANGED` when a part differs, or the service holds a part that the state does not
   * know: abort this upload and start another; `ERR_CSE_NOT_FOUND` when the service no longer knows the upload;
   * `ERR_CSE_INVALID_ARGUMENT` when it was closed
   */
  async verifyParts(
    open: (range: PartRange) => BodyInput,
    options: VerifyOptions = {},
  ): Promise<MultipartUpload> {
    return withDeadline(options, this.key, async (bounded) => {
      return new MultipartUpload(this.#upload, await this.#upload.verifyParts(open, bounded))
    })
  }

  /** The upload's state, as plain JSON: what it was resumed from. */
  toJSON(): MultipartUploadState {
    return this.#upload.state()
  }

  /** Aborts the upload and frees its parts. An upload that no longer exists counts as aborted. */
  async abort(options: BoundedCallOptions = {}): Promise<void> {
    await this.#upload.abort(options)
  }

  /** Wipes the key. The upload stays on the service, and can be resumed from its state. Never rejects. */
  async close(): Promise<void> {
    this.#upload.cipher.close()
  }
}
