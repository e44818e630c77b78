import type { GetObjectResponse, PutObjectResponse } from '@oss-cse/crypto-core'
import { foreignResponse, type RequestContext } from '@oss-cse/crypto-core/internal'
import type { ExchangeResponse } from './http-exchange.ts'

/** What the caller of a request expects. */
interface Expectation {
  /** The statuses of success. */
  readonly statuses: readonly number[]
  /** True when a callback server decides about the status. */
  readonly hasCallback?: boolean
}

/**
 * Checks that the status of a successful response is one that the caller expects.
 *
 * @throws TransportError `ERR_CSE_SERVICE`
 */
export function checkExpectedStatus(
  { status }: ExchangeResponse,
  { statuses, hasCallback }: Expectation,
  context: RequestContext,
): void {
  if (hasCallback || statuses.includes(status)) return
  throw foreignResponse(context, status, 'readable document')
}

/** The fields of a response that callers receive. */
export function statusAndHeaders({ status, headers }: ExchangeResponse): Omit<PutObjectResponse, 'data'> {
  return { status, headers }
}

/**
 * The response to a get.
 *
 * @throws TransportError `ERR_CSE_SERVICE` when it has no body
 */
export function withBody(response: ExchangeResponse, context: RequestContext): GetObjectResponse {
  const { status, body } = response
  if (body === undefined) throw foreignResponse(context, status, 'body')
  return { ...statusAndHeaders(response), body }
}
