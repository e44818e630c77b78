import type { ContentFormat, Keyring, RetryPolicy } from '@oss-cse/crypto-core'
import type { Leftovers } from './leftovers.ts'
import type { Logger } from './retry.ts'
import type { AcceptedFormats } from './sealed-policies.ts'

/** What to do with an object that has no envelope. */
export type PlainObjectPolicy = 'reject' | 'passthrough'

/** The workers for large files. What they do, only the cipher knows: `cipher/file-workers.ts`. */
export interface FileWorkers {
  /** The most of them. Absent: what the runtime does by default. */
  readonly most: number | undefined
}

/** What every read of a bucket needs. */
export interface ReadContext {
  readonly keyring: Keyring
  readonly onPlainObject: PlainObjectPolicy
  readonly retry: RetryPolicy
  readonly logger: Logger | undefined
  /** Which content formats the bucket reads. */
  readonly accept: AcceptedFormats
  /** The context of a sealed object, by its key. Absent: none. */
  readonly sealedContext: ((key: string) => string) | undefined
  /** See `CryptoBucketOptions`. Absent: all work is done in place. */
  readonly fileWorkers: FileWorkers | undefined
}

/** What every operation of a bucket needs. */
export interface BucketContext extends ReadContext {
  /** How the content of new objects is encrypted. */
  readonly format: ContentFormat
  readonly leftovers: Leftovers
}
