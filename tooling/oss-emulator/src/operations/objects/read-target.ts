import { OssError } from '../../protocol/oss-error.ts'
import type { ObjectRecord } from '../../storage/records.ts'
import type { OperationContext } from '../operation-context.ts'
import { requestedVersion } from '../versions.ts'

/** The source of a GetObject or HeadObject response. Both records are the same unless the object is a symbolic link. */
export interface ReadTarget {
  /** The object that the request names. Its metadata, version, tags and storage class count, even for a link. */
  readonly object: ObjectRecord
  /** The object with the bytes, their ETag and Content-MD5. */
  readonly content: ObjectRecord
  /** The later of the two times, ISO 8601: a change of the link or of its target is a change for the reader. */
  readonly lastModified: string
}

/**
 * Follows a symbolic link. Each version of a link leads to the current version of its target.
 *
 * @throws OssError `NoSuchKey`, `SymlinkTargetNotExist`, or `InvalidTargetType` for a link to a link
 */
export function readTarget(context: OperationContext): ReadTarget {
  const object = requestedVersion(context)
  if (object.symlinkTarget === undefined) {
    return { object, content: object, lastModified: object.lastModified }
  }
  const [content] = context.store.versions(context.bucket, object.symlinkTarget)
  if (content === undefined || content.deleteMarker) {
    throw new OssError(404, 'SymlinkTargetNotExist', 'The symlink target object does not exist.')
  }
  if (content.symlinkTarget !== undefined) {
    throw new OssError(400, 'InvalidTargetType', 'The symlink target is a symlink.')
  }
  const { lastModified } = content.lastModified > object.lastModified ? content : object
  return { object, content, lastModified }
}
