import type {
  DeleteMarker,
  ObjectSummary,
  ObjectVersion,
  PendingUpload,
  UploadedPart,
} from '@oss-cse/crypto-core'
import { countOf, dateOf, parseCrc64 } from '@oss-cse/crypto-core/internal'

/** An object as ali-oss 6.23 lib/object.js `listV2` returns it. */
export interface AliObject {
  readonly name: string
  readonly lastModified: string
  readonly etag: string
  readonly size: number
  readonly storageClass?: string
}

/** A part as the XML parser returns it. */
export interface AliPart {
  readonly PartNumber: string
  readonly ETag: string
  readonly Size?: string
  readonly HashCrc64ecma?: string
}

/** An upload as ali-oss 6.23 lib/common/multipart.js `listUploads` returns it. */
export interface AliUpload {
  readonly name: string
  readonly uploadId: string
  readonly initiated?: string
}

/** A delete marker as the XML parser returns it. */
export interface ListedMarker {
  readonly Key: string
  readonly VersionId: string
  readonly IsLatest: string
  readonly LastModified: string
}

/** A version as the XML parser returns it. */
export interface ListedVersion extends ListedMarker {
  readonly ETag: string
  readonly Size: string
  readonly StorageClass?: string
}

export function deleteMarker(marker: ListedMarker, decode: (name: string) => string): DeleteMarker {
  return { ...commonEntry(marker, decode), isDeleteMarker: true }
}

export function objectVersion(version: ListedVersion, decode: (name: string) => string): ObjectVersion {
  const { StorageClass: storageClass } = version
  return {
    ...commonEntry(version, decode),
    isDeleteMarker: false,
    sizeBytes: countOf(version.Size),
    etag: version.ETag,
    ...(storageClass !== undefined && { storageClass }),
  }
}

function commonEntry(
  { Key, VersionId: versionId, IsLatest: isLatest, LastModified }: ListedMarker,
  decode: (name: string) => string,
): Omit<DeleteMarker, 'isDeleteMarker'> {
  if (isLatest !== 'true' && isLatest !== 'false')
    throw new Error('An entry does not say whether it is the latest.')
  return { key: decode(Key), versionId, isLatest: isLatest === 'true', lastModified: dateOf(LastModified) }
}

export function objectSummary(object: AliObject, decode: (name: string) => string): ObjectSummary {
  return {
    key: decode(object.name),
    sizeBytes: object.size,
    etag: object.etag,
    lastModified: dateOf(object.lastModified),
    ...(object.storageClass !== undefined && { storageClass: object.storageClass }),
  }
}

/** ali-oss returns a single part as an object and several parts as an array (ali-oss 6.23 lib/common/multipart.js). */
export function uploadedParts(parts: AliPart | readonly AliPart[]): UploadedPart[] {
  return [parts].flat().map((part) => {
    const crc64 = parseCrc64(part.HashCrc64ecma)
    return {
      partNumber: countOf(part.PartNumber),
      etag: part.ETag,
      ...(part.Size !== undefined && { sizeBytes: countOf(part.Size) }),
      ...(crc64 !== undefined && { crc64 }),
    }
  })
}

export function pendingUpload(upload: AliUpload, decode: (name: string) => string): PendingUpload {
  return {
    key: decode(upload.name),
    uploadId: upload.uploadId,
    ...(upload.initiated !== undefined && { initiated: dateOf(upload.initiated) }),
  }
}
