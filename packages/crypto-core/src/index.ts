export type { AesCtrEngine, AesCtrKeystream } from './aes-ctr.ts'
export { type AskCredentialsOptions, askCredentials } from './ask-credentials.ts'
export { backgroundTimer, MAX_TIMER_MS } from './background-timer.ts'
export { bothOrNone, isMisfit } from './both-or-none.ts'
export { concatBytes, decodeBase64, encodeBase64, isUint8Array, wipe } from './bytes.ts'
export { CHUNK_BYTES, coalesceChunks, exactChunks } from './chunks.ts'
export {
  type CipherDigests,
  type CipherRun,
  type CipherRunOptions,
  startCipherRun,
} from './cipher-run.ts'
export { CEK_BYTES, generateCek, generateIv, IV_BYTES } from './content-key.ts'
export { type Crc64, combineCrc64, createCrc64 } from './crc64.ts'
export { CtrCipher, type CtrCipherOptions, keystreamAt } from './ctr-cipher.ts'
export { addToCounter, BLOCK_BYTES } from './ctr-counter.ts'
export { deadlineAbort, eachWithDeadline, withDeadline } from './deadline.ts'
export {
  type Envelope,
  type EnvelopeFields,
  type EnvelopeSummary,
  type EnvelopeV1,
  type EnvelopeV2,
  summarizeEnvelope,
} from './envelope.ts'
export { decodeEnvelope, encodeEnvelope } from './envelope-codec.ts'
export {
  completeDocument,
  type ErrorDocument,
  isErrorDocument,
  parseErrorDocument,
  plainDocument,
  rootElement,
} from './error-document.ts'
export {
  CseError,
  type CseErrorCode,
  type CseErrorOptions,
  TransportError,
  type TransportErrorOptions,
  type TransportErrorOverrides,
  unwrapFailed,
} from './errors.ts'
export {
  type FailureVerdict,
  isRetryableStatus,
  judgeFailure,
  refusesCredentials,
} from './failure-verdict.ts'
export {
  checkMetadataSize,
  isReservedMetadata,
  lowerCaseHeaders,
  metadataHeaders,
  USER_METADATA_LIMIT_BYTES,
  userMetadata,
} from './header-map.ts'
export {
  isEnvelopeHeader,
  OSS_HEADER_PREFIX,
  OSS_HEADERS,
  replacesMetadata,
  USER_METADATA_PREFIX,
  V1_HEADERS,
  V2_HEADERS,
} from './headers.ts'
export { Keyring, type KeyringOptions } from './keyring.ts'
export { type LinkedAbort, linkedAbort } from './linked-abort.ts'
export {
  lastListedName,
  type ObjectPosition,
  objectPageProblem,
  partPageProblem,
  type UploadPosition,
  uploadPageProblem,
} from './listing-pages.ts'
export {
  checkedDescription,
  equalDescriptions,
  formatMaterialDescription,
  isEmptyDescription,
  isTextMap,
  type MaterialDescription,
  parseMaterialDescription,
} from './material-description.ts'
export type { EnvelopeExtras } from './new-envelope.ts'
export { orAborted } from './or-aborted.ts'
export {
  checkPartSize,
  DEFAULT_PART_BYTES,
  type PartPlan,
  type PartRange,
  planParts,
} from './part-plan.ts'
export type {
  AccessCredentials,
  BoundedCallOptions,
  CallOptions,
  CompleteUploadRequest,
  ContentKey,
  CopyObjectRequest,
  CredentialsProvider,
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
  MasterKeyCallOptions,
  MasterKeyProvider,
  MultipartTransport,
  ObjectBody,
  ObjectCatalog,
  ObjectPage,
  ObjectReference,
  ObjectSummary,
  ObjectTransport,
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
} from './ports.ts'
export { printable, printableJson } from './printable.ts'
export {
  type ByteRange,
  type ClosedRange,
  checkRange,
  parseRange,
  type RangeSlice,
  rangeHeader,
  sliceAnswer,
} from './range-plan.ts'
export {
  callWithRetries,
  checkedRetryOptions,
  isRetryable,
  type RetryContext,
  type RetryOptions,
  type RetryPolicy,
} from './retry.ts'
export {
  MAX_DELETED_KEYS,
  MAX_PAGE_ENTRIES,
  MAX_PARTS,
  MAX_REQUEST_BYTES,
  MIN_PART_BYTES,
} from './service-limits.ts'
export { type SharedCallOptions, SharedCalls } from './shared-calls.ts'
export { tell } from './tell.ts'
export { formatV1Start, parseV1Start } from './v1-start.ts'
export {
  createWrappingProvider,
  type WrappingCallOptions,
  type WrappingProviderOptions,
} from './wrapping-provider.ts'
export { xmlDocumentProblem } from './xml-document.ts'
