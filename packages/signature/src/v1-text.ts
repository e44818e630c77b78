import type { AccessKey, RequestToSign } from './request-to-sign.ts'
import { byName, DATE_HEADER, headerLines, signedHeaders } from './signed-headers.ts'

/**
 * Returns the text that version 1 signs.
 *
 * @throws TypeError if the request has no date
 */
export function stringToSignV1({ method, bucket, key = '', subresources, headers }: RequestToSign): string {
  const date = headers[DATE_HEADER] ?? headers['date']
  if (date === undefined) throw new TypeError(`The header ${DATE_HEADER} is missing.`)
  const { 'content-md5': md5 = '', 'content-type': type = '' } = headers
  const resource = bucket === undefined ? '/' : `/${bucket}/${key}`
  const lines = headerLines(signedHeaders(headers, () => false))
  return `${method}\n${md5.trim()}\n${type.trim()}\n${date.trim()}\n${lines}${resource}${queryOf(subresources)}`
}

/** Returns the value of the Authorization header. */
export function authorizationV1({ accessKeyId }: AccessKey, signature: string): string {
  return `OSS ${accessKeyId}:${signature}`
}

/** The subresources as they are signed: not escaped. */
function queryOf(subresources: RequestToSign['subresources']): string {
  const entries = Object.entries(subresources ?? {})
  if (entries.length === 0) return ''
  return `?${entries
    .sort(byName)
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
    .join('&')}`
}
