import type { HeadObjectRequest, HeadObjectResponse } from '@oss-cse/crypto-core'
import { checkObjectKey, requestHeaders } from '@oss-cse/crypto-core/internal'
import type { Connection } from '../ali-oss/client-options.ts'
import { statusAndHeaders } from '../http/object-response.ts'
import { STORED_BYTES } from '../http/stored-bytes.ts'
import type { ObjectRequest } from '../signing/object-request.ts'
import { type OssCall, runObjectCall } from './oss-call.ts'

/** See `OssTransport.head`. */
export async function headObject(
  connection: Connection,
  { key, headers, versionId, signal }: HeadObjectRequest,
): Promise<HeadObjectResponse> {
  checkObjectKey(key)
  const sent = { ...requestHeaders(headers, key), ...STORED_BYTES }
  const call: OssCall = { operation: 'head', objectKey: key, signal }
  // ali-oss ignores an empty version: lib/common/object/head.js.
  const subresources = versionId ? { versionId } : undefined
  const request: ObjectRequest = { method: 'HEAD', key, subresources, headers: sent, statuses: [200] }
  const { response } = await runObjectCall(connection, call, request, (client) =>
    client.head(key, { headers: sent, ...(versionId !== undefined && { versionId }) }),
  )
  return statusAndHeaders(response)
}
