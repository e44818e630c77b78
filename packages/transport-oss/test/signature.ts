import { createHash, createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/**
 * Returns whether a request has the V4 signature of `secret`. The request must have its bucket in its path. The signature
 * is computed from what arrived, so a secret, a key id and a token that do not belong together are detected.
 */
export function isSignedWith(secret: string, { method, url = '', headers }: IncomingMessage): boolean {
  const match = /^OSS4-HMAC-SHA256 Credential=[^/]+\/([^,]+),Signature=([0-9a-f]{64})$/.exec(
    headers.authorization ?? '',
  )
  if (match === null) return false
  const [, scope = '', signature] = match
  const [path = '', query = ''] = url.split('?')
  const signed = Object.entries(headers)
    .filter(([name]) => name.startsWith('x-oss-') || name === 'content-type' || name === 'content-md5')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}:${String(value).trim()}\n`)
  const canonical = [
    method,
    path,
    query.split('&').sort().join('&'),
    signed.join(''),
    '',
    headers['x-oss-content-sha256'],
  ]
  const text = [
    'OSS4-HMAC-SHA256',
    headers['x-oss-date'],
    scope,
    createHash('sha256').update(canonical.join('\n')).digest('hex'),
  ].join('\n')
  // The scope's parts, one after the other: date, region, product, `aliyun_v4_request`.
  const key = scope.split('/').reduce<string | Buffer>(hmac, `aliyun_v4${secret}`)
  return hmac(key, text).toString('hex') === signature
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
