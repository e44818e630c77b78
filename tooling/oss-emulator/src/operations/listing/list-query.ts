import type { OssRequest } from '../../protocol/oss-request.ts'
import { limitParameter } from '../limit-parameter.ts'

const DEFAULT_KEYS = 100
const MAX_KEYS = 1000

/** The query parameters that each list of objects has. */
export function listQuery(request: OssRequest): { prefix: string; delimiter: string; limit: number } {
  return {
    prefix: request.parameter('prefix') ?? '',
    delimiter: request.parameter('delimiter') ?? '',
    limit: limitParameter(request, 'max-keys', DEFAULT_KEYS, MAX_KEYS),
  }
}
