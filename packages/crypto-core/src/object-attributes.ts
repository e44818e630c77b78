import { lowerCaseHeaders } from './header-map.ts'
import { OSS_HEADERS } from './headers.ts'
import type { HeaderMap } from './ports.ts'

/** What the service says about an object, beside its content, its metadata and its envelope. */
export interface ObjectAttributes {
  /** `Normal`, `Multipart`, `Appendable` or `Symlink`. A later version of the service may have others. */
  readonly type?: string
  /** `Standard`, `IA`, `Archive`, `ColdArchive`, `DeepColdArchive`, or another one. */
  readonly storageClass?: string
  /** The restore of an archived object, if one was requested and has not expired. */
  readonly restore?: ObjectRestore
  /**
   * True for an archived object that is not restored. A read is then refused with `InvalidObjectState`, unless the
   * bucket lets objects of the class `Archive` be read in real time, which no header tells.
   */
  readonly needsRestore: boolean
  /** The retention of the object itself. The headers of an object do not tell that of its bucket. */
  readonly retention?: ObjectRetention
  /** The number of tags. */
  readonly tagCount: number
  /** The id of the version. Absent in an unversioned bucket. */
  readonly versionId?: string
  /** The encryption by the service, which is beside that by the client. */
  readonly serverSideEncryption?: ServerSideEncryption
}

/** The state of a restore. */
export interface ObjectRestore {
  /** True until the object can be read. */
  readonly ongoing: boolean
  /** When the object becomes unreadable again. */
  readonly expires?: Date
}

/** Until when a version cannot be deleted or overwritten. */
export interface ObjectRetention {
  /** `COMPLIANCE`. */
  readonly mode: string
  readonly until?: Date
}

/** How the service encrypts an object. Pass the same values to keep it in another object. */
export interface ServerSideEncryption {
  /** The header `x-oss-server-side-encryption`: `AES256`, `KMS` or `SM4`. */
  readonly algorithm: string
  /** The header `x-oss-server-side-encryption-key-id`: the id of the key in KMS. */
  readonly keyId?: string
  /** The header `x-oss-server-side-data-encryption`: `SM4`, with the algorithm `KMS`. */
  readonly dataAlgorithm?: string
}

const ARCHIVED: ReadonlySet<string | undefined> = new Set(['Archive', 'ColdArchive', 'DeepColdArchive'])

/**
 * Reads the attributes of an object from the headers of a HEAD or GET. Values that it does not know stay as they are. A
 * date that cannot be read is left out.
 *
 * @example
 * ```ts
 * const { headers } = await transport.head({ key, headers: {} })
 * const { type, needsRestore } = objectAttributes(headers)
 * ```
 */
export function objectAttributes(headers: HeaderMap): ObjectAttributes {
  const lower = lowerCaseHeaders(headers)
  const { [OSS_HEADERS.objectType]: type, [OSS_HEADERS.storageClass]: storageClass } = lower
  const { [OSS_HEADERS.versionId]: versionId, [OSS_HEADERS.taggingCount]: tagCount = '' } = lower
  const restore = restoreOf(lower[OSS_HEADERS.restore])
  const retention = retentionOf(lower)
  const serverSideEncryption = serverSideEncryptionOf(lower)
  return {
    ...(type !== undefined && { type }),
    ...(storageClass !== undefined && { storageClass }),
    ...(restore !== undefined && { restore }),
    needsRestore: ARCHIVED.has(storageClass) && restore?.ongoing !== false,
    ...(retention !== undefined && { retention }),
    tagCount: /^\d{1,4}$/.test(tagCount) ? Number(tagCount) : 0,
    ...(versionId !== undefined && { versionId }),
    ...(serverSideEncryption !== undefined && { serverSideEncryption }),
  }
}

/** Reads `ongoing-request="false", expiry-date="Sun, 16 Apr 2017 08:12:33 GMT"`. */
function restoreOf(text: string | undefined): ObjectRestore | undefined {
  const [, ongoing] = /ongoing-request="(true|false)"/.exec(text ?? '') ?? []
  if (ongoing === undefined) return undefined
  const [, date] = /expiry-date="([^"]*)"/.exec(text ?? '') ?? []
  const expires = dateOf(date)
  return { ongoing: ongoing === 'true', ...(expires !== undefined && { expires }) }
}

function retentionOf(lower: HeaderMap): ObjectRetention | undefined {
  const { [OSS_HEADERS.retentionMode]: mode, [OSS_HEADERS.retainUntil]: date } = lower
  if (mode === undefined || mode === '') return undefined
  const until = dateOf(date)
  return { mode, ...(until !== undefined && { until }) }
}

function serverSideEncryptionOf(lower: HeaderMap): ServerSideEncryption | undefined {
  const {
    [OSS_HEADERS.serverSideEncryption]: algorithm,
    [OSS_HEADERS.serverSideEncryptionKeyId]: keyId,
    [OSS_HEADERS.serverSideDataEncryption]: dataAlgorithm,
  } = lower
  if (algorithm === undefined || algorithm === '') return undefined
  return {
    algorithm,
    ...(keyId !== undefined && { keyId }),
    ...(dataAlgorithm !== undefined && { dataAlgorithm }),
  }
}

function dateOf(text: string | undefined): Date | undefined {
  const date = new Date(text ?? Number.NaN)
  return Number.isNaN(date.getTime()) ? undefined : date
}
