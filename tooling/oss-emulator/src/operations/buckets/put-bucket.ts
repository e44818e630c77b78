import { emptyResponse, type OssResponse } from '../../protocol/oss-response.ts'
import { childText, parseXml } from '../../protocol/xml.ts'
import { checkBucketName } from '../../storage/names.ts'
import { newBucketRecord } from '../../storage/records.ts'
import { BUCKET_ACLS, checkAcl } from '../acl.ts'
import { type OperationContext, readDocument } from '../operation-context.ts'
import { existingBucket } from '../versions.ts'

/** PutBucket. For an existing bucket it changes the ACL and is no error. */
export async function putBucket(context: OperationContext): Promise<OssResponse> {
  const { store, bucket: name, request } = context
  checkBucketName(name)
  const text = await readDocument(context)
  const acl = request.header('x-oss-acl') ?? 'private'
  checkAcl(acl, BUCKET_ACLS, 'x-oss-acl')
  const storageClass =
    (text.trim() === ''
      ? undefined
      : childText(parseXml(text, 'CreateBucketConfiguration'), 'StorageClass')) ?? 'Standard'
  store.saveBucket(
    store.bucket(name) === undefined
      ? newBucketRecord(name, context.now(), acl, storageClass)
      : { ...existingBucket(store, name).record, acl },
  )
  return emptyResponse(200, { Location: `/${name}` })
}
