import { OSS_HEADERS, V1_HEADERS, V2_HEADERS } from './headers.ts'

/**
 * The list of the headers that a page can read. It is a header as any other: a page can read it if it names itself. Only
 * then can a page tell that a header is missing, and not hidden.
 */
export const EXPOSE_HEADERS = 'access-control-expose-headers'

/**
 * The response headers that a web page needs, in lower case. A page reads only those that the CORS rule of the bucket
 * exposes, and the service takes no wildcard there. To the others it is as if the service had not sent them: without
 * its envelope, an encrypted object looks like a plain one. User metadata is not among them: each app has its own.
 */
export const EXPOSED_HEADERS: readonly string[] = [
  EXPOSE_HEADERS,
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
