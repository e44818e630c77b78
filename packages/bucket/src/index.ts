export type { ClosedRange, RetryOptions } from '@oss-cse/crypto-core'
export type { RunTarget, WritableFile, WrittenListener } from './cipher/run-target.ts'
export {
  type BucketTransport,
  type CopyOptions,
  CryptoBucket,
  type CryptoBucketOptions,
  type ListEntry,
  type ListOptions,
} from './crypto-bucket.ts'
export type { PlainObjectPolicy } from './policy/bucket-context.ts'
export type { Progress, ProgressListener } from './policy/progress.ts'
export type { ObjectOptions } from './policy/request-headers.ts'
export type { LogEvent, Logger, RetryEvent, TransferEvent } from './policy/retry.ts'
export type { AcceptedFormats, ReadPolicies } from './policy/sealed-policies.ts'
export type { GetOptions, GetResult } from './read/get-object.ts'
export type { HeadOptions, HeadResult, ObjectDescription } from './read/head-object.ts'
export type { ObjectReader, OpenOptions, RangeRead } from './read/object-reader.ts'
export type { ReadableBody } from './read/readable-body.ts'
export type { VerifiedObject, VerifyObjectOptions } from './read/verify-object.ts'
export {
  type Checkpoint,
  type CheckpointStore,
  checkpointInUse,
  MemoryCheckpointStore,
} from './resume/checkpoint-store.ts'
export type { DownloadOptions, DownloadResult, DownloadTarget } from './resume/resumable-download.ts'
export type { UploadOptions, UploadResult } from './resume/resumable-upload.ts'
export type { TransferOptions } from './resume/transfer-options.ts'
export type { BodyInput, ReopenableBody } from './source/byte-source.ts'
export type { FileRange, OpenFile } from './source/open-file.ts'
export type { SizedInput, SizedSource } from './source/sized-source.ts'
export type { InitiateOptions, ResumeOptions } from './write/begin-multipart-upload.ts'
export type { MultipartUploadState } from './write/multipart-state.ts'
export { isNoSuchUpload } from './write/multipart-transport.ts'
export type { CompleteOptions, MultipartUpload, UploadPartOptions } from './write/multipart-upload.ts'
export type { PersistState, VerifyOptions } from './write/open-upload.ts'
export type { PutOptions } from './write/put-object.ts'
export type { PutResult } from './write/put-result.ts'
export type { UnverifiedUpload } from './write/unverified-upload.ts'
