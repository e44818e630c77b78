import type { GetObjectRequest, GetObjectResponse } from '@oss-cse/crypto-core'
import type { Connection } from '../ali-oss/client-options.ts'
import { foreignResponse } from '../http/oss-errors.ts'
import { checkObjectKey } from './object-key.ts'
import { contextOf, type OssCall, runCall, statusAndHeaders } from './oss-call.ts'
import { requestHeaders, STORED_BYTES } from './request-headers.ts'

/** See `OssTransport.get`. */
export async function getObject(
  connection: Connection,
  { key, headers, versionId, signal }: GetObjectRequest,
): Promise<GetObjectResponse> {
  checkObjectKey(key)
  const sent = { ...requestHeaders(headers, key), ...STORED_BYTES }
  const call: OssCall = { operation: 'get', objectKey: key, signal }
  const { response } = await runCall(connection, call, (client) =>
    client.getStream(key, { headers: sent, ...(versionId !== undefined && { subres: { versionId } }) }),
  )
  if (response.body === undefined) throw foreignResponse(contextOf(connection, call), response.status, 'body')
  return { ...statusAndHeaders(response), body: response.body }
}
