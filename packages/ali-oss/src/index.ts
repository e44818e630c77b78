export type {
  AliOssGaps,
  DoneResult,
  ListVersionsResult,
  PassedOptions,
  StatusResult,
  VersionedOptions,
} from './ali-oss-gaps.ts'
export type { AliOssResponse } from './ali-oss-response.ts'
export {
  CryptoOSS,
  type HeadObjectResult,
  type InitMultipartUploadOptions,
  type InitMultipartUploadResult,
  type UploadPartResult,
} from './crypto-oss.ts'
export type { CryptoOSSOptions, EncryptionOptions, FurtherOssOptions } from './crypto-oss-options.ts'
export type { MultipartUploadOptions, MultipartUploadResult } from './multipart-upload.ts'
export type { PutObjectResult } from './object-put.ts'
export type { GetObjectResult, GetStreamResult, GetTarget, GottenContent } from './object-read.ts'
export type { PassedParams, PassedResult } from './passed-request.ts'
export type { CallbackOptions, CallOptions, HeadOptions, PutOptions, ReadOptions } from './request-options.ts'
export type { ServiceError } from './service-error.ts'
export type { FileInput } from './upload-body.ts'
export type { Checkpoint, ProgressCallback } from './upload-checkpoint.ts'
