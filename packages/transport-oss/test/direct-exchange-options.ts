import type { ExchangeOptions } from '../src/http/http-exchange.ts'
import { RequestScope } from '../src/http/request-scope.ts'

/** The options of one exchange of a test. */
export function exchangeOptions(
  more: { signal?: AbortSignal; idleTimeoutMs?: number } = {},
): ExchangeOptions {
  const { signal, idleTimeoutMs = 60_000 } = more
  return { scope: new RequestScope(signal), context: { operation: 'get' }, idleTimeoutMs, expected: {} }
}
