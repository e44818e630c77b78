export type { RetryOptions } from '@oss-cse/crypto-core'
export type { InitiateOptions } from './begin-multipart-upload.ts'
export type { PlainObjectPolicy } from './bucket-context.ts'
export type { BodyInput, EncryptedPart } from './byte-source.ts'
export {
  type Checkpoint,
  type CheckpointStore,
  checkpointInUse,
  MemoryCheckpointStore,
} from './checkpoint-store.ts'
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
export type { MultipartUploadState } from './multipart-state.ts'
export { isNoSuchUpload } from './multipart-transport.ts'
export type { CompleteOptions, MultipartUpload, PersistState, UploadPartOptions } from './multipart-upload.ts'
export type { ObjectReader, OpenOptions, RangeRead, RunWriter } from './object-reader.ts'
export type { Progress, ProgressListener } from './progress.ts'
export type { PutOptions } from './put-object.ts'
export type { PutResult } from './put-result.ts'
export type { ReadableBody } from './readable-body.ts'
export type { DownloadOptions, DownloadResult, DownloadTarget } from './resumable-download.ts'
export type { UploadOptions, UploadResult } from './resumable-upload.ts'
export type { LogEvent, Logger, RetryEvent, TransferEvent } from './retry.ts'
export type { SizedInput, SizedSource } from './sized-source.ts'
export type { TransferOptions } from './transfer-options.ts'
export type { ObjectOptions } from './upload-headers.ts'
