import type { HeaderMap } from './ports.ts'

/** The prefix of each header of the service. */
export const OSS_HEADER_PREFIX = 'x-oss-'

/** The prefix of user metadata in header names. */
export const USER_METADATA_PREFIX = 'x-oss-meta-'

/** The prefix of each header of a V2 envelope. */
export const V2_PREFIX = 'x-oss-meta-client-side-encryption-'

/** The headers of a V2 envelope. FORMAT.md, "V2 headers". */
export const V2_HEADERS = {
  wrappedCek: 'x-oss-meta-client-side-encryption-key',
  wrappedIv: 'x-oss-meta-client-side-encryption-start',
  cekAlgorithm: 'x-oss-meta-client-side-encryption-cek-alg',
  wrapAlgorithm: 'x-oss-meta-client-side-encryption-wrap-alg',
  materialDescription: 'x-oss-meta-client-side-encryption-matdesc',
  unencryptedContentLength: 'x-oss-meta-client-side-encryption-unencrypted-content-length',
  unencryptedContentMd5: 'x-oss-meta-client-side-encryption-unencrypted-content-md5',
  dataSize: 'x-oss-meta-client-side-encryption-data-size',
  partSize: 'x-oss-meta-client-side-encryption-part-size',
} as const

/** The headers of a V1 envelope, as oss2 2.5 to 2.10 wrote them. FORMAT.md, "V1 headers". */
export const V1_HEADERS = {
  wrappedCek: 'x-oss-meta-oss-crypto-key',
  wrappedStart: 'x-oss-meta-oss-crypto-start',
  cekAlgorithm: 'x-oss-meta-oss-cek-alg',
  wrapAlgorithm: 'x-oss-meta-oss-wrap-alg',
  materialDescription: 'x-oss-meta-oss-crypto-matdesc',
  // The name of the same header in the documentation. oss2 reads the one above.
  documentedMaterialDescription: 'x-oss-meta-oss-matdesc',
  unencryptedContentLength: 'x-oss-meta-unencrypted-content-length',
  unencryptedContentMd5: 'x-oss-meta-unencrypted-content-md5',
} as const

/** Other headers of the service that oss-cse reads or writes. */
export const OSS_HEADERS = {
  crc64: 'x-oss-hash-crc64ecma',
  rangeBehavior: 'x-oss-range-behavior',
  requestId: 'x-oss-request-id',
  process: 'x-oss-process',
  copySource: 'x-oss-copy-source',
  copySourceIfMatch: 'x-oss-copy-source-if-match',
  metadataDirective: 'x-oss-metadata-directive',
  forbidOverwrite: 'x-oss-forbid-overwrite',
  requestPayer: 'x-oss-request-payer',
  trafficLimit: 'x-oss-traffic-limit',
  objectAcl: 'x-oss-object-acl',
  storageClass: 'x-oss-storage-class',
  serverSideEncryption: 'x-oss-server-side-encryption',
  serverSideEncryptionKeyId: 'x-oss-server-side-encryption-key-id',
  serverSideDataEncryption: 'x-oss-server-side-data-encryption',
  /** The tags of a new object. */
  tagging: 'x-oss-tagging',
  taggingCount: 'x-oss-tagging-count',
  taggingDirective: 'x-oss-tagging-directive',
  /** Whether an archived object is being restored, or until when it is. */
  restore: 'x-oss-restore',
  retentionMode: 'x-oss-object-worm-mode',
  retainUntil: 'x-oss-object-worm-retain-until-date',
  callback: 'x-oss-callback',
  callbackVariables: 'x-oss-callback-var',
  objectType: 'x-oss-object-type',
  symlinkTarget: 'x-oss-symlink-target',
  versionId: 'x-oss-version-id',
  deleteMarker: 'x-oss-delete-marker',
  /** For how long the service throttled the request, in milliseconds. */
  qosDelay: 'x-oss-qos-delay-time',
  date: 'x-oss-date',
  contentSha256: 'x-oss-content-sha256',
  securityToken: 'x-oss-security-token',
  serverTime: 'x-oss-server-time',
  /** When a lifecycle rule deletes the object, as the service computes it. */
  expiration: 'x-oss-expiration',
  /** When the content of an object was last modified, before it was encrypted or re-encrypted in its place. */
  originalLastModified: 'x-oss-meta-oss-cse-original-last-modified',
  /** The error document of a HEAD, in base64. */
  error: 'x-oss-err',
  /** The detailed error number (EC). */
  errorNumber: 'x-oss-ec',
} as const

const ENVELOPE_NAMES: ReadonlySet<string> = new Set(Object.values(V1_HEADERS))

/** Tells whether a header belongs to an envelope of either version, and so never to the user. */
export function isEnvelopeHeader(name: string): boolean {
  const lower = name.toLowerCase()
  return lower.startsWith(V2_PREFIX) || ENVELOPE_NAMES.has(lower)
}

const DESCRIBING_HEADERS: ReadonlySet<string> = new Set([
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
])

/**
 * Tells whether a copy with this header (its name in lower case) replaces the object's metadata, and with it the
 * envelope. It is the service's directive, or a header that makes ali-oss 6.23 lib/common/object/copyObject.js send it.
 */
export function replacesMetadata(name: string, value: string): boolean {
  return (
    DESCRIBING_HEADERS.has(name) ||
    name.startsWith(USER_METADATA_PREFIX) ||
    (name === OSS_HEADERS.metadataDirective && value.toUpperCase() !== 'COPY')
  )
}

/**
 * Parses a CRC-64 as the service writes it: a decimal number.
 *
 * @returns undefined for other text
 */
export function parseCrc64(text: string | undefined): bigint | undefined {
  return text !== undefined && /^\d{1,20}$/.test(text) ? BigInt(text) : undefined
}

/**
 * Reads for how long the service throttled a request, in milliseconds. The service reports it on throttled responses.
 *
 * @param headers - of a response, names in lower case
 * @returns undefined if the response does not say so
 */
export function qosDelayOf(headers: HeaderMap): number | undefined {
  const text = headers[OSS_HEADERS.qosDelay]
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined
}
