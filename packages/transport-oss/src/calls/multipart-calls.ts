import {
  type CompleteUploadRequest,
  type HeaderMap,
  type InitiateUploadRequest,
  OSS_HEADERS,
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
  parseCrc64,
  requestHeaders,
  tell,
  UploadSource,
} from '@oss-cse/crypto-core/internal'
import type { Connection } from '../ali-oss/client-options.ts'
import { statusAndHeaders } from '../http/object-response.ts'
import type { ObjectRequest } from '../signing/object-request.ts'
import { invalidArgument } from './invalid-argument.ts'
import { contextOf, type DescribedCall, type OssCall, runObjectCall } from './oss-call.ts'
import { withPlaceholder } from './placeholder-stream.ts'

/** See `OssTransport.initiate`. */
export async function initiateUpload(
  connection: Connection,
  { key, headers, signal }: InitiateUploadRequest,
): Promise<{ readonly uploadId: string; readonly headers: HeaderMap }> {
  checkObjectKey(key)
  const sent = requestHeaders(headers, key)
  const call: OssCall = {
    operation: 'initiate a multipart upload of',
    objectKey: key,
    signal,
    expected: { root: 'InitiateMultipartUploadResult' },
  }
  const request: ObjectRequest = {
    method: 'POST',
    key,
    subresources: { uploads: '' },
    headers: sent,
    statuses: [200],
  }
  const { value, response } = await runObjectCall(
    connection,
    call,
    request,
    (client) => client.initMultipartUpload(key, { headers: sent }) as Promise<{ uploadId?: unknown }>,
  )
  const uploadId = value === undefined ? flatDocument(response.data)?.get('UploadId') : value.uploadId
  if (typeof uploadId !== 'string' || uploadId === '') {
    throw foreignResponse(contextOf(connection, call), response.status, 'upload id')
  }
  return { uploadId, headers: response.headers }
}

/** See `OssTransport.uploadPart`. */
export async function uploadPart(
  connection: Connection,
  { body, onSentBytes, ...part }: UploadPartRequest,
): Promise<UploadedPart & { readonly headers: HeaderMap }> {
  const { key, uploadId, partNumber } = part
  const source = new UploadSource(body, key)
  const { sizeBytes } = source
  const { call, request } = describedPart({ ...part, sizeBytes })
  tell(onSentBytes, 0)
  const { response } = await runObjectCall(connection, { ...call, source, onSentBytes }, request, (client) =>
    withPlaceholder((stream) =>
      client.uploadPart(key, uploadId, partNumber, stream, 0, sizeBytes ?? 0, {
        headers: requestHeaders(part.headers, key),
      }),
    ),
  )
  const { etag = '' } = response.headers
  const crc64 = parseCrc64(response.headers[OSS_HEADERS.crc64])
  return { partNumber, etag, sizeBytes, ...(crc64 !== undefined && { crc64 }), headers: response.headers }
}

/**
 * Describes the upload of a part.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function describedPart({
  key,
  uploadId,
  partNumber,
  headers,
  sizeBytes,
  signal,
}: Omit<UploadPartRequest, 'body' | 'onSentBytes'> & {
  readonly sizeBytes: number | undefined
}): DescribedCall {
  checkObjectKey(key)
  checkUploadId(uploadId, key)
  checkPartNumber(partNumber, key)
  if (sizeBytes === undefined) throw invalidArgument('The body of a part needs its sizeBytes.', key)
  return {
    call: {
      operation: `upload part ${partNumber} of`,
      objectKey: key,
      signal,
      expected: { etag: true },
    },
    request: {
      method: 'PUT',
      key,
      subresources: { partNumber: String(partNumber), uploadId },
      headers: { ...laterHeaders(requestHeaders(headers, key)), 'content-length': String(sizeBytes) },
      statuses: [200],
    },
  }
}

/** See `OssTransport.complete`. */
export async function completeUpload(
  connection: Connection,
  { key, uploadId, parts, headers, signal }: CompleteUploadRequest,
): Promise<PutObjectResponse> {
  checkObjectKey(key)
  checkUploadId(uploadId, key)
  checkParts(parts, key)
  const sent = requestHeaders(headers, key)
  const call: OssCall = {
    operation: 'complete the multipart upload of',
    objectKey: key,
    signal,
    expected: { etag: true, root: 'CompleteMultipartUploadResult' },
    hasCallback: OSS_HEADERS.callback in sent,
  }
  const request: ObjectRequest = {
    method: 'POST',
    key,
    subresources: { uploadId },
    headers: laterHeaders(sent),
    document: completionDocument(parts),
    statuses: [200],
  }
  const { response } = await runObjectCall(connection, call, request, (client) =>
    client.completeMultipartUpload(
      key,
      uploadId,
      parts.map(({ partNumber, etag }) => ({ number: partNumber, etag })),
      { headers: sent },
    ),
  )
  return { ...statusAndHeaders(response), ...(call.hasCallback && { data: response.data }) }
}

/** See `OssTransport.abort`. */
export async function abortUpload(
  connection: Connection,
  { key, uploadId, headers = {}, signal }: UploadReference,
): Promise<void> {
  checkObjectKey(key)
  checkUploadId(uploadId, key)
  const sent = requestHeaders(headers, key)
  const call: OssCall = { operation: 'abort the multipart upload of', objectKey: key, signal }
  const request: ObjectRequest = {
    method: 'DELETE',
    key,
    subresources: { uploadId },
    headers: sent,
    statuses: [204],
  }
  await runObjectCall(connection, call, request, (client) =>
    client.abortMultipartUpload(key, uploadId, { headers: sent }),
  )
}
