import { combineCrc64 } from '@oss-cse/crypto-core/internal'
import { invalidArgument } from '../../protocol/error-catalog.ts'
import { OssError } from '../../protocol/oss-error.ts'
import { emptyResponse, type OssResponse } from '../../protocol/oss-response.ts'
import { serviceTime } from '../../protocol/service-time.ts'
import { checkKey } from '../../storage/names.ts'
import type { ObjectRecord } from '../../storage/records.ts'
import { metadataOf } from '../object-metadata.ts'
import type { OperationContext } from '../operation-context.ts'
import { discardContent, receiveContent } from '../receive-content.ts'
import { addVersion, existingBucket, updateVersion, versionHeader } from '../versions.ts'

/** AppendObject. Encryption headers are stored without a check, like any metadata. */
export async function appendObject(context: OperationContext): Promise<OssResponse> {
  const { request, store, bucket, key } = context
  checkKey(key)
  existingBucket(store, bucket)
  const text = request.parameter('position') ?? ''
  if (!/^\d{1,16}$/.test(text)) {
    throw invalidArgument('The position must be a non-negative integer.', undefined, {
      ArgumentName: 'position',
      ArgumentValue: text,
    })
  }
  const position = Number(text)
  const metadata = metadataOf(request)
  checkPosition(context, position)
  const content = await receiveContent(context)
  try {
    const old = checkPosition(context, position)
    const crc64 = combineCrc64(BigInt(old?.crc64 ?? 0), BigInt(content.crc64), content.sizeBytes).toString()
    const common = {
      type: 'Appendable',
      sizeBytes: position + content.sizeBytes,
      etag: content.etag,
      crc64,
      lastModified: serviceTime(context.now()),
    } as const
    let version: ObjectRecord
    if (old === undefined) version = addVersion(context, { ...metadata, ...common, extents: content.extents })
    else {
      version = { ...old, ...common, extents: [...old.extents, ...content.extents] }
      updateVersion(context, old, version)
    }
    return emptyResponse(200, {
      ETag: `"${version.etag}"`,
      'x-oss-hash-crc64ecma': version.crc64,
      'x-oss-next-append-position': String(version.sizeBytes),
      ...versionHeader(context, version),
    })
  } catch (error) {
    discardContent(context, content)
    throw error
  }
}

/**
 * Checks the position of an append.
 *
 * @returns the object to append to; `undefined` for the first append
 * @throws OssError `ObjectNotAppendable` or `PositionNotEqualToLength`
 */
function checkPosition(context: OperationContext, position: number): ObjectRecord | undefined {
  const [newest] = context.store.versions(context.bucket, context.key)
  const old = newest?.deleteMarker ? undefined : newest
  if (old !== undefined && old.type !== 'Appendable') {
    throw new OssError(409, 'ObjectNotAppendable', 'The object is not appendable')
  }
  const length = old?.sizeBytes ?? 0
  if (position !== length) {
    throw new OssError(409, 'PositionNotEqualToLength', 'Position is not equal to file length', {
      ec: '0026-00000016',
      headers: { 'x-oss-next-append-position': String(length) },
    })
  }
  return old
}
