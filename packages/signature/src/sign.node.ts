import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto'
import { RecentKeys } from './recent-keys.ts'
import type { AccessKey, RequestToSign, RequestToSignV4, SignatureScope } from './request-to-sign.ts'
import { authorizationV1, stringToSignV1 } from './v1-text.ts'
import {
  authorizationV4,
  canonicalRequest,
  REQUEST_TERMINATOR,
  type RequestScope,
  scopeOf,
  stringToSignV4,
} from './v4-text.ts'

const recentKeys = new RecentKeys<KeyObject>()

/**
 * Signs a request with version 4.
 *
 * Set the headers `x-oss-date` (`YYYYMMDDTHHMMSSZ`, UTC) and `x-oss-content-sha256: UNSIGNED-PAYLOAD` first, and
 * `x-oss-security-token` with temporary credentials.
 *
 * @returns the value of the Authorization header. A promise of it in browsers and workers.
 * @throws TypeError if the date or an additional header is missing
 * @throws URIError for half of a surrogate pair in the key or the query
 *
 * @example
 * ```ts
 * const headers = { 'x-oss-date': '20261129T140553Z', 'x-oss-content-sha256': 'UNSIGNED-PAYLOAD' }
 * const request = { method: 'GET', bucket: 'my-bucket', key: 'report.pdf', headers }
 * const authorization = await signV4(request, { accessKeyId, accessKeySecret }, { region: 'cn-hangzhou' })
 * ```
 */
export function signV4(request: RequestToSignV4, accessKey: AccessKey, scope: SignatureScope): string {
  const requestScope = scopeOf(request, scope)
  const text = stringToSignV4(requestScope, hash('sha256', canonicalRequest(request)))
  const signature = createHmac('sha256', signingKey(accessKey, requestScope)).update(text).digest('hex')
  return authorizationV4(request, accessKey, requestScope, signature)
}

/**
 * Signs a request with version 1. Set the header `x-oss-date` first (`Sun, 29 Nov 2026 14:05:53 GMT`), or `date`, and
 * `x-oss-security-token` with temporary credentials.
 *
 * @returns the value of the Authorization header. A promise of it in browsers and workers.
 * @throws TypeError if the date is missing
 */
export function signV1(request: RequestToSign, accessKey: AccessKey): string {
  const signature = createHmac('sha1', accessKey.accessKeySecret)
    .update(stringToSignV1(request))
    .digest('base64')
  return authorizationV1(accessKey, signature)
}

function signingKey(accessKey: AccessKey, scope: RequestScope): KeyObject {
  const known = recentKeys.find(accessKey, scope)
  if (known !== undefined) return known
  let key: KeyObject | string = `aliyun_v4${accessKey.accessKeySecret}`
  for (const text of [scope.day, scope.region, scope.product, REQUEST_TERMINATOR]) key = derived(key, text)
  recentKeys.keep(accessKey, scope, key as KeyObject)
  return key as KeyObject
}

/** Node.js 24 is much slower with a Buffer as the key than with a KeyObject. */
function derived(key: KeyObject | string, text: string): KeyObject {
  return createSecretKey(createHmac('sha256', key).update(text).digest())
}
