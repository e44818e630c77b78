import type { GetObjectRequest, GetObjectResponse } from '@oss-cse/crypto-core'
import type { Connection } from '../ali-oss/client-options.ts'
import { foreignResponse } from '../http/oss-errors.ts'
import type { ObjectRequest } from '../signing/object-request.ts'
import { checkObjectKey } from './object-key.ts'
import { contextOf, type OssCall, runObjectCall, statusAndHeaders } from './oss-call.ts'
import { requestHeaders, STORED_BYTES } from './request-headers.ts'

/** See `OssTransport.get`. */
export async function getObject(
  connection: Connection,
  { key, headers, versionId, signal }: GetObjectRequest,
): Promise<GetObjectResponse> {
  checkObjectKey(key)
  const sent = { ...requestHeaders(headers, key), ...STORED_BYTES }
  const call: OssCall = { operation: 'get', objectKey: key, signal }
  const subresources = versionId === undefined ? undefined : { versionId }
  const request: ObjectRequest = {
    method: 'GET',
    key,
    subresources,
    headers: sent,
    streamed: true,
    statuses: [200, 206],
  }
  const response = await runObjectCall(connection, call, request, (client) =>
    client.getStream(key, { headers: sent, ...(subresources !== undefined && { subres: subresources }) }),
  )
  if (response.body === undefined) throw foreignResponse(contextOf(connection, call), response.status, 'body')
  return { ...statusAndHeaders(response), body: response.body }
}
