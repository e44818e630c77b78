import { type CallOptions, orAborted, TransportError } from '@oss-cse/crypto-core'
import { refusesCredentials } from '@oss-cse/crypto-core/internal'
import type { AuthorizedRequest, Authorizer, RequestToAuthorize } from './authorizer.ts'
import { saidRetryable } from './said-retryable.ts'

/**
 * Lets somebody else sign the request, usually the server of the app. It resolves to the URL and the headers to send in
 * addition. To refuse a request, it throws anything: a CseError is thrown as it is, anything else is the cause of an
 * `ERR_CSE_ACCESS_DENIED`.
 *
 * There is no retry, except after a `TypeError`, which `fetch` throws if there is no response; after an error, or a thrown
 * `Response`, whose `status` is 408, 429, 500, 502, 503 or 504; and after an error whose `retryable` is true. A `retryable`
 * that is false rules all of them out.
 *
 * @example
 * ```ts
 * const authorize: Authorize = async (request, { signal }) => {
 *   const response = await fetch('/sign', { method: 'POST', body: JSON.stringify(request), signal: signal ?? null })
 *   if (!response.ok) throw response
 *   return response.json()
 * }
 * ```
 */
export type Authorize = (request: RequestToAuthorize, options: CallOptions) => Promise<AuthorizedRequest>

/** Lets a function authorize requests. It is asked again for the same request when the service refuses its credentials. */
export function foreignSignatures(authorize: Authorize): Authorizer {
  return {
    async authorize(request, options) {
      return checked(await orAborted(authorize(request, options), options.signal))
    },
    // Browsers have different texts for it, and no code.
    mayRetry: (error) => saidRetryable(error) ?? error instanceof TypeError,
    refused: (_request, { serviceCode }) => (refusesCredentials(serviceCode) ? 'credentials' : undefined),
  }
}

function checked(authorized: AuthorizedRequest): AuthorizedRequest {
  const { url, headers } = authorized ?? {}
  const isValid =
    typeof url === 'string' &&
    /^https?:/i.test(url) &&
    typeof headers === 'object' &&
    headers !== null &&
    Object.values(headers).every((value) => typeof value === 'string')
  if (isValid) return authorized
  throw new TransportError(
    'ERR_CSE_ACCESS_DENIED',
    'No request was sent: `authorize` must resolve to { url, headers }, with texts as values.',
    { retryable: false },
  )
}
