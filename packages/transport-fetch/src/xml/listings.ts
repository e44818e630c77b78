import type { ObjectPage, PartPage, PendingUploadPage } from '@oss-cse/crypto-core'
import { countOf, dateOf, parseCrc64 } from '@oss-cse/crypto-core/internal'
import { childrenOf, textOf, type XmlElement } from './element-tree.ts'

/** Reads the root of a listing of objects. @throws Error for values that cannot be read */
export function objectPage(root: XmlElement): ObjectPage {
  const decode = nameDecoder(root)
  const objects = childrenOf(root, 'Contents').map((object) => {
    const storageClass = textOf(object, 'StorageClass')
    return {
      key: decode(textOf(object, 'Key') ?? ''),
      sizeBytes: countOf(textOf(object, 'Size')),
      etag: textOf(object, 'ETag') ?? '',
      lastModified: dateOf(textOf(object, 'LastModified')),
      ...(storageClass !== undefined && { storageClass }),
    }
  })
  const prefixes = childrenOf(root, 'CommonPrefixes').map((group) => decode(textOf(group, 'Prefix') ?? ''))
  if (!isTruncated(root)) return { objects, prefixes }
  // A token has no spaces, so a plus sign in it is a plus sign.
  const token = textOf(root, 'NextContinuationToken') ?? ''
  return { objects, prefixes, nextContinuationToken: isEncoded(root) ? decodeURIComponent(token) : token }
}

/** Reads the root of a listing of parts. @throws Error for values that cannot be read */
export function partPage(root: XmlElement): PartPage {
  const parts = childrenOf(root, 'Part').map((part) => {
    const size = textOf(part, 'Size')
    const crc64 = parseCrc64(textOf(part, 'HashCrc64ecma'))
    return {
      partNumber: countOf(textOf(part, 'PartNumber')),
      etag: textOf(part, 'ETag') ?? '',
      ...(size !== undefined && { sizeBytes: countOf(size) }),
      ...(crc64 !== undefined && { crc64 }),
    }
  })
  return isTruncated(root) ? { parts, nextMarker: textOf(root, 'NextPartNumberMarker') ?? '' } : { parts }
}

/** Reads the root of a listing of unfinished uploads. @throws Error for values that cannot be read */
export function uploadPage(root: XmlElement): PendingUploadPage {
  const decode = nameDecoder(root)
  const uploads = childrenOf(root, 'Upload').map((upload) => {
    const initiated = textOf(upload, 'Initiated')
    return {
      key: decode(textOf(upload, 'Key') ?? ''),
      uploadId: textOf(upload, 'UploadId') ?? '',
      ...(initiated !== undefined && { initiated: dateOf(initiated) }),
    }
  })
  if (!isTruncated(root)) return { uploads }
  const nextUploadIdMarker = textOf(root, 'NextUploadIdMarker')
  return {
    uploads,
    nextKeyMarker: decode(textOf(root, 'NextKeyMarker') ?? ''),
    ...(nextUploadIdMarker && { nextUploadIdMarker }),
  }
}

function isTruncated(root: XmlElement): boolean {
  return textOf(root, 'IsTruncated') === 'true'
}

function isEncoded(root: XmlElement): boolean {
  return textOf(root, 'EncodingType') === 'url'
}

/** The transport asks for URL-encoded keys, because XML cannot carry every character of a key. */
function nameDecoder(root: XmlElement): (name: string) => string {
  return isEncoded(root) ? (name) => decodeURIComponent(name.replaceAll('+', '%20')) : (name) => name
}
