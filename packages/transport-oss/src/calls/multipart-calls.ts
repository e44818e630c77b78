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
import { flatDocument, MAX_PARTS, parseCrc64, tell } from '@oss-cse/crypto-core/internal'
import type { Connection } from '../ali-oss/client-options.ts'
import { statusAndHeaders } from '../http/object-response.ts'
import { foreignResponse } from '../http/oss-errors.ts'
import { UploadSource } from '../http/upload-source.ts'
import type { ObjectRequest } from '../signing/object-request.ts'
import { invalidArgument } from './invalid-argument.ts'
import { checkObjectKey } from './object-key.ts'
import { contextOf, type DescribedCall, type OssCall, runObjectCall } from './oss-call.ts'
import { withPlaceholder } from './placeholder-stream.ts'
import { requestHeaders } from './request-headers.ts'

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

/** The document of ali-oss 6.23 lib/common/multipart.js. */
function completionDocument(parts: readonly UploadedPart[]): string {
  const entries = parts
    .toSorted((a, b) => a.partNumber - b.partNumber)
    .map(
      ({ partNumber, etag }) =>
        `<Part>\n<PartNumber>${partNumber}</PartNumber>\n<ETag>${etag}</ETag>\n</Part>\n`,
    )
  return `<?xml version="1.0" encoding="UTF-8"?>\n<CompleteMultipartUpload>\n${entries.join('')}</CompleteMultipartUpload>`
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

/**
 * Checks that an upload id is a non-empty string.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function checkUploadId(uploadId: string, key: string): void {
  if (typeof uploadId !== 'string' || uploadId === '') throw invalidArgument('`uploadId` is missing.', key)
}

function checkPartNumber(partNumber: number, key: string): void {
  if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > MAX_PARTS) {
    throw invalidArgument(`A part number must be from 1 to ${MAX_PARTS}, not ${partNumber}.`, key)
  }
}

function checkParts(parts: readonly UploadedPart[], key: string): void {
  const numbers = new Set<number>()
  for (const { partNumber, etag } of parts) {
    checkPartNumber(partNumber, key)
    if (numbers.has(partNumber)) throw invalidArgument(`Part ${partNumber} is listed twice.`, key)
    numbers.add(partNumber)
    // The ETag gets into the document without being escaped, as in ali-oss 6.23 lib/common/multipart.js.
    if (typeof etag !== 'string' || !/^[^<>&\s]+$/.test(etag)) {
      throw invalidArgument(`The ETag of part ${partNumber} is invalid: ${JSON.stringify(etag)}.`, key)
    }
  }
  if (parts.length === 0) throw invalidArgument('A multipart upload needs at least one part.', key)
}

/**
 * The headers of what follows the beginning of an upload. ali-oss 6.23 lib/common/multipart.js removes those that only
 * the beginning may have.
 */
function laterHeaders({
  [OSS_HEADERS.serverSideEncryption]: _encryption,
  [OSS_HEADERS.storageClass]: _class,
  ...headers
}: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return headers
}
