import { corsElements, parseCorsXml } from '../../cors/cors-configuration.ts'
import { OssError } from '../../protocol/oss-error.ts'
import { emptyResponse, type OssResponse, xmlResponse } from '../../protocol/oss-response.ts'
import { type OperationContext, readDocument } from '../operation-context.ts'
import { existingBucket } from '../versions.ts'

const MAX_DOCUMENT_BYTES = 16 * 1024

/** PutBucketCors. Replaces all rules. */
export async function putBucketCors(context: OperationContext): Promise<OssResponse> {
  const text = await readDocument(context, MAX_DOCUMENT_BYTES)
  const { record } = existingBucket(context.store, context.bucket)
  context.store.saveBucket({ ...record, cors: parseCorsXml(text) })
  return emptyResponse(200)
}

/** GetBucketCors. */
export function getBucketCors(context: OperationContext): OssResponse {
  const { cors } = existingBucket(context.store, context.bucket).record
  if (cors === undefined) {
    throw new OssError(404, 'NoSuchCORSConfiguration', 'The CORS Configuration does not exist.', {
      ec: '0034-00000001',
      details: { BucketName: context.bucket },
    })
  }
  return xmlResponse(corsElements(cors))
}

/** DeleteBucketCors. A bucket without rules is no error. */
export function deleteBucketCors(context: OperationContext): OssResponse {
  const { cors: _, ...record } = existingBucket(context.store, context.bucket).record
  context.store.saveBucket(record)
  return emptyResponse(204)
}
