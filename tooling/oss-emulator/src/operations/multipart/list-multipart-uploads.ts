import { type OssResponse, xmlResponse } from '../../protocol/oss-response.ts'
import { compareBytes } from '../../storage/compare-bytes.ts'
import { encodingElement, keyEncoder } from '../key-encoding.ts'
import { limitParameter } from '../limit-parameter.ts'
import { type OperationContext, OWNER } from '../operation-context.ts'
import { existingBucket } from '../versions.ts'

const MAX_UPLOADS = 1000

/** ListMultipartUploads. */
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
