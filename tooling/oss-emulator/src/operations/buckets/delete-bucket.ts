import { OssError } from '../../protocol/oss-error.ts'
import { emptyResponse, type OssResponse } from '../../protocol/oss-response.ts'
import type { OperationContext } from '../operation-context.ts'
import { existingBucket } from '../versions.ts'

/** DeleteBucket. */
export function deleteBucket(context: OperationContext): OssResponse {
  const { store, bucket: name } = context
  const bucket = existingBucket(store, name)
  if (bucket.keys.size > 0 || store.uploads(name).length > 0) {
    throw new OssError(409, 'BucketNotEmpty', 'The bucket you tried to delete is not empty.', {
      details: { BucketName: name },
    })
  }
  store.removeBucket(name)
  return emptyResponse(204)
}
