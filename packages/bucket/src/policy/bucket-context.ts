import type { Keyring, RetryPolicy } from '@oss-cse/crypto-core'
import type { Leftovers } from './leftovers.ts'
import type { Logger } from './retry.ts'

/** What to do with an object that has no envelope. */
export type PlainObjectPolicy = 'reject' | 'passthrough'

/** What every operation of a bucket needs. */
export interface BucketContext {
  readonly keyring: Keyring
  readonly onPlainObject: PlainObjectPolicy
  readonly retry: RetryPolicy
  readonly logger: Logger | undefined
  readonly leftovers: Leftovers
  /** See `CryptoBucketOptions`. */
  readonly fileWorkers: number | undefined
}
