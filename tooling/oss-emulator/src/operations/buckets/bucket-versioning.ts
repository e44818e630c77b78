import { malformedXml } from '../../protocol/error-catalog.ts'
import { emptyResponse, type OssResponse, xmlResponse } from '../../protocol/oss-response.ts'
import { childText, parseXml } from '../../protocol/xml.ts'
import { type OperationContext, readDocument } from '../operation-context.ts'
import { existingBucket } from '../versions.ts'

/** GetBucketVersioning. */
export function getBucketVersioning(context: OperationContext): OssResponse {
  const { record } = existingBucket(context.store, context.bucket)
  return xmlResponse({
    VersioningConfiguration: record.versioning === 'Unversioned' ? '' : { Status: record.versioning },
  })
}

/** PutBucketVersioning. */
export async function putBucketVersioning(context: OperationContext): Promise<OssResponse> {
  const text = await readDocument(context)
  const { record } = existingBucket(context.store, context.bucket)
  const status = childText(parseXml(text, 'VersioningConfiguration'), 'Status')
  if (status !== 'Enabled' && status !== 'Suspended') throw malformedXml()
  context.store.saveBucket({ ...record, versioning: status })
  return emptyResponse(200)
}
