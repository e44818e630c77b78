import { randomBytes } from 'node:crypto'
import {
  fileAlreadyExists,
  methodNotAllowed,
  noSuchBucket,
  noSuchKey,
  noSuchVersion,
} from '../protocol/error-catalog.ts'
import { OssError } from '../protocol/oss-error.ts'
import { serviceTime } from '../protocol/service-time.ts'
import type { Bucket, ObjectStore } from '../storage/object-store.ts'
import type { ObjectRecord, Versioning } from '../storage/records.ts'
import type { OperationContext } from './operation-context.ts'

/** The version id of objects in a bucket that is not versioned, or not any more. */
const NULL_VERSION = 'null'

/** A record whose version id is still to be given. */
export type NewRecord = Omit<ObjectRecord, 'versionId'>

/** @throws OssError `NoSuchBucket` */
export function existingBucket(store: ObjectStore, name: string): Bucket {
  const bucket = store.bucket(name)
  if (bucket === undefined) throw noSuchBucket(name)
  return bucket
}

/**
 * The version that a read is about: the one named, or the newest.
 *
 * @throws OssError `NoSuchKey`, `NoSuchVersion`, or `MethodNotAllowed` for a delete marker named by its id
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
      throw new OssError(404, 'NoSuchKey', 'The specified key does not exist.', {
        ec: '0026-00000001',
        details: { Key: key },
        headers: { 'x-oss-delete-marker': 'true', 'x-oss-version-id': newest.versionId },
      })
    }
    return newest
  }
  const named = versions.find((version) => version.versionId === versionId)
  if (named === undefined) throw noSuchVersion(key, versionId)
  if (named.deleteMarker) throw methodNotAllowed(method)
  return named
}

/** The version that a request names by its key and `versionId`. @throws OssError as `currentVersion` does */
export function requestedVersion({ store, bucket, key, request }: OperationContext): ObjectRecord {
  return currentVersion(store, bucket, key, request.parameter('versionId'), request.method)
}

/** Refuses to overwrite where the request asks for that; versioned buckets never overwrite. */
export function checkForbidOverwrite(context: OperationContext): void {
  if (context.request.header('x-oss-forbid-overwrite')?.toLowerCase() !== 'true') return
  if (existingBucket(context.store, context.bucket).record.versioning !== 'Unversioned') return
  if (context.store.versions(context.bucket, context.key).length > 0) throw fileAlreadyExists()
}

/** Makes a record the newest version of the context's key. The version id is answered where there is one. */
export function addVersion(context: OperationContext, record: NewRecord): ObjectRecord {
  const { store, bucket, key } = context
  const { versioning } = existingBucket(store, bucket).record
  const version: ObjectRecord = { ...record, versionId: nextVersionId(versioning) }
  store.saveVersions(bucket, key, [version, ...survivors(store.versions(bucket, key), versioning)])
  return version
}

/** Changes what does not make a new version: tags and ACL. */
export function updateVersion(context: OperationContext, old: ObjectRecord, changed: ObjectRecord): void {
  const { store, bucket, key } = context
  store.saveVersions(
    bucket,
    key,
    store.versions(bucket, key).map((version) => (version.versionId === old.versionId ? changed : version)),
  )
}

/** What a deletion did. */
export interface Deletion {
  readonly deleteMarker: boolean
  readonly versionId: string | undefined
}

/** Deletes one version, or hides the key behind a delete marker, or removes it. A missing key is no error. */
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

/** The header that names a version, in buckets that have versions. */
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
