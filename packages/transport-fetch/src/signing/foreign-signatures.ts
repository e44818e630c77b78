import { type CallOptions, orAborted, TransportError } from '@oss-cse/crypto-core'
import { refusesCredentials } from '@oss-cse/crypto-core/internal'
import type { AuthorizedRequest, Authorizer, RequestToAuthorize } from './authorizer.ts'

/** Lets somebody else sign the request, usually the server of the app. */
export type Authorize = (request: RequestToAuthorize, options: CallOptions) => Promise<AuthorizedRequest>

/** Lets a function authorize requests. It is asked again for the same request when the service refuses its credentials. */
export function foreignSignatures(authorize: Authorize): Authorizer {
  return {
    async authorize(request, options) {
      return checked(await orAborted(authorize(request, options), options.signal))
    },
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
