import type { ClosedRange, HeaderMap, ObjectBody, RetryPolicy, WorkerSide } from '@oss-cse/crypto-core'
import type { Logger } from '../policy/retry.ts'
import type { PinnedObject } from './range-bytes.ts'

/** A range of an object that a worker can request itself: with this, it does what `rangeBytes` does. */
export interface RequestableRange {
  readonly object: PinnedObject
  readonly range: ClosedRange
  /** The headers of each request, without those of a range. */
  readonly headers: HeaderMap
  /** See `GetSource`. */
  readonly ossHeaders: boolean
  readonly retry: RetryPolicy
  readonly logger: Logger | undefined
  readonly signal: AbortSignal | undefined
  /** Prepares one request. `undefined`: a worker cannot send it. */
  prepare(headers: HeaderMap): Promise<WorkerSide | undefined> | undefined
}

/** The stored bytes of a range. A worker may request them itself, and then does not open them. */
export interface RangeBody extends ObjectBody {
  readonly requestable?: RequestableRange | undefined
}
