import type { GetObjectRequest, GetObjectResponse } from '@oss-cse/crypto-core'
import { checkObjectKey, requestHeaders } from '@oss-cse/crypto-core/internal'
import type { Connection } from '../ali-oss/client-options.ts'
import { withBody } from '../http/object-response.ts'
import { STORED_BYTES } from '../http/stored-bytes.ts'
import { contextOf, type DescribedCall, runObjectCall } from './oss-call.ts'

/** See `OssTransport.get`. */
export async function getObject(
  connection: Connection,
  { key, headers, versionId, signal }: GetObjectRequest,
): Promise<GetObjectResponse> {
  const { call, request } = describedGet({ key, headers, versionId, signal })
  const { headers: sent, subresources } = request
  const { response } = await runObjectCall(connection, call, request, (client) =>
    client.getStream(key, { headers: sent, ...(subresources !== undefined && { subres: subresources }) }),
  )
  return withBody(response, contextOf(connection, call))
}

/**
 * Describes a get.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function describedGet({ key, headers, versionId, signal }: GetObjectRequest): DescribedCall {
  checkObjectKey(key)
  return {
    call: { operation: 'get', objectKey: key, signal },
    request: {
      method: 'GET',
      key,
      subresources: versionId === undefined ? undefined : { versionId },
      headers: { ...requestHeaders(headers, key), ...STORED_BYTES },
      streamed: true,
      statuses: [200, 206],
    },
  }
}
