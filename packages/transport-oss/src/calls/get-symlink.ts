import { OSS_HEADERS, type SymlinkRequest, type SymlinkResponse } from '@oss-cse/crypto-core'
import type { Connection } from '../ali-oss/client-options.ts'
import { foreignResponse } from '../http/oss-errors.ts'
import { checkObjectKey } from './object-key.ts'
import { contextOf, type OssCall, runCall } from './oss-call.ts'
import { requestHeaders } from './request-headers.ts'

/** See `OssTransport.getSymlink`. */
export async function getSymlink(
  connection: Connection,
  { key, headers, versionId, signal }: SymlinkRequest,
): Promise<SymlinkResponse> {
  checkObjectKey(key)
  const sent = requestHeaders(headers, key)
  const call: OssCall = { operation: 'read the symbolic link', objectKey: key, signal }
  const { value, answer } = await runCall(
    connection,
    call,
    (client) =>
      client.getSymlink(key, {
        headers: sent,
        ...(versionId !== undefined && { versionId }),
      }) as Promise<{ targetName?: unknown }>,
  )
  const { targetName } = value
  // ali-oss decodes a header that is not there too, and makes a name of it: lib/common/object/getSymlink.js.
  if (typeof targetName !== 'string' || !answer.headers[OSS_HEADERS.symlinkTarget]) {
    throw foreignResponse(contextOf(connection, call), answer.status, OSS_HEADERS.symlinkTarget)
  }
  return { targetKey: targetName }
}
