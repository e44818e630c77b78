import { invalidArgument } from '../../protocol/error-catalog.ts'
import type { OperationContext } from '../operation-context.ts'

const MAX_PART_NUMBER = 10_000

/**
 * The `partNumber` of a request.
 *
 * @throws OssError `InvalidArgument`
 */
export function partNumberOf(context: OperationContext): number {
  const text = context.request.parameter('partNumber') ?? ''
  const number = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (number < 1 || number > MAX_PART_NUMBER) {
    throw invalidArgument('Part number must be an integer between 1 and 10000, inclusive.', undefined, {
      ArgumentName: 'partNumber',
      ArgumentValue: text,
    })
  }
  return number
}
