import { type CopyObjectRequest, OSS_HEADERS, type PutObjectResponse } from '@oss-cse/crypto-core'
import { checkBucketName, checkObjectKey, copyHeaders } from '@oss-cse/crypto-core/internal'
import type { RequestParams } from '../ali-oss/ali-oss-client.ts'
import type { Connection } from '../ali-oss/client-options.ts'
import { statusAndHeaders } from '../http/object-response.ts'
import { type OssCall, runCall } from './oss-call.ts'

/** See `OssTransport.copy`. */
export async function copyObject(
  connection: Connection,
  { sourceKey, sourceBucket, sourceVersionId, key, headers, signal }: CopyObjectRequest,
): Promise<PutObjectResponse> {
  checkObjectKey(sourceKey)
  checkObjectKey(key)
  if (sourceBucket !== undefined) checkBucketName(sourceBucket)
  const sent = copyHeaders(headers, key)
  const call: OssCall = {
    operation: `copy "${sourceKey}" to`,
    objectKey: key,
    signal,
    expected: { root: 'CopyObjectResult' },
  }
  const { response } = await runCall(connection, call, (client) => {
    const { request } = client
    Object.defineProperty(client, 'request', {
      // ali-oss repeats every header as a condition on the source, `x-oss-copy-source-<header>` (ali-oss 6.23
      // lib/common/object/copyObject.js). Before it signs, remove all headers that the caller did not pass.
      value: (params: RequestParams) => {
        const copySource = params.headers?.[OSS_HEADERS.copySource]
        params.headers = {
          ...sent,
          ...(copySource !== undefined && { [OSS_HEADERS.copySource]: copySource }),
        }
        return request.call(client, params)
      },
    })
    return client.copy(key, sourceKey, sourceBucket ?? connection.bucket, {
      headers: { ...sent },
      // ali-oss writes it into a header as it is.
      ...(sourceVersionId !== undefined && { versionId: encodeURIComponent(sourceVersionId) }),
    })
  })
  return statusAndHeaders(response)
}
