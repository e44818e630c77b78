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

const recentKeys = new RecentKeys<CryptoKey>()

/**
 * Signs a request with version 4. The same as in Node.js, with WebCrypto. Browsers have it in secure contexts alone.
 *
 * @returns the value of the Authorization header
 */
export async function signV4(
  request: RequestToSignV4,
  { accessKeyId, accessKeySecret }: AccessKey,
  scope: SignatureScope,
): Promise<string> {
  // A copy: the app may renew the key in its object before this ends.
  const accessKey = { accessKeyId, accessKeySecret }
  const requestScope = scopeOf(request, scope)
  const canonical = await crypto.subtle.digest('SHA-256', bytesOf(canonicalRequest(request)))
  const text = stringToSignV4(requestScope, hex(canonical))
  const signature = await hmac(await signingKey(accessKey, requestScope), text)
  return authorizationV4(request, accessKey, requestScope, hex(signature))
}

/**
 * Signs a request with version 1. The same as in Node.js, with WebCrypto. Browsers have it in secure contexts alone.
 *
 * @returns the value of the Authorization header
 */
export async function signV1(
  request: RequestToSign,
  { accessKeyId, accessKeySecret }: AccessKey,
): Promise<string> {
  const text = stringToSignV1(request)
  const signature = await hmac(await importKey(bytesOf(accessKeySecret), 'SHA-1'), text)
  return authorizationV1(
    { accessKeyId, accessKeySecret },
    btoa(String.fromCharCode(...new Uint8Array(signature))),
  )
}

async function signingKey(accessKey: AccessKey, scope: RequestScope): Promise<CryptoKey> {
  const known = recentKeys.find(accessKey, scope)
  if (known !== undefined) return known
  let key = await importKey(bytesOf(`aliyun_v4${accessKey.accessKeySecret}`))
  for (const text of [scope.day, scope.region, scope.product, REQUEST_TERMINATOR]) {
    key = await importKey(await hmac(key, text))
  }
  recentKeys.keep(accessKey, scope, key)
  return key
}

function importKey(key: BufferSource, hash: 'SHA-1' | 'SHA-256' = 'SHA-256'): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', key, { name: 'HMAC', hash }, false, ['sign'])
}

function hmac(key: CryptoKey, text: string): Promise<ArrayBuffer> {
  return crypto.subtle.sign('HMAC', key, bytesOf(text))
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text)
}

function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
