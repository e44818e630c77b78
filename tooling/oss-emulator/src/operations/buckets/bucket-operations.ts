import { malformedXml } from '../../protocol/error-catalog.ts'
import { OssError } from '../../protocol/oss-error.ts'
import { emptyResponse, type OssResponse, xmlResponse } from '../../protocol/oss-response.ts'
import { serviceTime } from '../../protocol/service-time.ts'
import { childText, parseXml } from '../../protocol/xml.ts'
import { compareBytes } from '../../storage/compare-bytes.ts'
import { checkBucketName } from '../../storage/names.ts'
import type { BucketRecord } from '../../storage/records.ts'
import { limitParameter } from '../list-encoding.ts'
import { checkAcl } from '../object-metadata.ts'
import { type OperationContext, OWNER, readDocument } from '../operation-context.ts'
import { existingBucket } from '../versions.ts'

const BUCKET_ACLS: readonly string[] = ['private', 'public-read', 'public-read-write']
const MAX_BUCKETS = 1000

export function listBuckets(context: OperationContext): OssResponse {
  const { request, region } = context
  const limit = limitParameter(request, 'max-keys', 100, MAX_BUCKETS)
  const prefix = request.parameter('prefix') ?? ''
  const marker = request.parameter('marker') ?? ''
  const rest = context.store
    .buckets()
    .map(({ record }) => record)
    .filter(({ name }) => name.startsWith(prefix) && compareBytes(name, marker) > 0)
  const shown = rest.slice(0, limit)
  const truncated = rest.length > shown.length
  return xmlResponse({
    ListAllMyBucketsResult: {
      Prefix: prefix,
      Marker: marker,
      MaxKeys: limit,
      IsTruncated: truncated,
      NextMarker: truncated ? (shown.at(-1)?.name ?? '') : '',
      Owner: OWNER,
      Buckets: {
        Bucket: shown.map((bucket) => ({
          CreationDate: bucket.created,
          ExtranetEndpoint: `oss-${region}.aliyuncs.com`,
          IntranetEndpoint: `oss-${region}-internal.aliyuncs.com`,
          Location: `oss-${region}`,
          Name: bucket.name,
          Region: region,
          StorageClass: bucket.storageClass,
        })),
      },
    },
  })
}

/** Creating one's own bucket again changes its ACL and is no error. */
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

export function newBucketRecord(
  name: string,
  created: Date,
  acl = 'private',
  storageClass = 'Standard',
): BucketRecord {
  return { name, created: serviceTime(created), acl, storageClass, versioning: 'Unversioned' }
}

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

export function getBucketInfo(context: OperationContext): OssResponse {
  const { region } = context
  const { record } = existingBucket(context.store, context.bucket)
  return xmlResponse({
    BucketInfo: {
      Bucket: {
        CreationDate: record.created,
        ExtranetEndpoint: `oss-${region}.aliyuncs.com`,
        IntranetEndpoint: `oss-${region}-internal.aliyuncs.com`,
        Location: `oss-${region}`,
        Name: record.name,
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

export function getBucketLocation(context: OperationContext): OssResponse {
  existingBucket(context.store, context.bucket)
  return xmlResponse({ LocationConstraint: `oss-${context.region}` })
}

export function getBucketAcl(context: OperationContext): OssResponse {
  const { record } = existingBucket(context.store, context.bucket)
  return xmlResponse({ AccessControlPolicy: { Owner: OWNER, AccessControlList: { Grant: record.acl } } })
}

/** Creates the bucket if there is none: ali-oss's own tests expect it. */
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

export function getBucketVersioning(context: OperationContext): OssResponse {
  const { record } = existingBucket(context.store, context.bucket)
  return xmlResponse({
    VersioningConfiguration: record.versioning === 'Unversioned' ? '' : { Status: record.versioning },
  })
}

export async function putBucketVersioning(context: OperationContext): Promise<OssResponse> {
  const text = await readDocument(context)
  const { record } = existingBucket(context.store, context.bucket)
  const status = childText(parseXml(text, 'VersioningConfiguration'), 'Status')
  if (status !== 'Enabled' && status !== 'Suspended') throw malformedXml()
  context.store.saveBucket({ ...record, versioning: status })
  return emptyResponse(200)
}
