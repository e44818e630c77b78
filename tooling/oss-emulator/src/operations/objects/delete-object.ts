import { emptyResponse, type OssResponse } from '../../protocol/oss-response.ts'
import type { OperationContext } from '../operation-context.ts'
import { deleteVersion } from '../versions.ts'

/** DeleteObject. */
export function deleteObject(context: OperationContext): OssResponse {
  const { deleteMarker, versionId } = deleteVersion(
    context,
    context.key,
    context.request.parameter('versionId'),
  )
  return emptyResponse(204, {
    ...(deleteMarker ? { 'x-oss-delete-marker': 'true' } : {}),
    ...(versionId === undefined ? {} : { 'x-oss-version-id': versionId }),
  })
}
