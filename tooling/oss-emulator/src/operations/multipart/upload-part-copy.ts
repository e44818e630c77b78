import { conditionsOf, judgeConditions } from '../../protocol/conditions.ts'
import { invalidArgument, invalidRange, noSuchUpload } from '../../protocol/error-catalog.ts'
import { emptyResponse, type OssResponse, xmlResponse } from '../../protocol/oss-response.ts'
import { serviceTime } from '../../protocol/service-time.ts'
import { sliceExtents } from '../../storage/blob-store.ts'
import { ContentDigest } from '../../storage/content-digest.ts'
import { copySourceOf } from '../copy-source.ts'
import { checkPartCopy } from '../cse-rules.ts'
import type { OperationContext } from '../operation-context.ts'
import { MAX_BODY_BYTES } from '../receive-content.ts'
import { checkReadable, currentVersion } from '../versions.ts'
import { existingUpload } from './existing-upload.ts'
import { partNumberOf } from './part-number.ts'

/** UploadPartCopy. Reads the source for its checksums; the bytes are shared, not copied. */
export async function uploadPartCopy(context: OperationContext): Promise<OssResponse> {
  const { request, store } = context
  const partNumber = partNumberOf(context)
  const upload = existingUpload(context, '0042-00000311')
  const from = copySourceOf(request, { malformed: '0042-00000301', empty: '0042-00000302' })
  const source = currentVersion(store, from.bucket, from.key, from.versionId, request.method)
  if (source.type === 'Symlink') {
    throw invalidArgument('The copy source is a symlink.', '0042-00000308')
  }
  checkPartCopy(source.headers, upload.record.headers)
  if (judgeConditions(conditionsOf(request, 'x-oss-copy-source-'), source) === 'not-modified') {
    return emptyResponse(304)
  }
  checkReadable(source)
  const { start, sizeBytes } = copyRange(request.header('x-oss-copy-source-range'), source.sizeBytes)
  if (sizeBytes > MAX_BODY_BYTES) throw invalidArgument('The copied part is larger than 5 GB.')
  const content = store.open(source.extents, start, sizeBytes)
  try {
    const digest = new ContentDigest()
    for await (const chunk of content.chunks()) digest.update(chunk)
    const { etag, crc64 } = digest.finish()
    const { uploadId } = upload.record
    if (store.upload(uploadId) === undefined) throw noSuchUpload(uploadId, '0042-00000311')
    const lastModified = serviceTime(context.now())
    const extents = sliceExtents(source.extents, start, sizeBytes)
    store.savePart(uploadId, { partNumber, sizeBytes, etag, crc64, lastModified, extents })
    return xmlResponse(
      { CopyPartResult: { LastModified: lastModified, ETag: `"${etag}"` } },
      { ETag: `"${etag}"`, 'x-oss-hash-crc64ecma': crc64 },
    )
  } finally {
    content.release()
  }
}

function copyRange(header: string | undefined, sizeBytes: number): { start: number; sizeBytes: number } {
  if (header === undefined) return { start: 0, sizeBytes }
  const match = /^bytes=(\d+)-(\d+)$/.exec(header)
  // A malformed range is ignored, as in GetObject.
  if (match === null) return { start: 0, sizeBytes }
  const start = Number(match[1])
  const end = Math.min(Number(match[2]), sizeBytes - 1)
  if (start > end) {
    throw invalidRange({ ec: '0042-00000306' })
  }
  return { start, sizeBytes: end - start + 1 }
}
