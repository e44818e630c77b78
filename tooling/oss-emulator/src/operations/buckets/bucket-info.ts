import { type OssResponse, xmlResponse } from '../../protocol/oss-response.ts'
import { type OperationContext, OWNER } from '../operation-context.ts'
import { existingBucket } from '../versions.ts'
import { bucketElements } from './bucket-elements.ts'

/** GetBucketInfo. */
export function getBucketInfo(context: OperationContext): OssResponse {
  const { region } = context
  const { record } = existingBucket(context.store, context.bucket)
  return xmlResponse({
    BucketInfo: {
      Bucket: {
        ...bucketElements(record, region),
        StorageClass: record.storageClass,
        DataRedundancyType: 'LRS',
        ...(record.versioning === 'Unversioned' ? {} : { Versioning: record.versioning }),
        Owner: OWNER,
        AccessControlList: { Grant: record.acl },
        Comment: '',
      },
    },
  })
}

/** GetBucketLocation. */
export function getBucketLocation(context: OperationContext): OssResponse {
  existingBucket(context.store, context.bucket)
  return xmlResponse({ LocationConstraint: `oss-${context.region}` })
}
