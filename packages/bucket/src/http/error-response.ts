import { CseError, type CseErrorCode } from '@oss-cse/crypto-core'
import { SAFE_HEADERS } from './safe-headers.ts'

/** Every other code is a failure behind this server: 502. */
const STATUSES: ReadonlyMap<CseErrorCode, number> = new Map([
  ['ERR_CSE_ACCESS_DENIED', 403],
  ['ERR_CSE_CREDENTIALS_EXPIRED', 403],
  ['ERR_CSE_DEADLINE_EXCEEDED', 504],
  ['ERR_CSE_INVALID_ARGUMENT', 400],
  ['ERR_CSE_NOT_FOUND', 404],
  ['ERR_CSE_OPERATION_REFUSED', 403],
  ['ERR_CSE_PRECONDITION_FAILED', 412],
  ['ERR_CSE_RANGE_NOT_SATISFIABLE', 416],
  ['ERR_CSE_THROTTLED', 503],
  ['ERR_CSE_TIMEOUT', 504],
])

/** The response to a request that failed. It contains the error's code and nothing else of the error. */
export function errorResponse(error: unknown, request: Pick<Request, 'method'>): Response {
  if (!CseError.isInstance(error)) return failure(500, 'internal error', request)
  const { code } = error
  return failure(STATUSES.get(code) ?? 502, code, request)
}

/** A response with a status and one line of text, without a body for a HEAD. */
export function failure(
  status: number,
  why: string,
  { method }: Pick<Request, 'method'>,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const text = `${status} ${why}\n`
  return new Response(method === 'HEAD' ? null : text, {
    status,
    headers: {
      ...SAFE_HEADERS,
      'content-type': 'text/plain; charset=utf-8',
      'content-length': String(text.length),
      ...headers,
    },
  })
}
