export type { PlainObjectPolicy } from './bucket-context.ts'
export type { BodyInput } from './byte-source.ts'
export {
  type BucketTransport,
  type CopyOptions,
  CryptoBucket,
  type CryptoBucketOptions,
  type ListEntry,
  type ListOptions,
} from './crypto-bucket.ts'
export type { GetOptions, GetResult } from './get-object.ts'
export type { HeadOptions, HeadResult, ObjectDescription } from './head-object.ts'
export type { Progress, ProgressListener } from './progress.ts'
export type { PutOptions, PutResult } from './put-object.ts'
export type { ReadableBody } from './readable-body.ts'
export type { LogEvent, Logger, RetryOptions } from './retry.ts'
