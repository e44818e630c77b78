export type { ReadOptions } from './policy/read-options.ts'
export type { ReadTransport } from './read/linked-object.ts'
export { ReadingBucket, type ReadingBucketOptions } from './reading-bucket.ts'
