import { OSS_HEADERS, type PutObjectRequest, type PutObjectResponse } from '@oss-cse/crypto-core'
import { checkObjectKey, requestHeaders, tell, UploadSource } from '@oss-cse/crypto-core/internal'
import type { Connection } from '../ali-oss/client-options.ts'
import { statusAndHeaders } from '../http/object-response.ts'
import { type DescribedCall, runObjectCall } from './oss-call.ts'
import { withPlaceholder } from './placeholder-stream.ts'

/** See `OssTransport.put`. */
export async function putObject(
  connection: Connection,
  { key, headers, body, signal, onSentBytes }: PutObjectRequest,
): Promise<PutObjectResponse> {
  const source = new UploadSource(body, key)
  const { sizeBytes } = source
  const { call, request } = describedPut({ key, headers, sizeBytes, signal })
  tell(onSentBytes, 0)
  const { response } = await runObjectCall(
    connection,
    { ...call, source, onSentBytes },
    request,
    (client) => {
      const sent = requestHeaders(headers, key)
      // putStream treats a length of 0 as no length and sends in chunks: ali-oss 6.23 lib/object.js `putStream`.
      if (sizeBytes === 0) return client.put(key, Buffer.alloc(0), { headers: sent })
      return withPlaceholder((stream) =>
        client.putStream(key, stream, {
          headers: sent,
          ...(sizeBytes !== undefined && { contentLength: sizeBytes }),
        }),
      )
    },
  )
  return { ...statusAndHeaders(response), ...(call.hasCallback && { data: response.data }) }
}

/**
 * Describes a put.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function describedPut({
  key,
  headers,
  sizeBytes,
  signal,
}: Pick<PutObjectRequest, 'key' | 'headers' | 'signal'> & {
  readonly sizeBytes: number | undefined
}): DescribedCall {
  checkObjectKey(key)
  const sent = requestHeaders(headers, key)
  const empty = sizeBytes === 0
  return {
    call: {
      operation: 'put',
      objectKey: key,
      signal,
      expected: { etag: true },
      hasCallback: OSS_HEADERS.callback in sent,
    },
    request: {
      method: 'PUT',
      key,
      statuses: [200],
      empty,
      headers: empty ? sent : { ...sent, ...lengthHeader(sizeBytes) },
    },
  }
}

function lengthHeader(sizeBytes: number | undefined): Readonly<Record<string, string>> {
  return sizeBytes === undefined
    ? { 'transfer-encoding': 'chunked' }
    : { 'content-length': String(sizeBytes) }
}
