import { limitParameter } from '../limit-parameter.ts'
import type { OperationContext } from '../operation-context.ts'

const DEFAULT_KEYS = 100
const MAX_KEYS = 1000

/** The query parameters that each list of objects has. */
export function listQuery({ request, maxListedKeys }: OperationContext): {
  prefix: string
  delimiter: string
  limit: number
} {
  return {
    prefix: request.parameter('prefix') ?? '',
    delimiter: request.parameter('delimiter') ?? '',
    limit: Math.min(limitParameter(request, 'max-keys', DEFAULT_KEYS, MAX_KEYS), maxListedKeys),
  }
}
