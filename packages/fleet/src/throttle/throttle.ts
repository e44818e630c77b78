import type { CallOptions } from '@oss-cse/crypto-core'

/** Decides when the requests of a run may be sent. All workers of a process share one. */
export interface Throttle {
  /**
   * Waits until another request may be sent. The first to wait is the first to go.
   *
   * @throws the signal's reason
   */
  request(options?: CallOptions): Promise<void>
  /**
   * Waits until more bytes may be sent or received. Call it for each chunk, of any length.
   *
   * @throws the signal's reason
   */
  transfer(sizeBytes: number, options?: CallOptions): Promise<void>
  /** Reports that the service throttled a request: the error of the request, with `ERR_CSE_THROTTLED`. */
  throttled(error: unknown): void
}
