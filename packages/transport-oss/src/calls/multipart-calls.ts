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
import { MAX_PARTS, tell } from '@oss-cse/crypto-core/internal'
import type { Connection } from '../ali-oss/client-options.ts'
import { foreignResponse } from '../http/oss-errors.ts'
import { UploadSource } from '../http/upload-source.ts'
import type { ObjectRequest } from '../signing/object-request.ts'
import { invalidArgument } from './invalid-argument.ts'
import { crc64Of } from './listing-entries.ts'
import { checkObjectKey } from './object-key.ts'
import { contextOf, type OssCall, runCall, runObjectCall, statusAndHeaders } from './oss-call.ts'
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
  const { value, response } = await runCall(
    connection,
    call,
    (client) => client.initMultipartUpload(key, { headers: sent }) as Promise<{ uploadId?: unknown }>,
  )
  const { uploadId } = value
  if (typeof uploadId !== 'string' || uploadId === '') {
    throw foreignResponse(contextOf(connection, call), response.status, 'upload id')
  }
  return { uploadId, headers: response.headers }
}

/** See `OssTransport.uploadPart`. */
export async function uploadPart(
  connection: Connection,
  { key, uploadId, partNumber, headers, body, signal, onSentBytes }: UploadPartRequest,
): Promise<UploadedPart & { readonly headers: HeaderMap }> {
  checkObjectKey(key)
  checkUploadId(uploadId, key)
  checkPartNumber(partNumber, key)
  const sent = requestHeaders(headers, key)
  const source = new UploadSource(body, key)
  const { sizeBytes } = source
  if (sizeBytes === undefined) throw invalidArgument('The body of a part needs its sizeBytes.', key)
  const call: OssCall = {
    operation: `upload part ${partNumber} of`,
    objectKey: key,
    signal,
    source,
    onSentBytes,
    expected: { etag: true },
  }
  const request: ObjectRequest = {
    method: 'PUT',
    key,
    subresources: { partNumber: String(partNumber), uploadId },
    headers: { ...partHeaders(sent), 'content-length': String(sizeBytes) },
    statuses: [200],
  }
  tell(onSentBytes, 0)
  const response = await runObjectCall(connection, call, request, (client) =>
    withPlaceholder((stream) =>
      client.uploadPart(key, uploadId, partNumber, stream, 0, sizeBytes, { headers: sent }),
    ),
  )
  const { etag = '' } = response.headers
  const crc64 = crc64Of(response.headers[OSS_HEADERS.crc64])
  return { partNumber, etag, sizeBytes, ...(crc64 !== undefined && { crc64 }), headers: response.headers }
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
  const { response } = await runCall(connection, call, (client) =>
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
  await runCall(connection, call, (client) => client.abortMultipartUpload(key, uploadId, { headers: sent }))
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
    // ali-oss writes the ETag into the document without escaping it: ali-oss 6.23 lib/common/multipart.js.
    if (typeof etag !== 'string' || !/^[^<>&\s]+$/.test(etag)) {
      throw invalidArgument(`The ETag of part ${partNumber} is invalid: ${JSON.stringify(etag)}.`, key)
    }
  }
  if (parts.length === 0) throw invalidArgument('A multipart upload needs at least one part.', key)
}

/** The headers without those that describe the whole object, which ali-oss 6.23 lib/common/multipart.js removes. */
function partHeaders({
  [OSS_HEADERS.serverSideEncryption]: _encryption,
  [OSS_HEADERS.storageClass]: _class,
  ...headers
}: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return headers
}
