import { type OssResponse, xmlResponse } from '../../protocol/oss-response.ts'
import { compareBytes } from '../../storage/compare-bytes.ts'
import { envelopeElements } from '../cse-rules.ts'
import { encodingElement, keyEncoder, limitParameter } from '../list-encoding.ts'
import { type OperationContext, OWNER } from '../operation-context.ts'
import { existingBucket } from '../versions.ts'
import { existingUpload } from './multipart.ts'

const MAX_PARTS = 1000
const MAX_UPLOADS = 1000

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

export function listMultipartUploads(context: OperationContext): OssResponse {
  const { request, store } = context
  existingBucket(store, context.bucket)
  const limit = limitParameter(request, 'max-uploads', MAX_UPLOADS, MAX_UPLOADS)
  const prefix = request.parameter('prefix') ?? ''
  const delimiter = request.parameter('delimiter') ?? ''
  const keyMarker = request.parameter('key-marker') ?? ''
  const idMarker = keyMarker === '' ? '' : (request.parameter('upload-id-marker') ?? '')
  const encode = keyEncoder(request)
  const sorted = store
    .uploads(context.bucket)
    .map(({ record }) => record)
    .filter(({ key }) => key.startsWith(prefix))
    .filter(({ key, uploadId }) => {
      const order = keyMarker === '' ? 1 : compareBytes(key, keyMarker)
      return order > 0 || (order === 0 && idMarker !== '' && uploadId > idMarker)
    })
    .sort((a, b) => compareBytes(a.key, b.key) || compareBytes(a.uploadId, b.uploadId))
  const entries: { readonly name: string; readonly upload: (typeof sorted)[number] | undefined }[] = []
  for (const upload of sorted) {
    const cut = delimiter === '' ? -1 : upload.key.indexOf(delimiter, prefix.length)
    const name = cut < 0 ? upload.key : upload.key.slice(0, cut + delimiter.length)
    if (cut < 0) entries.push({ name, upload })
    else if (name !== keyMarker && entries.at(-1)?.name !== name) entries.push({ name, upload: undefined })
  }
  const shown = entries.slice(0, limit)
  const last = entries.length > shown.length ? shown.at(-1) : undefined
  return xmlResponse({
    ListMultipartUploadsResult: {
      ...encodingElement(request),
      Bucket: context.bucket,
      KeyMarker: encode(keyMarker),
      UploadIdMarker: idMarker,
      NextKeyMarker: encode(last?.name ?? ''),
      NextUploadIdMarker: last?.upload?.uploadId ?? '',
      Delimiter: encode(delimiter),
      Prefix: encode(prefix),
      MaxUploads: limit,
      IsTruncated: last !== undefined,
      Upload: shown.flatMap(({ upload }) =>
        upload === undefined
          ? []
          : [
              {
                Key: encode(upload.key),
                UploadId: upload.uploadId,
                StorageClass: upload.storageClass,
                Initiated: upload.initiated,
                Initiator: OWNER,
                Owner: OWNER,
              },
            ],
      ),
      CommonPrefixes: shown.flatMap(({ name, upload }) =>
        upload === undefined ? [{ Prefix: encode(name) }] : [],
      ),
    },
  })
}
