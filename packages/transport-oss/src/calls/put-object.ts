import { OSS_HEADERS, type PutObjectRequest, type PutObjectResponse } from '@oss-cse/crypto-core'
import { tell } from '@oss-cse/crypto-core/internal'
import type { Connection } from '../ali-oss/client-options.ts'
import { UploadSource } from '../http/upload-source.ts'
import type { ObjectRequest } from '../signing/object-request.ts'
import { checkObjectKey } from './object-key.ts'
import { type OssCall, runObjectCall, statusAndHeaders } from './oss-call.ts'
import { withPlaceholder } from './placeholder-stream.ts'
import { requestHeaders } from './request-headers.ts'

/** See `OssTransport.put`. */
export async function putObject(
  connection: Connection,
  { key, headers, body, signal, onSentBytes }: PutObjectRequest,
): Promise<PutObjectResponse> {
  checkObjectKey(key)
  const sent = requestHeaders(headers, key)
  const source = new UploadSource(body, key)
  const call: OssCall = {
    operation: 'put',
    objectKey: key,
    signal,
    source,
    onSentBytes,
    expected: { etag: true },
    hasCallback: OSS_HEADERS.callback in sent,
  }
  const empty = source.sizeBytes === 0
  const request: ObjectRequest = {
    method: 'PUT',
    key,
    statuses: [200],
    empty,
    headers: empty ? sent : { ...sent, ...lengthHeader(source.sizeBytes) },
  }
  tell(onSentBytes, 0)
  const response = await runObjectCall(connection, call, request, (client) => {
    // putStream treats a length of 0 as no length and sends in chunks: ali-oss 6.23 lib/object.js `putStream`.
    if (empty) return client.put(key, Buffer.alloc(0), { headers: sent })
    return withPlaceholder((stream) =>
      client.putStream(key, stream, {
        headers: sent,
        ...(source.sizeBytes !== undefined && { contentLength: source.sizeBytes }),
      }),
    )
  })
  return { ...statusAndHeaders(response), ...(call.hasCallback && { data: response.data }) }
}

function lengthHeader(sizeBytes: number | undefined): Readonly<Record<string, string>> {
  return sizeBytes === undefined
    ? { 'transfer-encoding': 'chunked' }
    : { 'content-length': String(sizeBytes) }
}
