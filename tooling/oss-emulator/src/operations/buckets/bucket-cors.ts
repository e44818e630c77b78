import { corsElements, parseCorsXml } from '../../cors/cors-configuration.ts'
import { OssError } from '../../protocol/oss-error.ts'
import { type Answer, emptyAnswer, xmlAnswer } from '../../protocol/oss-response.ts'
import type { OperationContext } from '../operation-context.ts'
import { existingBucket } from '../versions.ts'

const MAX_DOCUMENT_BYTES = 16 * 1024

/** PutBucketCors: replaces all rules. */
export async function putBucketCors(context: OperationContext): Promise<Answer> {
  const { body, request, store } = context
  const text = await body.text(MAX_DOCUMENT_BYTES, request.header('content-md5'))
  const { record } = existingBucket(store, context.bucket)
  store.saveBucket({ ...record, cors: parseCorsXml(text) })
  return emptyAnswer(200)
}

/** GetBucketCors. */
export function getBucketCors(context: OperationContext): Answer {
  const { cors } = existingBucket(context.store, context.bucket).record
  if (cors === undefined) {
    throw new OssError(404, 'NoSuchCORSConfiguration', 'The CORS Configuration does not exist.', {
      ec: '0034-00000001',
      details: { BucketName: context.bucket },
    })
  }
  return xmlAnswer(corsElements(cors))
}

/** DeleteBucketCors: no rules are no error. */
export function deleteBucketCors(context: OperationContext): Answer {
  const { cors: _, ...record } = existingBucket(context.store, context.bucket).record
  context.store.saveBucket(record)
  return emptyAnswer(204)
}
