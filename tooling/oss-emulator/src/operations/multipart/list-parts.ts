import { type OssResponse, xmlResponse } from '../../protocol/oss-response.ts'
import { envelopeElements } from '../cse-rules.ts'
import { encodingElement, keyEncoder } from '../key-encoding.ts'
import { limitParameter } from '../limit-parameter.ts'
import type { OperationContext } from '../operation-context.ts'
import { existingUpload } from './existing-upload.ts'

const MAX_PARTS = 1000

/** ListParts. */
export function listParts(context: OperationContext): OssResponse {
  const { request } = context
  const upload = existingUpload(context, '0042-00000002')
  const limit = limitParameter(request, 'max-parts', MAX_PARTS, MAX_PARTS)
  const marker = Number(request.parameter('part-number-marker') ?? '0') || 0
  const rest = [...upload.parts.values()]
    .filter(({ partNumber }) => partNumber > marker)
    .sort((a, b) => a.partNumber - b.partNumber)
  const parts = rest.slice(0, limit)
  return xmlResponse({
    ListPartsResult: {
      ...encodingElement(request),
      Bucket: context.bucket,
      Key: keyEncoder(request)(context.key),
      UploadId: upload.record.uploadId,
      StorageClass: upload.record.storageClass,
      PartNumberMarker: marker,
      NextPartNumberMarker: parts.at(-1)?.partNumber ?? marker,
      MaxParts: limit,
      IsTruncated: rest.length > parts.length,
      ...envelopeElements(upload.record.headers),
      Part: parts.map((part) => ({
        PartNumber: part.partNumber,
        LastModified: part.lastModified,
        ETag: `"${part.etag}"`,
        HashCrc64ecma: part.crc64,
        Size: part.sizeBytes,
      })),
    },
  })
}
