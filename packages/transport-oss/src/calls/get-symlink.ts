import { OSS_HEADERS, type SymlinkRequest, type SymlinkResponse } from '@oss-cse/crypto-core'
import { checkObjectKey, foreignResponse, requestHeaders } from '@oss-cse/crypto-core/internal'
import type { Connection } from '../ali-oss/client-options.ts'
import { contextOf, type OssCall, runCall } from './oss-call.ts'

/** See `OssTransport.getSymlink`. */
export async function getSymlink(
  connection: Connection,
  { key, headers, versionId, signal }: SymlinkRequest,
): Promise<SymlinkResponse> {
  checkObjectKey(key)
  const sent = requestHeaders(headers, key)
  const call: OssCall = { operation: 'read the symbolic link', objectKey: key, signal }
  const { value, response } = await runCall(
    connection,
    call,
    (client) =>
      client.getSymlink(key, {
        headers: sent,
        ...(versionId !== undefined && { versionId }),
      }) as Promise<{ targetName?: unknown }>,
  )
  const { targetName } = value
  // ali-oss also decodes a missing header, and returns a name for it: lib/common/object/getSymlink.js.
  if (typeof targetName !== 'string' || !response.headers[OSS_HEADERS.symlinkTarget]) {
    throw foreignResponse(contextOf(connection, call), response.status, OSS_HEADERS.symlinkTarget)
  }
  return { targetKey: targetName }
}
