import type { ObjectSummary, PendingUpload, UploadedPart } from '@oss-cse/crypto-core'

/** An object as ali-oss 6.23 lib/object.js `listV2` gives it. */
export interface AliObject {
  readonly name: string
  readonly lastModified: string
  readonly etag: string
  readonly size: number
  readonly storageClass?: string
}

/** A part as the XML parser leaves it. */
export interface AliPart {
  readonly PartNumber: string
  readonly ETag: string
  readonly Size?: string
  readonly HashCrc64ecma?: string
}

/** An upload as ali-oss 6.23 lib/common/multipart.js `listUploads` gives it. */
export interface AliUpload {
  readonly name: string
  readonly uploadId: string
  readonly initiated?: string
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

/** ali-oss hands out a lone part as it is and several as an array (ali-oss 6.23 lib/common/multipart.js). */
export function uploadedParts(parts: AliPart | readonly AliPart[]): UploadedPart[] {
  return [parts].flat().map((part) => {
    const crc64 = crc64Of(part.HashCrc64ecma)
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

/** A number of a listing; not a number where it is anything but decimal digits. */
export function countOf(text: unknown): number {
  return typeof text === 'string' && /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
}

const ISO_DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/

/** A date of a listing, as the service writes it; an invalid one for anything else. */
function dateOf(text: unknown): Date {
  return new Date(typeof text === 'string' && ISO_DATE.test(text) ? text : Number.NaN)
}

/** The CRC-64 that the service states, an unsigned decimal number. */
export function crc64Of(text: string | undefined): bigint | undefined {
  return text !== undefined && /^\d{1,20}$/.test(text) ? BigInt(text) : undefined
}
