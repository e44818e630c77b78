import { invalidArgument } from '../protocol/error-catalog.ts'
import { escapeRfc3986 } from '../protocol/escape-rfc3986.ts'
import type { OssRequest } from '../protocol/oss-request.ts'

/**
 * How keys are written into an XML answer: escaped where the request says `encoding-type=url`.
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

/** The element that says so. */
export function encodingElement(request: OssRequest): Record<string, string> {
  const encoding = request.parameter('encoding-type')
  return encoding === undefined || encoding === '' ? {} : { EncodingType: encoding }
}

/**
 * A limit of how many entries to answer.
 *
 * @throws OssError `InvalidArgument` when it is not a number from `minimum` to `maximum`
 */
export function limitParameter(
  request: OssRequest,
  name: string,
  fallback: number,
  maximum: number,
  minimum = 1,
): number {
  const text = request.parameter(name)
  if (text === undefined || text === '') return fallback
  const number = /^\d{1,6}$/.test(text) ? Number(text) : -1
  if (number < minimum || number > maximum) {
    throw invalidArgument(
      `Argument ${name} must be an integer between ${minimum} and ${maximum}.`,
      undefined,
      {
        ArgumentName: name,
        ArgumentValue: text,
      },
    )
  }
  return number
}
