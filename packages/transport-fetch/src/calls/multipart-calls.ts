import {
  type CompleteUploadRequest,
  type InitiateUploadRequest,
  type ListPartsRequest,
  type ListUploadsRequest,
  OSS_HEADERS,
  type PartPage,
  type PendingUploadPage,
  type PutObjectResponse,
  type UploadedPart,
  type UploadPartRequest,
  type UploadReference,
} from '@oss-cse/crypto-core'
import {
  checkPartNumber,
  checkParts,
  completionDocument,
  foreignResponse,
  initiatedUploadId,
  laterHeaders,
  listedParts,
  listedUploads,
  MAX_PAGE_ENTRIES,
  parseCrc64,
  partPageProblem,
  uploadPageProblem,
} from '@oss-cse/crypto-core/internal'
import type { OssClient } from '../http/oss-client.ts'
import { callOf } from './call-of.ts'
import { listedPage } from './listed-page.ts'
import { storeContent } from './store-content.ts'

/** See `FetchTransport.initiate`. */
export async function initiateUpload(
  client: OssClient,
  request: InitiateUploadRequest,
): Promise<{ readonly uploadId: string }> {
  const call = callOf('initiate a multipart upload of', 'POST', request, { uploads: '' })
  const { status, data } = await client.document(call, { root: 'InitiateMultipartUploadResult' })
  const uploadId = initiatedUploadId(data)
  if (uploadId === undefined) throw foreignResponse(client.contextOf(call), status, 'upload id')
  return { uploadId }
}

/** See `FetchTransport.uploadPart`. */
export async function uploadPart(client: OssClient, request: UploadPartRequest): Promise<UploadedPart> {
  const { partNumber } = request
  const query = { partNumber: String(partNumber) }
  const call = callOf(`upload part ${partNumber} of`, 'PUT', request, query)
  checkPartNumber(partNumber, request.key)
  const sent = { ...call, headers: laterHeaders(call.headers) }
  const { headers, sizeBytes } = await storeContent(client, sent, request)
  const { etag = '' } = headers
  const crc64 = parseCrc64(headers[OSS_HEADERS.crc64])
  return { partNumber, etag, sizeBytes, ...(crc64 !== undefined && { crc64 }) }
}

/** See `FetchTransport.complete`. */
export async function completeUpload(
  client: OssClient,
  request: CompleteUploadRequest,
): Promise<PutObjectResponse> {
  const { key, parts } = request
  const call = callOf('complete the multipart upload of', 'POST', request)
  checkParts(parts, key)
  const hasCallback = OSS_HEADERS.callback in call.headers
  const { status, headers, data } = await client.document(
    {
      ...call,
      headers: { 'content-type': 'application/xml', ...laterHeaders(call.headers) },
      content: new TextEncoder().encode(completionDocument(parts)),
    },
    { shows: ['etag'], hasCallback, root: 'CompleteMultipartUploadResult' },
  )
  return { status, headers, ...(hasCallback && { data }) }
}

/** See `FetchTransport.abort`. */
export async function abortUpload(client: OssClient, request: UploadReference): Promise<void> {
  await client.document(callOf('abort the multipart upload of', 'DELETE', request), { status: 204 })
}

/** See `FetchTransport.listParts`. */
export async function listParts(client: OssClient, request: ListPartsRequest): Promise<PartPage> {
  const { marker } = request
  const query = { 'max-parts': String(MAX_PAGE_ENTRIES), 'part-number-marker': marker }
  const call = callOf('list the parts of', 'GET', request, query)
  return listedPage(client, call, listedParts, (page) =>
    partPageProblem(page, { after: Number(marker ?? 0), marker }),
  )
}

/** See `FetchTransport.listUploads`. */
export async function listUploads(
  client: OssClient,
  request: ListUploadsRequest,
): Promise<PendingUploadPage> {
  const { prefix, keyMarker, uploadIdMarker, signal } = request
  const query = {
    uploads: '',
    'encoding-type': 'url',
    'max-uploads': String(MAX_PAGE_ENTRIES),
    prefix: prefix || undefined,
    'key-marker': keyMarker || undefined,
    'upload-id-marker': uploadIdMarker || undefined,
  }
  const call = callOf('list the multipart uploads', 'GET', { signal }, query)
  return listedPage(client, call, listedUploads, (page) => uploadPageProblem(page, request))
}
