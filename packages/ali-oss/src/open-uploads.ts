import type { MultipartUpload } from '@oss-cse/bucket'
import type { BoundedCallOptions, UploadedPart } from '@oss-cse/crypto-core'
import { deadlineAbort, type LinkedAbort } from '@oss-cse/crypto-core/internal'
import type { AliOssResponse } from './ali-oss-response.ts'
import { invalid } from './request-options.ts'
import type { ServiceCall } from './service-call.ts'
import { stopped } from './service-error.ts'

/** A `multipartUpload` under way. */
export interface RunningUpload {
  readonly signal: AbortSignal
  /** Known once it has begun. */
  call?: ServiceCall
  key?: string
  /** Known once the service has named it. */
  uploadId?: string | undefined
}

/** An upload that `initMultipartUpload` began, whose parts the caller sends. */
export interface BegunUpload {
  readonly call: ServiceCall
  readonly upload: MultipartUpload
  /** The parts that were stored, and the service's answers, by part number. */
  readonly parts: Map<number, { readonly part: UploadedPart; readonly response: AliOssResponse }>
}

/** The multipart uploads of one client: each can be cancelled for itself, which in ali-oss stops them all. */
export class OpenUploads {
  readonly #running = new Map<RunningUpload, LinkedAbort>()
  readonly #begun = new Map<string, BegunUpload>()

  /** Runs an upload that can be stopped, and stops it when its deadline passes. */
  async run<Result>(
    options: BoundedCallOptions,
    work: (running: RunningUpload) => Promise<Result>,
  ): Promise<Result> {
    const abort = deadlineAbort(options, undefined)
    const running: RunningUpload = { signal: abort.signal }
    this.#running.set(running, abort)
    try {
      return await work(running)
    } finally {
      abort.unlink()
      this.#running.delete(running)
    }
  }

  /** Stops all uploads under way. */
  cancelAll(): void {
    for (const abort of this.#running.values()) abort.abort(stopped('cancel'))
  }

  /** Stops an upload under way; others stay as they are. */
  stop(name: 'cancel' | 'abort', key: string, uploadId: string): void {
    for (const [running, abort] of this.#running) {
      if (running.key === key && running.uploadId === uploadId) abort.abort(stopped(name))
    }
  }

  /** The call that an upload began with, whose bucket may be another one than the client's now. */
  callOf(key: string, uploadId: string): ServiceCall | undefined {
    const begun = this.#begun.get(uploadId)
    if (begun?.upload.key === key) return begun.call
    const running = [...this.#running.keys()].find((one) => one.key === key && one.uploadId === uploadId)
    return running?.call
  }

  begin(begun: BegunUpload): void {
    this.#begun.set(begun.upload.uploadId, begun)
  }

  /**
   * An upload that was begun here.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for any other: its content key is not known.
   */
  begun(key: string, uploadId: string): BegunUpload {
    const begun = this.#begun.get(uploadId)
    if (begun?.upload.key === key) return begun
    throw invalid(
      `the upload ${JSON.stringify(uploadId)} of ${JSON.stringify(key)} was not begun by this client, which would need its content key. Begin one by initMultipartUpload; what goes on in another process is multipartUpload with its checkpoint`,
    )
  }

  /** Forgets an upload and its key. */
  async end(uploadId: string): Promise<void> {
    const begun = this.#begun.get(uploadId)
    this.#begun.delete(uploadId)
    await begun?.upload.close()
  }
}
