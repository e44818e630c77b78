import { OSS_HEADERS, V1_HEADERS, V2_HEADERS } from './headers.ts'
import type { HeaderMap } from './ports.ts'

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

/** The headers without which an encrypted object looks like a plain one, or like one of another key. */
const DECIDING: readonly string[] = [
  OSS_HEADERS.objectType,
  ...Object.values(V2_HEADERS),
  ...Object.values(V1_HEADERS),
]
const V2_REQUIRED = [
  V2_HEADERS.wrappedCek,
  V2_HEADERS.wrappedIv,
  V2_HEADERS.cekAlgorithm,
  V2_HEADERS.wrapAlgorithm,
]
const V1_REQUIRED = [V1_HEADERS.wrappedCek, V1_HEADERS.wrappedStart]

/**
 * Returns the headers that a page may not be able to read, if they decide whether an object is encrypted.
 *
 * A hidden header looks like a missing one. There are two proofs that nothing is hidden. The list of exposed headers is
 * itself a header: if the rule exposes it, the response says what a page can read. Without it, a complete envelope
 * proves that its own headers are exposed.
 *
 * @param headers - what a page sees of a successful response to a read, under a CORS rule. Names in lower case
 * @returns their names. Empty if what the page sees is certain
 */
export function hiddenDecidingHeaders(headers: HeaderMap): readonly string[] {
  const list = headers[EXPOSE_HEADERS]
  if (list !== undefined) {
    const exposed = new Set(list.toLowerCase().split(/\s*,\s*/))
    return DECIDING.filter((name) => !exposed.has(name))
  }
  // The envelope of a link is that of its target.
  if (headers[OSS_HEADERS.objectType] === 'Symlink') return []
  for (const required of [V2_REQUIRED, V1_REQUIRED]) {
    const hidden = required.filter((name) => !Object.hasOwn(headers, name))
    if (hidden.length < required.length) return hidden
  }
  return [EXPOSE_HEADERS, ...DECIDING]
}
