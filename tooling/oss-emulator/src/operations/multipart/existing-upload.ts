import { noSuchUpload } from '../../protocol/error-catalog.ts'
import type { Upload } from '../../storage/object-store.ts'
import type { OperationContext } from '../operation-context.ts'
import { existingBucket } from '../versions.ts'

/**
 * The upload that a request names.
 *
 * @param ec - the error number of the operation, if it has one
 * @throws OssError `NoSuchUpload`
 */
export function existingUpload(context: OperationContext, ec?: string): Upload {
  existingBucket(context.store, context.bucket)
  const uploadId = context.request.parameter('uploadId') ?? ''
  const upload = context.store.upload(uploadId)
  if (upload === undefined || upload.record.bucket !== context.bucket || upload.record.key !== context.key) {
    throw noSuchUpload(uploadId, ec)
  }
  return upload
}
