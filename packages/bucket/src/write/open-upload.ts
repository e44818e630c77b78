import {
  type BoundedCallOptions,
  CseError,
  type HeaderMap,
  type PartPlan,
  type PartRange,
  type UploadedPart,
} from '@oss-cse/crypto-core'
import { planParts, withDeadline } from '@oss-cse/crypto-core/internal'
import { type ContentCipher, commitmentOf, formatOf } from '../cipher/content-cipher.ts'
import type { PartDigest } from '../cipher/encrypted-part.ts'
import { MAX_HELD_BYTES } from '../cipher/encrypted-part.ts'
import { aboutObject } from '../policy/about-object.ts'
import type { BucketContext } from '../policy/bucket-context.ts'
import { abortableSource, type BodyInput, type ByteSource, byteSource } from '../source/byte-source.ts'
import type { MultipartUploadState } from './multipart-state.ts'
import { isNoSuchUpload, type MultipartObjectTransport } from './multipart-transport.ts'
import { PartLedger } from './part-ledger.ts'
import { RemoteUpload } from './remote-upload.ts'

/** Saves an upload's state outside the process. Must not resolve before the state is safe. */
export type PersistState = (state: MultipartUploadState) => Promise<void>

/** Options of comparing parts with their plaintext. */
export interface VerifyOptions extends BoundedCallOptions {
  /** Called for each part that is unchanged on the service. */
  readonly onVerified?: ((range: PartRange) => void) | undefined
}

/** The parts of an upload that the service holds, compared with the plaintext. */
export interface VerifiedParts {
  readonly parts: ReadonlyMap<number, UploadedPart>
  /** The object's headers, if the upload was already complete. */
  readonly stored?: HeaderMap | undefined
}

/** A running upload: its remote side, its key, its plan, and the ledger of its parts. */
export class OpenUpload {
  readonly remote: RemoteUpload
  readonly cipher: ContentCipher
  readonly plan: PartPlan
  readonly ledger: PartLedger

  constructor(
    context: BucketContext,
    transport: MultipartObjectTransport,
    cipher: ContentCipher,
    state: MultipartUploadState,
    persist: PersistState | undefined,
  ) {
    this.remote = new RemoteUpload(context, transport, state)
    this.cipher = cipher
    this.plan = planParts(state.sizeBytes, state.partSizeBytes, formatOf(cipher))
    this.ledger = new PartLedger(state.partDigests, async () => persist?.(this.state()))
  }

  /** The upload's current state. */
  state(): MultipartUploadState {
    const { sizeBytes, partSizeBytes } = this.plan
    const { key, uploadId, envelope, headers } = this.remote.toJSON()
    const { commitment } = this
    return {
      version: commitment === undefined ? 2 : 3,
      key,
      uploadId,
      sizeBytes,
      partSizeBytes,
      ...(commitment !== undefined && { commitment }),
      envelope,
      headers,
      partDigests: this.ledger.toJSON(),
    }
  }

  /** The commitment of a sealed object. */
  get commitment(): string | undefined {
    return commitmentOf(this.cipher)
  }

  /**
   * Refuses calls after the end of the upload.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
   */
  checkOpen(): void {
    if (this.cipher.closed) throw invalidUpload(this.remote.key, 'it was completed or aborted')
  }

  /**
   * Refuses a body that cannot be a part.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
   */
  checkSource(source: ByteSource, { partNumber, sizeBytes }: PartRange): void {
    const { key } = this.remote
    if (source.sizeBytes !== undefined && source.sizeBytes !== sizeBytes) {
      throw invalidUpload(
        key,
        `part ${partNumber} has ${sizeBytes} bytes, but the body has ${source.sizeBytes}`,
      )
    }
    if (!source.replayable && sizeBytes > MAX_HELD_BYTES) {
      throw invalidUpload(
        key,
        `a part of ${sizeBytes} bytes is too large to be kept in memory, and a stream cannot be read twice: pass { sizeBytes, open() }, or use smaller parts`,
      )
    }
  }

  /**
   * Compares each part that was sent or started with its current plaintext.
   *
   * @param open - opens the plaintext of one part
   * @returns the parts that are unchanged on the service
   * @throws CseError `ERR_CSE_SOURCE_CHANGED`; `ERR_CSE_NOT_FOUND` when the service no longer knows the upload
   */
  async verifyParts(
    open: (range: PartRange) => BodyInput,
    { signal, onVerified }: VerifyOptions,
  ): Promise<VerifiedParts> {
    this.checkOpen()
    const { held, stored } = await this.#held(signal)
    const begun = [...new Set([...this.ledger.begun, ...held.keys()])].sort((a, b) => a - b)
    const parts = new Map<number, UploadedPart>()
    try {
      for (const partNumber of begun) {
        signal?.throwIfAborted()
        const range = this.plan.part(partNumber)
        const { storedBytes } = range
        const source = byteSource(open(range))
        const { digest, crc64 } = await this.#digest(source, range, signal)
        this.ledger.check(partNumber, digest)
        const part = held.get(partNumber)
        if (part === undefined || (part.sizeBytes ?? storedBytes) !== storedBytes) continue
        if ((part.crc64 ?? crc64) !== crc64) continue
        parts.set(partNumber, { partNumber, etag: part.etag, sizeBytes: storedBytes, crc64 })
        onVerified?.(range)
      }
    } catch (error) {
      signal?.throwIfAborted()
      throw aboutObject(error, this.remote.key)
    }
    return { parts, stored }
  }

  /** Wipes the key, and frees the parts on the service. Succeeds if the upload is already gone. */
  async abort(options: BoundedCallOptions): Promise<void> {
    this.cipher.close()
    try {
      await withDeadline(options, this.remote.key, ({ signal }) => this.remote.abort(signal))
    } catch (error) {
      if (!isNoSuchUpload(error)) throw error
    }
  }

  /** The digests of a part's current plaintext. A source that was not read to its end is closed. */
  async #digest(source: ByteSource, range: PartRange, signal: AbortSignal | undefined): Promise<PartDigest> {
    try {
      this.checkSource(source, range)
      this.checkOpen()
      const digest = await this.cipher.digestPart(abortableSource(source, signal), range)
      this.checkOpen()
      return digest
    } catch (error) {
      await source.discard?.().catch(() => {})
      throw error
    }
  }

  /** The parts of this upload that the service holds. All of them, if it was completed. */
  async #held(signal: AbortSignal | undefined): Promise<{
    readonly held: ReadonlyMap<number, UploadedPart>
    readonly stored?: HeaderMap
  }> {
    try {
      const listed = await this.remote.listParts(signal)
      return { held: new Map(listed.map((part) => [part.partNumber, part])) }
    } catch (error) {
      const stored = isNoSuchUpload(error) ? await this.remote.findStored(signal) : undefined
      if (stored === undefined) throw error
      const etag = stored['etag'] ?? ''
      const numbers = Array.from({ length: this.plan.partCount }, (_, index) => index + 1)
      return { held: new Map(numbers.map((partNumber) => [partNumber, { partNumber, etag }])), stored }
    }
  }
}

/** The error of an operation that the upload does not allow. */
export function invalidUpload(objectKey: string, why: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `The multipart upload of ${objectKey}: ${why}.`, {
    objectKey,
  })
}
