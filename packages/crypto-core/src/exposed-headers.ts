import { OSS_HEADERS, V1_HEADERS, V2_HEADERS } from './headers.ts'

/**
 * The response headers that a web page needs, in lower case. A page reads only those that the CORS rule of the bucket
 * exposes, and the service takes no wildcard there. To the others it is as if the service had not sent them: without
 * its envelope, an encrypted object looks like a plain one. User metadata is not among them: each app has its own.
 */
export const EXPOSED_HEADERS: readonly string[] = [
  'content-disposition',
  'content-encoding',
  'content-length',
  'content-range',
  'date',
  'etag',
  'last-modified',
  OSS_HEADERS.crc64,
  OSS_HEADERS.error,
  OSS_HEADERS.errorNumber,
  OSS_HEADERS.objectType,
  OSS_HEADERS.qosDelay,
  OSS_HEADERS.requestId,
  OSS_HEADERS.restore,
  OSS_HEADERS.retainUntil,
  OSS_HEADERS.retentionMode,
  OSS_HEADERS.serverSideDataEncryption,
  OSS_HEADERS.serverSideEncryption,
  OSS_HEADERS.serverSideEncryptionKeyId,
  OSS_HEADERS.serverTime,
  OSS_HEADERS.storageClass,
  OSS_HEADERS.symlinkTarget,
  OSS_HEADERS.taggingCount,
  OSS_HEADERS.versionId,
  ...Object.values(V2_HEADERS),
  ...Object.values(V1_HEADERS),
]
