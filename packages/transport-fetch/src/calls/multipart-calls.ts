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
  checkObjectKey,
  checkPartNumber,
  checkParts,
  checkUploadId,
  completionDocument,
  flatDocument,
  foreignResponse,
  laterHeaders,
  MAX_PAGE_ENTRIES,
  parseCrc64,
  partPageProblem,
  requestHeaders,
  tell,
  UploadSource,
  uploadPageProblem,
} from '@oss-cse/crypto-core/internal'
import { collectedContent } from '../http/collected-content.ts'
import type { OssClient } from '../http/oss-client.ts'
import { partPage, uploadPage } from '../xml/listings.ts'
import { listedPage } from './listed-page.ts'

/** See `FetchTransport.initiate`. */
export async function initiateUpload(
  client: OssClient,
  { key, headers, signal }: InitiateUploadRequest,
): Promise<{ readonly uploadId: string }> {
  checkObjectKey(key)
  const sent = requestHeaders(headers, key)
  const operation = 'initiate a multipart upload of'
  const call = { operation, method: 'POST', key, query: { uploads: '' }, headers: sent, signal } as const
  const { status, data } = await client.document(call, { root: 'InitiateMultipartUploadResult' })
  const uploadId = flatDocument(data)?.get('UploadId')
  if (!uploadId) throw foreignResponse(client.contextOf(call), status, 'upload id')
  return { uploadId }
}

/** See `FetchTransport.uploadPart`. */
export async function uploadPart(
  client: OssClient,
  { key, uploadId, partNumber, headers, body, signal, onSentBytes }: UploadPartRequest,
): Promise<UploadedPart> {
  checkObjectKey(key)
  checkUploadId(uploadId, key)
  checkPartNumber(partNumber, key)
  const sent = laterHeaders(requestHeaders(headers, key))
  const source = new UploadSource(body, key)
  tell(onSentBytes, 0)
  const content = await collectedContent(source, key, signal)
  const response = await client.document(
    {
      operation: `upload part ${partNumber} of`,
      method: 'PUT',
      key,
      query: { partNumber: String(partNumber), uploadId },
      headers: sent,
      content,
      onSentBytes,
      signal,
    },
    { stores: true },
  )
  const { etag = '' } = response.headers
  const crc64 = parseCrc64(response.headers[OSS_HEADERS.crc64])
  return { partNumber, etag, sizeBytes: content.length, ...(crc64 !== undefined && { crc64 }) }
}

/** See `FetchTransport.complete`. */
export async function completeUpload(
  client: OssClient,
  { key, uploadId, parts, headers, signal }: CompleteUploadRequest,
): Promise<PutObjectResponse> {
  checkObjectKey(key)
  checkUploadId(uploadId, key)
  checkParts(parts, key)
  const sent = { 'content-type': 'application/xml', ...laterHeaders(requestHeaders(headers, key)) }
  const hasCallback = OSS_HEADERS.callback in sent
  const { data, ...response } = await client.document(
    {
      operation: 'complete the multipart upload of',
      method: 'POST',
      key,
      query: { uploadId },
      headers: sent,
      content: new TextEncoder().encode(completionDocument(parts)),
      signal,
    },
    { stores: true, hasCallback, root: 'CompleteMultipartUploadResult' },
  )
  return { ...response, ...(hasCallback && { data }) }
}

/** See `FetchTransport.abort`. */
export async function abortUpload(
  client: OssClient,
  { key, uploadId, headers = {}, signal }: UploadReference,
): Promise<void> {
  checkObjectKey(key)
  checkUploadId(uploadId, key)
  const sent = requestHeaders(headers, key)
  const operation = 'abort the multipart upload of'
  const call = { operation, method: 'DELETE', key, query: { uploadId }, headers: sent, signal } as const
  await client.document(call, { status: 204 })
}

/** See `FetchTransport.listParts`. */
export async function listParts(
  client: OssClient,
  { key, uploadId, marker, headers = {}, signal }: ListPartsRequest,
): Promise<PartPage> {
  checkObjectKey(key)
  checkUploadId(uploadId, key)
  const sent = requestHeaders(headers, key)
  const query = {
    uploadId,
    'max-parts': String(MAX_PAGE_ENTRIES),
    ...(marker !== undefined && { 'part-number-marker': marker }),
  }
  const call = { operation: 'list the parts of', method: 'GET', key, query, headers: sent, signal } as const
  return listedPage(client, call, 'ListPartsResult', partPage, (page) =>
    partPageProblem(page, { after: Number(marker ?? 0), marker }),
  )
}

/** See `FetchTransport.listUploads`. */
export async function listUploads(
  client: OssClient,
  { prefix, keyMarker, uploadIdMarker, signal }: ListUploadsRequest,
): Promise<PendingUploadPage> {
  const query = {
    uploads: '',
    'encoding-type': 'url',
    'max-uploads': String(MAX_PAGE_ENTRIES),
    ...(prefix && { prefix }),
    ...(keyMarker && { 'key-marker': keyMarker }),
    ...(uploadIdMarker && { 'upload-id-marker': uploadIdMarker }),
  }
  const call = { operation: 'list the multipart uploads', method: 'GET', query, signal } as const
  return listedPage(client, call, 'ListMultipartUploadsResult', uploadPage, (page) =>
    uploadPageProblem(page, { keyMarker, uploadIdMarker }),
  )
}
