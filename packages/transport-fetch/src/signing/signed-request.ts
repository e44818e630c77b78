import { type AccessCredentials, OSS_HEADERS } from '@oss-cse/crypto-core'
import { signV4 } from '@oss-cse/signature'
import type { BucketSite } from '../bucket-site.ts'
import type { AuthorizedRequest, RequestToAuthorize } from './authorizer.ts'

/**
 * Signs a request with version 4, without its body.
 *
 * @param timeMs - the time of the service, in milliseconds since 1970
 */
export async function signedRequest(
  { bucket, region, url }: BucketSite,
  { method, key, query, headers }: RequestToAuthorize,
  { accessKeyId, accessKeySecret, securityToken }: AccessCredentials,
  timeMs: number,
): Promise<AuthorizedRequest> {
  const added = {
    // 20261129T140553Z
    [OSS_HEADERS.date]: new Date(timeMs).toISOString().replace(/[-:]|\.\d+/g, ''),
    [OSS_HEADERS.contentSha256]: 'UNSIGNED-PAYLOAD',
    ...(securityToken !== undefined && { [OSS_HEADERS.securityToken]: securityToken }),
  }
  const toSign = { method, bucket, key, query, headers: { ...headers, ...added } }
  const authorization = await signV4(toSign, { accessKeyId, accessKeySecret }, { region })
  return { url: url(key, query), headers: { ...added, authorization } }
}
