import { randomBytes } from 'node:crypto'
import { type OssResponse, xmlResponse } from '../../protocol/oss-response.ts'
import { serviceTime } from '../../protocol/service-time.ts'
import { checkKey } from '../../storage/names.ts'
import { checkInitiateEnvelope } from '../cse-rules.ts'
import { encodingElement, keyEncoder } from '../key-encoding.ts'
import { metadataOf } from '../object-metadata.ts'
import type { OperationContext } from '../operation-context.ts'
import { checkForbidOverwrite, existingBucket } from '../versions.ts'

/** InitiateMultipartUpload. */
export function initiateMultipartUpload(context: OperationContext): OssResponse {
  const { request, store, bucket, key } = context
  checkKey(key)
  existingBucket(store, bucket)
  // The ACL is that of the completion.
  const { acl: _acl, ...metadata } = metadataOf(request)
  checkInitiateEnvelope(metadata.headers, context.cse)
  checkForbidOverwrite(context)
  const encode = keyEncoder(request)
  const uploadId = randomBytes(16).toString('hex').toUpperCase()
  store.addUpload({ ...metadata, uploadId, bucket, key, initiated: serviceTime(context.now()) })
  return xmlResponse({
    InitiateMultipartUploadResult: {
      ...encodingElement(request),
      Bucket: bucket,
      Key: encode(key),
      UploadId: uploadId,
    },
  })
}
