import { emptyResponse, type OssResponse } from '../../protocol/oss-response.ts'
import { httpDate } from '../../protocol/service-time.ts'
import type { OperationContext } from '../operation-context.ts'
import { requestedVersion, versionHeader } from '../versions.ts'

/** GetObjectMeta: size, ETag and date, but no user metadata. It does not follow a symbolic link. */
export function getObjectMeta(context: OperationContext): OssResponse {
  const object = requestedVersion(context)
  // In a response to GET it would announce a body.
  const length = context.request.method === 'HEAD' ? { 'Content-Length': String(object.sizeBytes) } : {}
  return emptyResponse(200, {
    ETag: `"${object.etag}"`,
    'Last-Modified': httpDate(object.lastModified),
    ...(object.type === 'Symlink' ? {} : { 'x-oss-hash-crc64ecma': object.crc64 }),
    ...versionHeader(context, object),
    ...length,
  })
}
