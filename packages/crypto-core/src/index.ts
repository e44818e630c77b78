export type { AesCtrEngine, AesCtrKeystream } from './aes-ctr.ts'
export { concatBytes, decodeBase64, encodeBase64, wipe } from './bytes.ts'
export { checkContentKey, generateCek } from './content-key.ts'
export { CtrCipher, type CtrCipherOptions } from './ctr-cipher.ts'
export {
  type ContentFormat,
  contentFormat,
  type Envelope,
  type EnvelopeFields,
  type EnvelopeSummary,
  type EnvelopeV1,
  type EnvelopeV2,
} from './envelope.ts'
export { decodeEnvelope, encodeEnvelope } from './envelope-codec.ts'
export { type ErrorDocument, isErrorDocument, parseErrorDocument } from './error-document.ts'
export {
  CseError,
  type CseErrorCode,
  type CseErrorOptions,
  TransportError,
  type TransportErrorOptions,
  type TransportErrorOverrides,
  unwrapFailed,
} from './errors.ts'
export { type FailureVerdict, isRetryableStatus, judgeFailure } from './failure-verdict.ts'
export { OSS_HEADERS } from './headers.ts'
export {
  type DecryptingOptions,
  Keyring,
  type KeyringOptions,
  type UnwrapOptions,
  type UnwrapToOpenOptions,
} from './keyring.ts'
export type { MaterialDescription } from './material-description.ts'
export type { EnvelopeExtras } from './new-envelope.ts'
export {
  type ObjectAttributes,
  type ObjectRestore,
  type ObjectRetention,
  objectAttributes,
  type ServerSideEncryption,
} from './object-attributes.ts'
export { taggingHeader } from './object-tags.ts'
export { hasObjectSettings, hasVersionCatalog } from './optional-ports.ts'
export { orAborted } from './or-aborted.ts'
export type { PartPlan, PartRange } from './part-plan.ts'
export type {
  AccessCredentials,
  BoundedCallOptions,
  BucketVersioning,
  ByteChunks,
  CallOptions,
  CompleteUploadRequest,
  ContentKey,
  CopyObjectRequest,
  CredentialsProvider,
  DeleteMarker,
  DeleteObjectRequest,
  DeleteObjectsRequest,
  GeneratedContentKey,
  GetByUrlRequest,
  GetObjectRequest,
  GetObjectResponse,
  HeaderMap,
  HeadObjectRequest,
  HeadObjectResponse,
  InitiateUploadRequest,
  ListObjectsRequest,
  ListPartsRequest,
  ListUploadsRequest,
  ListVersionsRequest,
  MasterKeyCallOptions,
  MasterKeyProvider,
  MultipartTransport,
  ObjectAcl,
  ObjectBody,
  ObjectCatalog,
  ObjectPage,
  ObjectReference,
  ObjectSettings,
  ObjectSettingsRequest,
  ObjectSummary,
  ObjectTag,
  ObjectTransport,
  ObjectVersion,
  PartPage,
  PendingUpload,
  PendingUploadPage,
  PutObjectRequest,
  PutObjectResponse,
  SymlinkRequest,
  SymlinkResponse,
  UploadedPart,
  UploadPartRequest,
  UploadReference,
  UploadRequest,
  UrlTransport,
  VersionCatalog,
  VersionPage,
  WorkerSide,
  WorkerSideModule,
  WorkerSideRequest,
  WrappedContentKey,
} from './ports.ts'
export type { ByteRange, ClosedRange } from './range-plan.ts'
export {
  callWithRetries,
  checkedRetryOptions,
  type RetryContext,
  type RetryOptions,
  type RetryPolicy,
} from './retry.ts'
export type { RewrapOptions } from './rewrap.ts'
export { plaintextLength } from './segment-plan.ts'
export type { UnwrapCacheOptions } from './unwrap-cache.ts'
export { formatV1Start, parseV1Start } from './v1-start.ts'
export {
  createWrappingProvider,
  type WrappingCallOptions,
  type WrappingProviderOptions,
} from './wrapping-provider.ts'
