import type { HeadObjectRequest, HeadObjectResponse } from '@oss-cse/crypto-core'
import type { Connection } from '../ali-oss/client-options.ts'
import { checkObjectKey } from './object-key.ts'
import { type OssCall, runCall, statusAndHeaders } from './oss-call.ts'
import { requestHeaders, STORED_BYTES } from './request-headers.ts'

/** See `OssTransport.head`. */
export async function headObject(
  connection: Connection,
  { key, headers, versionId, signal }: HeadObjectRequest,
): Promise<HeadObjectResponse> {
  checkObjectKey(key)
  const sent = { ...requestHeaders(headers, key), ...STORED_BYTES }
  const call: OssCall = { operation: 'head', objectKey: key, signal }
  const { response } = await runCall(connection, call, (client) =>
    client.head(key, { headers: sent, ...(versionId !== undefined && { versionId }) }),
  )
  return statusAndHeaders(response)
}
