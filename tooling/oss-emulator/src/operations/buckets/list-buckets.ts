import { type OssResponse, xmlResponse } from '../../protocol/oss-response.ts'
import { compareBytes } from '../../storage/compare-bytes.ts'
import { limitParameter } from '../limit-parameter.ts'
import { type OperationContext, OWNER } from '../operation-context.ts'
import { bucketElements } from './bucket-elements.ts'

const MAX_BUCKETS = 1000

/** ListBuckets. */
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
          ...bucketElements(bucket, region),
          Region: region,
          StorageClass: bucket.storageClass,
        })),
      },
    },
  })
}
