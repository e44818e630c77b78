import { invalidArgument } from '../protocol/error-catalog.ts'
import { escapeRfc3986 } from '../protocol/escape-rfc3986.ts'
import type { OssRequest } from '../protocol/oss-request.ts'

/**
 * Returns the function that writes keys into an XML response. It escapes them if the request has `encoding-type=url`.
 *
 * @throws OssError `InvalidArgument` for another encoding
 */
export function keyEncoder(request: OssRequest): (key: string) => string {
  const encoding = request.parameter('encoding-type')
  if (encoding === undefined || encoding === '') return (key) => key
  if (encoding.toLowerCase() !== 'url') {
    throw invalidArgument('Invalid Encoding Method specified in Request.', undefined, {
      ArgumentName: 'encoding-type',
      ArgumentValue: encoding,
    })
  }
  return escapeRfc3986
}

/** The element of the response that names this encoding. */
export function encodingElement(request: OssRequest): Record<string, string> {
  const encoding = request.parameter('encoding-type')
  return encoding === undefined || encoding === '' ? {} : { EncodingType: encoding }
}
