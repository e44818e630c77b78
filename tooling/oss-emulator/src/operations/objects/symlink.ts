import { invalidArgument } from '../../protocol/error-catalog.ts'
import { OssError } from '../../protocol/oss-error.ts'
import { emptyResponse, type OssResponse } from '../../protocol/oss-response.ts'
import { httpDate, serviceTime } from '../../protocol/service-time.ts'
import { checkKey } from '../../storage/names.ts'
import { metadataOf, storedHeaders } from '../object-metadata.ts'
import type { OperationContext } from '../operation-context.ts'
import {
  addVersion,
  checkForbidOverwrite,
  existingBucket,
  requestedVersion,
  versionHeader,
} from '../versions.ts'

/** PutSymlink. The target need not exist. Encryption headers are stored without a check, like any metadata. */
export function putSymlink(context: OperationContext): OssResponse {
  const { request } = context
  checkKey(context.key)
  existingBucket(context.store, context.bucket)
  const target = decodedTarget(request.header('x-oss-symlink-target'))
  checkKey(target)
  checkForbidOverwrite(context)
  const version = addVersion(context, {
    ...metadataOf(request),
    type: 'Symlink',
    sizeBytes: 0,
    etag: 'D41D8CD98F00B204E9800998ECF8427E',
    crc64: '0',
    lastModified: serviceTime(context.now()),
    symlinkTarget: target,
    extents: [],
  })
  return emptyResponse(200, { ETag: `"${version.etag}"`, ...versionHeader(context, version) })
}

/** GetSymlink: the target of a link, with the headers of the link itself. */
export function getSymlink(context: OperationContext): OssResponse {
  const object = requestedVersion(context)
  if (object.symlinkTarget === undefined) {
    throw new OssError(400, 'NotSymlink', 'The object is not a symlink.', { ec: '0043-00000101' })
  }
  return emptyResponse(200, {
    ...storedHeaders(object),
    ETag: `"${object.etag}"`,
    'Last-Modified': httpDate(object.lastModified),
    'x-oss-symlink-target': encodeURIComponent(object.symlinkTarget),
    ...versionHeader(context, object),
  })
}

function decodedTarget(header: string | undefined): string {
  const details = { ArgumentName: 'x-oss-symlink-target', ArgumentValue: header ?? '' }
  if (header === undefined || header === '') {
    throw invalidArgument('The symlink target is missing.', undefined, details)
  }
  try {
    return decodeURIComponent(header)
  } catch {
    throw invalidArgument('The symlink target is not URL-encoded.', undefined, details)
  }
}
