import { conditionsOf, judgeConditions } from '../../protocol/conditions.ts'
import { entityTooLarge, invalidArgument } from '../../protocol/error-catalog.ts'
import { emptyResponse, type OssResponse, xmlResponse } from '../../protocol/oss-response.ts'
import { serviceTime } from '../../protocol/service-time.ts'
import { checkKey } from '../../storage/names.ts'
import type { ObjectRecord } from '../../storage/records.ts'
import { copySourceOf } from '../copy-source.ts'
import { replacedCopyHeaders } from '../cse-rules.ts'
import { metadataOf } from '../object-metadata.ts'
import type { OperationContext } from '../operation-context.ts'
import { MAX_BODY_BYTES } from '../receive-content.ts'
import {
  addVersion,
  checkForbidOverwrite,
  checkReadable,
  currentVersion,
  existingBucket,
  versionHeader,
} from '../versions.ts'

/** CopyObject. A symbolic link is copied itself, not its target. */
export function copyObject(context: OperationContext): OssResponse {
  const { request, store } = context
  checkKey(context.key)
  const { versioning } = existingBucket(store, context.bucket).record
  const directive = (request.header('x-oss-metadata-directive') ?? 'COPY').toUpperCase()
  if (directive !== 'COPY' && directive !== 'REPLACE') {
    throw invalidArgument('The metadata directive must be COPY or REPLACE.', undefined, {
      ArgumentName: 'x-oss-metadata-directive',
    })
  }
  const from = copySourceOf(request)
  const source = currentVersion(store, from.bucket, from.key, from.versionId, request.method)
  if (judgeConditions(conditionsOf(request, 'x-oss-copy-source-'), source) === 'not-modified') {
    return emptyResponse(304)
  }
  checkReadable(source)
  if (from.bucket !== context.bucket && source.sizeBytes > MAX_BODY_BYTES)
    throw entityTooLarge(MAX_BODY_BYTES)
  checkForbidOverwrite(context)
  const ontoItself =
    from.bucket === context.bucket && from.key === context.key && from.versionId === undefined
  // A copy onto itself can only change metadata, so the service uses the request's metadata without the directive.
  const replaces = directive === 'REPLACE' || (ontoItself && versioning === 'Unversioned')
  const version = addVersion(context, {
    ...copied(source),
    ...newMetadata(context, source, replaces),
    lastModified: serviceTime(context.now()),
  })
  return xmlResponse(
    { CopyObjectResult: { LastModified: version.lastModified, ETag: `"${version.etag}"` } },
    {
      ETag: `"${version.etag}"`,
      ...(version.type === 'Symlink' ? {} : { 'x-oss-hash-crc64ecma': version.crc64 }),
      ...(source.versionId === 'null' ? {} : { 'x-oss-copy-source-version-id': source.versionId }),
      ...versionHeader(context, version),
    },
  )
}

/** The content and type of an object. Blobs are shared, not copied. */
function copied(source: ObjectRecord): Omit<ObjectRecord, 'versionId'> {
  const { versionId: _, ...rest } = source
  return rest
}

function newMetadata(
  context: OperationContext,
  source: ObjectRecord,
  replaces: boolean,
): Pick<ObjectRecord, 'headers' | 'storageClass' | 'acl' | 'tags'> {
  const { request, cse } = context
  const requested = metadataOf(request)
  const tagsReplaced = (request.header('x-oss-tagging-directive') ?? 'Copy').toUpperCase() === 'REPLACE'
  return {
    headers: replaces ? replacedCopyHeaders(requested.headers, source.headers, cse) : source.headers,
    storageClass:
      request.header('x-oss-storage-class') === undefined ? source.storageClass : requested.storageClass,
    acl: requested.acl,
    tags: tagsReplaced ? requested.tags : source.tags,
  }
}
