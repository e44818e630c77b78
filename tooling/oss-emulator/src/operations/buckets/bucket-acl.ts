import { emptyResponse, type OssResponse, xmlResponse } from '../../protocol/oss-response.ts'
import { checkBucketName } from '../../storage/names.ts'
import { newBucketRecord } from '../../storage/records.ts'
import { BUCKET_ACLS, checkAcl } from '../acl.ts'
import { type OperationContext, OWNER, readDocument } from '../operation-context.ts'
import { existingBucket } from '../versions.ts'

/** GetBucketAcl. */
export function getBucketAcl(context: OperationContext): OssResponse {
  const { record } = existingBucket(context.store, context.bucket)
  return xmlResponse({ AccessControlPolicy: { Owner: OWNER, AccessControlList: { Grant: record.acl } } })
}

/** PutBucketAcl. Creates a missing bucket: ali-oss's own tests expect that. */
export async function putBucketAcl(context: OperationContext): Promise<OssResponse> {
  const { store, bucket: name } = context
  checkBucketName(name)
  await readDocument(context)
  const acl = context.request.header('x-oss-acl') ?? ''
  checkAcl(acl, BUCKET_ACLS, 'x-oss-acl')
  const bucket = store.bucket(name)
  store.saveBucket(
    bucket === undefined ? newBucketRecord(name, context.now(), acl) : { ...bucket.record, acl },
  )
  return emptyResponse(200, { Location: `/${name}` })
}
