import { childrenOf, elementTree, textOf, type XmlElement } from './element-tree.ts'
import { parseCrc64 } from './headers.ts'
import { countOf, dateOf } from './listing-values.ts'
import type { ObjectPage, PartPage, PendingUploadPage } from './ports.ts'

/**
 * Reads the document of a listing of objects. The values are not checked: `objectPageProblem` does that.
 *
 * @throws Error for a document that is no listing, or not in the strict form of `elementTree`
 */
export function listedObjects(data: Uint8Array): ObjectPage {
  const root = rootOf(data, 'ListBucketResult')
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

/** As `listedObjects`, for the parts of an upload: see `partPageProblem`. */
export function listedParts(data: Uint8Array): PartPage {
  const root = rootOf(data, 'ListPartsResult')
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

/** As `listedObjects`, for unfinished uploads: see `uploadPageProblem`. */
export function listedUploads(data: Uint8Array): PendingUploadPage {
  const root = rootOf(data, 'ListMultipartUploadsResult')
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

/**
 * Reads the id of an upload that was initiated.
 *
 * @returns `undefined` for a document that is not one of the service
 */
export function initiatedUploadId(data: Uint8Array): string | undefined {
  try {
    return textOf(rootOf(data, 'InitiateMultipartUploadResult'), 'UploadId') || undefined
  } catch {
    return undefined
  }
}

function rootOf(data: Uint8Array, name: string): XmlElement {
  const root = elementTree(data)
  if (root?.name !== name) throw new Error(`This is not a document of ${name}.`)
  return root
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
