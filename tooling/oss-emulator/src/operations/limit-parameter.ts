import { invalidArgument } from '../protocol/error-catalog.ts'
import type { OssRequest } from '../protocol/oss-request.ts'

/**
 * The maximum number of entries in a page of a list.
 *
 * @throws OssError `InvalidArgument` if it is not a number from `minimum` to `maximum`
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
