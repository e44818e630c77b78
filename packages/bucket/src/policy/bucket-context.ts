import type { ContentFormat, Keyring, RetryPolicy } from '@oss-cse/crypto-core'
import type { Leftovers } from './leftovers.ts'
import type { Logger } from './retry.ts'
import type { AcceptedFormats } from './sealed-policies.ts'

/** What to do with an object that has no envelope. */
export type PlainObjectPolicy = 'reject' | 'passthrough'

/** What every operation of a bucket needs. */
export interface BucketContext {
  readonly keyring: Keyring
  readonly onPlainObject: PlainObjectPolicy
  readonly retry: RetryPolicy
  readonly logger: Logger | undefined
  /** How the content of new objects is encrypted. */
  readonly format: ContentFormat
  /** Which content formats the bucket reads. */
  readonly accept: AcceptedFormats
  /** The context of a sealed object, by its key. Absent: none. */
  readonly sealedContext: ((key: string) => string) | undefined
  readonly leftovers: Leftovers
  /** See `CryptoBucketOptions`. */
  readonly fileWorkers: number | undefined
}
