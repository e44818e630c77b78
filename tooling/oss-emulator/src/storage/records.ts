import type { CorsConfiguration } from '../cors/cors-rule.ts'
import { serviceTime } from '../protocol/service-time.ts'
import type { Extent } from './blob-store.ts'

type ObjectType = 'Normal' | 'Multipart' | 'Appendable' | 'Symlink'

/** One version of an object, or a delete marker. Stored as JSON. */
export interface ObjectRecord {
  /** The string `null` for a version of an unversioned or suspended bucket. */
  readonly versionId: string
  readonly deleteMarker?: true
  readonly type: ObjectType
  readonly sizeBytes: number
  /** Without quotes. */
  readonly etag: string
  /** Unsigned decimal. */
  readonly crc64: string
  /** Base64. Only for objects whose Content-MD5 the service knows. */
  readonly contentMd5?: string
  /** ISO 8601. */
  readonly lastModified: string
  /** Content-Type, the other stored standard headers and `x-oss-meta-*`, by lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  readonly storageClass: string
  readonly acl: string
  readonly tags: readonly Tag[]
  readonly symlinkTarget?: string
  readonly extents: readonly Extent[]
}

export interface Tag {
  readonly key: string
  readonly value: string
}

/** A multipart upload that is neither completed nor aborted. Stored as JSON. */
export interface UploadRecord {
  readonly uploadId: string
  readonly bucket: string
  readonly key: string
  readonly initiated: string
  readonly headers: Readonly<Record<string, string>>
  readonly storageClass: string
  readonly tags: readonly Tag[]
}

/** One uploaded part. Stored as JSON. */
export interface PartRecord {
  readonly partNumber: number
  readonly sizeBytes: number
  readonly etag: string
  readonly crc64: string
  readonly lastModified: string
  readonly extents: readonly Extent[]
}

export type Versioning = 'Unversioned' | 'Enabled' | 'Suspended'

/** The properties of a bucket. Stored as JSON. */
export interface BucketRecord {
  readonly name: string
  readonly created: string
  readonly acl: string
  readonly storageClass: string
  readonly versioning: Versioning
  readonly cors?: CorsConfiguration
}

/** The record of a new bucket. */
export function newBucketRecord(
  name: string,
  created: Date,
  acl = 'private',
  storageClass = 'Standard',
): BucketRecord {
  return { name, created: serviceTime(created), acl, storageClass, versioning: 'Unversioned' }
}
