import { OssError } from '../../protocol/oss-error.ts'
import type { ObjectRecord } from '../../storage/records.ts'
import type { OperationContext } from '../operation-context.ts'
import { requestedVersion } from '../versions.ts'

/** What GetObject and HeadObject answer. Both records are the same, unless a symbolic link is read. */
export interface ReadTarget {
  /** What the request names: metadata, version, tags and storage class are its own, also of a link. */
  readonly object: ObjectRecord
  /** Where the bytes are, with their ETag and Content-MD5. */
  readonly content: ObjectRecord
  /** The later of the two times, ISO 8601: a link reads anew when it, or what it leads to, has changed. */
  readonly lastModified: string
}

/**
 * Follows a symbolic link, which leads to the current version of its target, whichever version of the link is read.
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
