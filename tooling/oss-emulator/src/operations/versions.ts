import { randomBytes } from 'node:crypto'
import {
  fileAlreadyExists,
  invalidObjectState,
  methodNotAllowed,
  noSuchBucket,
  noSuchKey,
  noSuchVersion,
} from '../protocol/error-catalog.ts'
import { serviceTime } from '../protocol/service-time.ts'
import type { Bucket, ObjectStore } from '../storage/object-store.ts'
import type { ObjectRecord, Versioning } from '../storage/records.ts'
import type { OperationContext } from './operation-context.ts'

/** The version id of an object in a bucket whose versioning is not enabled. */
const NULL_VERSION = 'null'

/** A record that has no version id yet. */
export type NewRecord = Omit<ObjectRecord, 'versionId'>

/** @throws OssError `NoSuchBucket` */
export function existingBucket(store: ObjectStore, name: string): Bucket {
  const bucket = store.bucket(name)
  if (bucket === undefined) throw noSuchBucket(name)
  return bucket
}

/**
 * The version that a request reads: the one with `versionId`, or the newest.
 *
 * @throws OssError `NoSuchKey`, `NoSuchVersion`, or `MethodNotAllowed` for the version id of a delete marker
 */
export function currentVersion(
  store: ObjectStore,
  bucketName: string,
  key: string,
  versionId: string | undefined,
  method: string,
): ObjectRecord {
  existingBucket(store, bucketName)
  const versions = store.versions(bucketName, key)
  if (versionId === undefined || versionId === '') {
    const [newest] = versions
    if (newest === undefined) throw noSuchKey(key)
    if (newest.deleteMarker) {
      throw noSuchKey(key, { 'x-oss-delete-marker': 'true', 'x-oss-version-id': newest.versionId })
    }
    return newest
  }
  const named = versions.find((version) => version.versionId === versionId)
  if (named === undefined) throw noSuchVersion(key, versionId)
  if (named.deleteMarker) throw methodNotAllowed(method)
  return named
}

/**
 * The version that a request names by its key and `versionId`.
 *
 * @throws OssError as `currentVersion` does
 */
export function requestedVersion({ store, bucket, key, request }: OperationContext): ObjectRecord {
  return currentVersion(store, bucket, key, request.parameter('versionId'), request.method)
}

/**
 * The version whose tags or ACL a request is about. A delete marker has neither: unlike a read of it, the request is not
 * found.
 *
 * @throws OssError `NoSuchKey`, `NoSuchVersion`
 */
export function versionWithSettings(context: OperationContext): ObjectRecord {
  const { store, bucket, key, request } = context
  const versionId = request.parameter('versionId')
  const named = store.versions(bucket, key).find((version) => version.versionId === versionId)
  if (named?.deleteMarker) {
    throw noSuchKey(key, { 'x-oss-delete-marker': 'true', 'x-oss-version-id': named.versionId })
  }
  return requestedVersion(context)
}

const ARCHIVED: ReadonlySet<string> = new Set(['Archive', 'ColdArchive', 'DeepColdArchive'])

/**
 * Checks that the bytes of an object can be read. There is no RestoreObject, so an archived object never can.
 *
 * @throws OssError `InvalidObjectState`
 */
export function checkReadable({ storageClass }: Pick<ObjectRecord, 'storageClass'>): void {
  if (ARCHIVED.has(storageClass)) throw invalidObjectState()
}

/**
 * Checks `x-oss-forbid-overwrite`. It has no effect in a versioned bucket, which never overwrites.
 *
 * @throws OssError `FileAlreadyExists`
 */
export function checkForbidOverwrite(context: OperationContext): void {
  if (context.request.header('x-oss-forbid-overwrite')?.toLowerCase() !== 'true') return
  if (existingBucket(context.store, context.bucket).record.versioning !== 'Unversioned') return
  if (context.store.versions(context.bucket, context.key).length > 0) throw fileAlreadyExists()
}

/** Adds a record as the newest version of the context's key. Returns it with its version id. */
export function addVersion(context: OperationContext, record: NewRecord): ObjectRecord {
  const { store, bucket, key } = context
  const { versioning } = existingBucket(store, bucket).record
  const version: ObjectRecord = { ...record, versionId: nextVersionId(versioning) }
  store.saveVersions(bucket, key, [version, ...survivors(store.versions(bucket, key), versioning)])
  return version
}

/** Replaces a version without adding one, as for tags, an ACL or an append. */
export function updateVersion(context: OperationContext, old: ObjectRecord, changed: ObjectRecord): void {
  const { store, bucket, key } = context
  store.saveVersions(
    bucket,
    key,
    store.versions(bucket, key).map((version) => (version.versionId === old.versionId ? changed : version)),
  )
}

/** The result of a deletion. */
export interface Deletion {
  readonly deleteMarker: boolean
  readonly versionId: string | undefined
}

/**
 * Deletes the named version. Without `versionId` it removes the key, or adds a delete marker in a versioned bucket.
 * A missing key is no error.
 */
export function deleteVersion(
  context: OperationContext,
  key: string,
  versionId: string | undefined,
): Deletion {
  const { store, bucket } = context
  const { versioning } = existingBucket(store, bucket).record
  const versions = store.versions(bucket, key)
  if (versionId !== undefined && versionId !== '') {
    const named = versions.find((version) => version.versionId === versionId)
    if (named !== undefined) {
      store.saveVersions(
        bucket,
        key,
        versions.filter((version) => version !== named),
      )
    }
    return { deleteMarker: named?.deleteMarker === true, versionId }
  }
  if (versioning === 'Unversioned') {
    if (versions.length > 0) store.saveVersions(bucket, key, [])
    return { deleteMarker: false, versionId: undefined }
  }
  const marker: ObjectRecord = {
    versionId: nextVersionId(versioning),
    deleteMarker: true,
    type: 'Normal',
    sizeBytes: 0,
    etag: '',
    crc64: '0',
    lastModified: serviceTime(context.now()),
    headers: {},
    storageClass: 'Standard',
    acl: 'default',
    tags: [],
    extents: [],
  }
  store.saveVersions(bucket, key, [marker, ...survivors(versions, versioning)])
  return { deleteMarker: true, versionId: marker.versionId }
}

/** The header with the version id. Empty in a bucket without versioning. */
export function versionHeader(context: OperationContext, version: ObjectRecord): Record<string, string> {
  const versioning = context.store.bucket(context.bucket)?.record.versioning
  return versioning === undefined || versioning === 'Unversioned'
    ? {}
    : { 'x-oss-version-id': version.versionId }
}

function survivors(versions: readonly ObjectRecord[], versioning: Versioning): readonly ObjectRecord[] {
  if (versioning === 'Unversioned') return []
  if (versioning === 'Enabled') return versions
  return versions.filter((version) => version.versionId !== NULL_VERSION)
}

function nextVersionId(versioning: Versioning): string {
  return versioning === 'Enabled' ? `CAEQ${randomBytes(24).toString('hex')}` : NULL_VERSION
}
