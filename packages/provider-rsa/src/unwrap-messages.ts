import type { ContentKey } from '@oss-cse/crypto-core'
import type { UnwrappingKey, UnwrapRequest } from './content-key-unwrap.ts'

/** A request to the worker: both wrapped values of an envelope at once. */
export interface UnwrapMessage {
  readonly id: number
  /** A message carries a KeyObject as a reference to the one key that OpenSSL holds. No copy of the key is made. */
  readonly key: UnwrappingKey
  readonly request: UnwrapRequest
}

/** A response of the worker: one for each request. */
export interface UnwrapResponse {
  readonly id: number
  /** Absent if the unwrap failed. Its memory is transferred: the worker keeps no copy. */
  readonly contentKey?: ContentKey
}
