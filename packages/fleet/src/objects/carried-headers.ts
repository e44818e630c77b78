import { type CallOptions, type ObjectSettings, OSS_HEADERS, taggingHeader } from '@oss-cse/crypto-core'
import { isEnvelopeHeader, USER_METADATA_PREFIX } from '@oss-cse/crypto-core/internal'
import type { SourceObject } from './source-object.ts'

/** What new content gets from the object that it takes the place of. */
export interface CarriedHeaders {
  /** Headers of a PUT, without the envelope. */
  readonly headers: Readonly<Record<string, string>>
  /** The names of headers of the object that the new one will not have. */
  readonly notCarried: readonly string[]
}

/** Options of carrying headers over. */
export interface CarryOptions extends CallOptions {
  /** Records the date of the object in the metadata of the new one. The service sets the date of the new one itself. */
  readonly keepLastModified: boolean
}

/**
 * Reads what a new object must have to be like its source: content headers, user metadata, ACL, tags, storage class and
 * encryption by the service. Sends a request for the ACL, and one for the tags.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for tags that no header can hold; what the transport throws
 */
export async function carriedHeaders(
  source: SourceObject,
  settings: ObjectSettings,
  { keepLastModified, signal }: CarryOptions,
): Promise<CarriedHeaders> {
  const { headers, attributes, lastModified } = source
  const { storageClass, serverSideEncryption: encryption } = attributes
  const kept = Object.entries(headers).filter(([name]) => isCarried(name))
  return {
    headers: {
      ...Object.fromEntries(kept),
      ...(await settingHeaders(source, settings, { signal })),
      ...(storageClass !== undefined && { [OSS_HEADERS.storageClass]: storageClass }),
      ...(encryption && { [OSS_HEADERS.serverSideEncryption]: encryption.algorithm }),
      ...(encryption?.keyId && { [OSS_HEADERS.serverSideEncryptionKeyId]: encryption.keyId }),
      ...(encryption?.dataAlgorithm && { [OSS_HEADERS.serverSideDataEncryption]: encryption.dataAlgorithm }),
      // That of an earlier run is the date of what a user wrote.
      ...(keepLastModified && {
        [OSS_HEADERS.originalLastModified]:
          headers[OSS_HEADERS.originalLastModified] ?? lastModified.toISOString(),
      }),
    },
    notCarried: Object.keys(headers)
      .filter((name) => !isCarried(name) && !isEnvelopeHeader(name) && !KNOWN.has(name) && !HTTP.test(name))
      .sort(),
  }
}

/**
 * Reads the ACL and the tags of an object, as headers of a PUT. They can change without a new version. The number of tags in a
 * HEAD is not used: a service need not tell it to somebody who may not read the tags, and they would get lost.
 */
export async function settingHeaders(
  { key, versionId }: Pick<SourceObject, 'key' | 'versionId'>,
  settings: ObjectSettings,
  { signal }: CallOptions,
): Promise<Readonly<Record<string, string>>> {
  const request = { key, versionId, signal }
  const acl = await settings.getObjectAcl(request)
  const tags = [...(await settings.getObjectTags(request))]
  // The service returns them in any order.
  tags.sort((a, b) => (a.key < b.key ? -1 : 1))
  return {
    ...(acl !== 'default' && { [OSS_HEADERS.objectAcl]: acl }),
    ...(tags.length > 0 && { [OSS_HEADERS.tagging]: taggingHeader(tags) }),
  }
}

const CONTENT_HEADERS: ReadonlySet<string> = new Set([
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
])

function isCarried(name: string): boolean {
  return CONTENT_HEADERS.has(name) || (name.startsWith(USER_METADATA_PREFIX) && !isEnvelopeHeader(name))
}

/** Headers that describe the response, or that the service computes, and those that are read above. */
const KNOWN: ReadonlySet<string> = new Set([
  OSS_HEADERS.crc64,
  OSS_HEADERS.requestId,
  OSS_HEADERS.serverTime,
  OSS_HEADERS.objectType,
  OSS_HEADERS.versionId,
  OSS_HEADERS.storageClass,
  OSS_HEADERS.taggingCount,
  OSS_HEADERS.restore,
  OSS_HEADERS.expiration,
  OSS_HEADERS.errorNumber,
  OSS_HEADERS.serverSideEncryption,
  OSS_HEADERS.serverSideEncryptionKeyId,
  OSS_HEADERS.serverSideDataEncryption,
  'etag',
  'last-modified',
  'content-length',
  'content-md5',
])

/** Headers of HTTP itself, of caches and of proxies. */
const HTTP =
  /^(?:accept-ranges|access-control-.*|age|connection|content-range|date|keep-alive|server|strict-transport-security|timing-allow-origin|transfer-encoding|vary|via|x-cache.*)$/
