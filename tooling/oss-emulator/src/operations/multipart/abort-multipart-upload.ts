import { emptyResponse, type OssResponse } from '../../protocol/oss-response.ts'
import type { OperationContext } from '../operation-context.ts'
import { existingUpload } from './existing-upload.ts'

/** AbortMultipartUpload. */
export function abortMultipartUpload(context: OperationContext): OssResponse {
  const upload = existingUpload(context, '0042-00000002')
  context.store.removeUpload(upload.record.uploadId)
  return emptyResponse(204)
}
