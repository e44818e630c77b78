import type { MultipartUpload } from '@oss-cse/bucket'
import type { BoundedCallOptions, UploadedPart } from '@oss-cse/crypto-core'
import { deadlineAbort, type LinkedAbort } from '@oss-cse/crypto-core/internal'
import type { AliOssResponse } from './ali-oss-response.ts'
import { invalid } from './request-options.ts'
import type { ServiceCall } from './service-call.ts'
import { stopped } from './service-error.ts'

/** A running `multipartUpload`. */
export interface RunningUpload {
  readonly signal: AbortSignal
  /** Set once the upload has started. */
  call?: ServiceCall
  key?: string
  /** Set once the service has returned it. */
  uploadId?: string | undefined
}

/** An upload that `initMultipartUpload` started and whose parts the caller sends. */
export interface BegunUpload {
  readonly call: ServiceCall
  readonly upload: MultipartUpload
  /** The stored parts and their responses, by part number. */
  readonly parts: Map<number, { readonly part: UploadedPart; readonly response: AliOssResponse }>
}

/** The multipart uploads of one client. Each can be cancelled separately; ali-oss would stop all of them. */
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

  /** Stops all running uploads. */
  cancelAll(): void {
    for (const abort of this.#running.values()) abort.abort(stopped('cancel'))
  }

  /** Stops one running upload. Others continue. */
  stop(name: 'cancel' | 'abort', key: string, uploadId: string): void {
    for (const [running, abort] of this.#running) {
      if (running.key === key && running.uploadId === uploadId) abort.abort(stopped(name))
    }
  }

  /** Returns the call that an upload started with. The client may use another bucket now. */
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
   * Returns an upload that this client started.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for any other upload, because its content key is unknown.
   */
  begun(key: string, uploadId: string): BegunUpload {
    const begun = this.#begun.get(uploadId)
    if (begun?.upload.key === key) return begun
    throw invalid(
      `the upload ${JSON.stringify(uploadId)} of ${JSON.stringify(key)} was not started by this client, which needs its content key. Start an upload with initMultipartUpload. To resume in another process, use multipartUpload with its checkpoint`,
    )
  }

  /** Removes an upload and its key. */
  async end(uploadId: string): Promise<void> {
    const begun = this.#begun.get(uploadId)
    this.#begun.delete(uploadId)
    await begun?.upload.close()
  }
}
