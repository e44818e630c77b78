import { randomBytes } from 'node:crypto'
import { conditionsOf, judgeConditions } from '../../protocol/conditions.ts'
import { invalidArgument, noSuchUpload } from '../../protocol/error-catalog.ts'
import { OssError } from '../../protocol/oss-error.ts'
import { emptyResponse, type OssResponse, xmlResponse } from '../../protocol/oss-response.ts'
import { serviceTime } from '../../protocol/service-time.ts'
import { sliceExtents } from '../../storage/blob-store.ts'
import { ContentDigest } from '../../storage/content-digest.ts'
import { checkKey } from '../../storage/names.ts'
import type { Upload } from '../../storage/object-store.ts'
import {
  checkInitiateEnvelope,
  checkPartCopy,
  checkPartEnvelope,
  checkPartNumber,
  checkPartSize,
} from '../cse-rules.ts'
import { encodingElement, keyEncoder } from '../list-encoding.ts'
import { metadataOf } from '../object-metadata.ts'
import { copySourceOf } from '../objects/copy-object.ts'
import type { OperationContext } from '../operation-context.ts'
import { discardContent, MAX_BODY_BYTES, receiveContent } from '../receive-content.ts'
import { checkForbidOverwrite, currentVersion, existingBucket } from '../versions.ts'

const MAX_PART_NUMBER = 10_000

export function initiateMultipartUpload(context: OperationContext): OssResponse {
  const { request, store, bucket, key } = context
  checkKey(key)
  existingBucket(store, bucket)
  const metadata = metadataOf(request)
  checkInitiateEnvelope(metadata.headers, context.cse)
  checkForbidOverwrite(context)
  const encode = keyEncoder(request)
  const uploadId = randomBytes(16).toString('hex').toUpperCase()
  store.addUpload({ ...metadata, uploadId, bucket, key, initiated: serviceTime(context.now()) })
  return xmlResponse({
    InitiateMultipartUploadResult: {
      ...encodingElement(request),
      Bucket: bucket,
      Key: encode(key),
      UploadId: uploadId,
    },
  })
}

export async function uploadPart(context: OperationContext): Promise<OssResponse> {
  const { request, store } = context
  const partNumber = partNumberOf(context)
  const upload = existingUpload(context, '0042-00000104')
  const initiated = upload.record.headers
  checkPartEnvelope(Object.fromEntries(request.headers), initiated, context.cse)
  checkPartNumber(partNumber, initiated)
  const content = await receiveContent(context, (sizeBytes) =>
    checkPartSize(partNumber, sizeBytes, initiated),
  )
  // The upload may have ended while the body came in.
  if (store.upload(upload.record.uploadId) === undefined) {
    discardContent(context, content)
    throw noSuchUpload(upload.record.uploadId, '0042-00000104')
  }
  const { sizeBytes, etag, crc64, contentMd5, extents } = content
  const lastModified = serviceTime(context.now())
  store.savePart(upload.record.uploadId, { partNumber, sizeBytes, etag, crc64, lastModified, extents })
  return emptyResponse(200, {
    ETag: `"${etag}"`,
    'Content-MD5': contentMd5,
    'x-oss-hash-crc64ecma': crc64,
  })
}

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
  const { start, sizeBytes } = copyRange(request.header('x-oss-copy-source-range'), source.sizeBytes)
  if (sizeBytes > MAX_BODY_BYTES) throw invalidArgument('The copied part is larger than 5 GB.')
  const content = store.open(source.extents, start, sizeBytes)
  try {
    const digest = await ContentDigest.create()
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

export function abortMultipartUpload(context: OperationContext): OssResponse {
  const upload = existingUpload(context, '0042-00000002')
  context.store.removeUpload(upload.record.uploadId)
  return emptyResponse(204)
}

/** @throws OssError `NoSuchUpload`, with the number that the operation gives it */
export function existingUpload(context: OperationContext, ec?: string): Upload {
  existingBucket(context.store, context.bucket)
  const uploadId = context.request.parameter('uploadId') ?? ''
  const upload = context.store.upload(uploadId)
  if (upload === undefined || upload.record.bucket !== context.bucket || upload.record.key !== context.key) {
    throw noSuchUpload(uploadId, ec)
  }
  return upload
}

function partNumberOf(context: OperationContext): number {
  const text = context.request.parameter('partNumber') ?? ''
  const number = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (number < 1 || number > MAX_PART_NUMBER) {
    throw invalidArgument('Part number must be an integer between 1 and 10000, inclusive.', undefined, {
      ArgumentName: 'partNumber',
      ArgumentValue: text,
    })
  }
  return number
}

function copyRange(header: string | undefined, sizeBytes: number): { start: number; sizeBytes: number } {
  if (header === undefined) return { start: 0, sizeBytes }
  const match = /^bytes=(\d+)-(\d+)$/.exec(header)
  // A range that is not one is ignored, as in GetObject.
  if (match === null) return { start: 0, sizeBytes }
  const start = Number(match[1])
  const end = Math.min(Number(match[2]), sizeBytes - 1)
  if (start > end) {
    throw new OssError(416, 'InvalidRange', 'The requested range cannot be satisfied', {
      ec: '0042-00000306',
    })
  }
  return { start, sizeBytes: end - start + 1 }
}
