export { concatBytes, decodeBase64, encodeBase64, wipe } from './bytes.ts'
export { type Crc64, combineCrc64, createCrc64 } from './crc64.ts'
export type { Envelope, EnvelopeV1, EnvelopeV2 } from './envelope.ts'
export {
  CseError,
  type CseErrorCode,
  type CseErrorOptions,
  TransportError,
  type TransportErrorOptions,
  unwrapFailed,
} from './errors.ts'
export { isEnvelopeHeader, OSS_HEADERS, USER_METADATA_PREFIX, V1_HEADERS, V2_HEADERS } from './headers.ts'
export {
  checkedDescription,
  equalDescriptions,
  formatMaterialDescription,
  isEmptyDescription,
  type MaterialDescription,
  parseMaterialDescription,
} from './material-description.ts'
export type {
  CallOptions,
  ContentKey,
  GeneratedContentKey,
  GetObjectRequest,
  GetObjectResponse,
  HeaderMap,
  HeadObjectRequest,
  HeadObjectResponse,
  MasterKeyProvider,
  MultipartTransport,
  ObjectBody,
  ObjectCatalog,
  ObjectPage,
  ObjectSummary,
  ObjectTransport,
  PartPage,
  PendingUpload,
  PendingUploadPage,
  PutObjectRequest,
  PutObjectResponse,
  UploadedPart,
  UploadReference,
} from './ports.ts'
