import { conditionsOf } from '../../protocol/conditions.ts'
import { notImplemented } from '../../protocol/error-catalog.ts'
import { emptyResponse, type OssResponse } from '../../protocol/oss-response.ts'
import { serviceTime } from '../../protocol/service-time.ts'
import { checkKey } from '../../storage/names.ts'
import { checkPutEnvelope } from '../cse-rules.ts'
import { metadataOf } from '../object-metadata.ts'
import type { OperationContext } from '../operation-context.ts'
import { discardContent, receiveContent } from '../receive-content.ts'
import { addVersion, checkForbidOverwrite, existingBucket, versionHeader } from '../versions.ts'

/** PutObject. */
export async function putObject(context: OperationContext): Promise<OssResponse> {
  const { request, store } = context
  checkKey(context.key)
  existingBucket(store, context.bucket)
  if (Object.values(conditionsOf(request)).some((condition) => condition !== undefined)) {
    throw notImplemented(undefined, '0017-00000245')
  }
  const metadata = metadataOf(request)
  checkPutEnvelope(metadata.headers)
  checkForbidOverwrite(context)
  const { extents, ...summary } = await receiveContent(context)
  try {
    // Another upload may have finished first.
    checkForbidOverwrite(context)
    const version = addVersion(context, {
      ...metadata,
      ...summary,
      type: 'Normal',
      lastModified: serviceTime(context.now()),
      extents,
    })
    return emptyResponse(200, {
      ETag: `"${summary.etag}"`,
      'Content-MD5': summary.contentMd5,
      'x-oss-hash-crc64ecma': summary.crc64,
      ...versionHeader(context, version),
    })
  } catch (error) {
    discardContent(context, { extents, ...summary })
    throw error
  }
}
