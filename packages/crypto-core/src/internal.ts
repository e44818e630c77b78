/**
 * What the packages of this repository share. It may change in any release, so they depend on one exact version of the core.
 * Your own apps, providers and transports use the main entry.
 */

export { type Crc64, combineCrc64, createCrc64 } from '@oss-cse/crc64'
export { type AskCredentialsOptions, askCredentials } from './ask-credentials.ts'
export { backgroundTimer, MAX_TIMER_MS } from './background-timer.ts'
export { bothOrNone, isMismatch } from './both-or-none.ts'
export {
  type BucketAddress,
  type CheckedBucketAddress,
  checkBucketName,
  checkedBucketAddress,
} from './bucket-address.ts'
export { encodeHex, equalBytes, isUint8Array } from './bytes.ts'
export { coalesceChunks, exactChunks } from './chunks.ts'
export { startCipherRun } from './cipher-run.ts'
export { compareCodePoints } from './code-point-order.ts'
export { CEK_BYTES, generateIv, IV_BYTES } from './content-key.ts'
export { CredentialRefresher, type Refresher } from './credential-refresher.ts'
export { cipherReused, keystreamAt } from './ctr-cipher.ts'
export { BLOCK_BYTES } from './ctr-counter.ts'
export { deadlineAbort, eachWithDeadline, withDeadline } from './deadline.ts'
export { DerivedKey } from './derived-key.ts'
export { DIGEST_BYTES } from './digest-engine.ts'
export { summarizeEnvelope } from './envelope.ts'
export {
  completeDocument,
  plainDocument,
  rootElement,
} from './error-document.ts'
export { EXPOSE_HEADERS, EXPOSED_HEADERS } from './exposed-headers.ts'
export { refusesCredentials } from './failure-verdict.ts'
export { flatDocument } from './flat-document.ts'
export { freeBytes } from './free-bytes.ts'
export {
  checkMetadataSize,
  isReservedMetadata,
  metadataHeaders,
  userMetadata,
} from './header-map.ts'
export {
  isEnvelopeHeader,
  OSS_HEADER_PREFIX,
  parseCrc64,
  qosDelayOf,
  replacesMetadata,
  USER_METADATA_PREFIX,
  V1_HEADERS,
  V2_HEADERS,
} from './headers.ts'
export { hiddenReadHeaders } from './hidden-headers.ts'
export { type LinkedAbort, linkedAbort } from './linked-abort.ts'
export { initiatedUploadId, listedObjects, listedParts, listedUploads } from './listing-documents.ts'
export {
  lastListedName,
  objectPageProblem,
  partPageProblem,
  type UploadPosition,
  uploadPageProblem,
  type VersionPosition,
  versionPageProblem,
} from './listing-pages.ts'
export { countOf, dateOf } from './listing-values.ts'
export {
  checkedDescription,
  equalDescriptions,
  formatMaterialDescription,
  isEmptyDescription,
  isTextMap,
} from './material-description.ts'
export {
  checkPartNumber,
  checkParts,
  checkUploadId,
  completionDocument,
  laterHeaders,
} from './multipart-request.ts'
export { checkObjectKey } from './object-key.ts'
export { startOpenRun } from './open-run.ts'
export { PartDigester, PIECE_BYTES, partDigest } from './part-digester.ts'
export { checkPartSize, DEFAULT_PART_BYTES, planParts, roundedPartSize } from './part-plan.ts'
export { checkedPresignedUrl } from './presigned-url.ts'
export { printable, printableJson } from './printable.ts'
export {
  checkRange,
  closedRange,
  notSatisfiable,
  parseRange,
  type RangeSlice,
  rangeHeader,
  sliceResponse,
  statedBytes,
} from './range-plan.ts'
export { copyHeaders, requestHeaders } from './request-headers.ts'
export { isRetryable } from './retry.ts'
export { rsaIdentity } from './rsa-identity.ts'
export type { RunWatch } from './run-source.ts'
export type { SegmentCipher } from './seal-engine.ts'
export { sealedPartDigest, startSealRun } from './seal-run.ts'
export { encodeContext } from './sealed-context.ts'
export { checkSealedLengths, type SealedSlice, sealedRangeHeader, sliceSealed } from './sealed-slice.ts'
export {
  plaintextIn,
  SEALED_CEK_ALGORITHM,
  SEGMENT_BYTES,
  type Segment,
  SegmentPlan,
  TAG_BYTES,
} from './segment-plan.ts'
export { type SealedRun, type SegmentSealer, startSealer } from './segment-sealer.ts'
export {
  about,
  type FailedResponse,
  foreignResponse,
  isRefusedCredential,
  keyOf,
  type RequestContext,
  sentence,
  serviceFailure,
  signingFailure,
  unusableResponse,
} from './service-failure.ts'
export {
  MAX_CORS_RULES,
  MAX_DELETED_KEYS,
  MAX_PAGE_ENTRIES,
  MAX_PARTS,
  MAX_REQUEST_BYTES,
  MIN_PART_BYTES,
} from './service-limits.ts'
export { SharedCalls } from './shared-calls.ts'
export { tell } from './tell.ts'
export { UnwrapCache } from './unwrap-cache.ts'
export { UploadSource } from './upload-source.ts'
export { xmlDocumentProblem } from './xml-document.ts'
