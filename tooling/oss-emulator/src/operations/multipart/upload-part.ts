import { noSuchUpload } from '../../protocol/error-catalog.ts'
import { emptyResponse, type OssResponse } from '../../protocol/oss-response.ts'
import { serviceTime } from '../../protocol/service-time.ts'
import { checkPartEnvelope, checkPartNumber, checkPartSize } from '../cse-rules.ts'
import type { OperationContext } from '../operation-context.ts'
import { discardContent, receiveContent } from '../receive-content.ts'
import { existingUpload } from './existing-upload.ts'
import { partNumberOf } from './part-number.ts'

/** UploadPart. */
export async function uploadPart(context: OperationContext): Promise<OssResponse> {
  const { request, store } = context
  const partNumber = partNumberOf(context)
  const upload = existingUpload(context, '0042-00000104')
  const initiated = upload.record.headers
  checkPartEnvelope(Object.fromEntries(request.headers), initiated, context.cse)
  checkPartNumber(partNumber, initiated)
  const content = await receiveContent(context, (sizeBytes) =>
    checkPartSize(partNumber, sizeBytes, initiated),
  )
  // The upload may have ended while the body arrived.
  if (store.upload(upload.record.uploadId) === undefined) {
    discardContent(context, content)
    throw noSuchUpload(upload.record.uploadId, '0042-00000104')
  }
  const { sizeBytes, etag, crc64, contentMd5, extents } = content
  const lastModified = serviceTime(context.now())
  store.savePart(upload.record.uploadId, { partNumber, sizeBytes, etag, crc64, lastModified, extents })
  return emptyResponse(200, {
    ETag: `"${etag}"`,
    'Content-MD5': contentMd5,
    'x-oss-hash-crc64ecma': crc64,
  })
}
