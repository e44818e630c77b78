import { type AccessCredentials, type CredentialsProvider, CseError } from '@oss-cse/crypto-core'
import { CredentialRefresher, refusesCredentials } from '@oss-cse/crypto-core/internal'
import type { BucketSite } from '../bucket-site.ts'
import type { AuthorizedRequest, Authorizer } from './authorizer.ts'
import { saidRetryable } from './said-retryable.ts'
import { signedRequest } from './signed-request.ts'

/** The maximum wait for `credentials`, in milliseconds. */
const CREDENTIALS_TIMEOUT_MS = 60_000
/** The code of a request whose time is too far from that of the service. */
const SKEWED = 'RequestTimeTooSkewed'
/** The service accepts 15 minutes, in milliseconds. */
const SKEW_MS = 840_000

/** What a request was signed with. Others may have corrected the clock since. */
interface Signature {
  readonly credentials: AccessCredentials
  readonly timeMs: number
}

/**
 * Signs requests with the credentials of a provider, by the clock of the service as far as it is known.
 *
 * @throws CseError `ERR_CSE_OPERATION_REFUSED` where WebCrypto is missing
 */
export function ownSignatures(site: BucketSite, provider: CredentialsProvider): Authorizer {
  if (globalThis.crypto?.subtle === undefined) {
    throw new CseError(
      'ERR_CSE_OPERATION_REFUSED',
      'Requests cannot be signed here, because this page has no WebCrypto. Browsers have it only in secure contexts: serve the page over https:// or from localhost, or let your server sign with `authorize`.',
    )
  }
  /** How far the clock of the service is ahead of the local one, in milliseconds. */
  let aheadMs = 0
  const now = (): number => Date.now() + aheadMs
  const refresher = new CredentialRefresher(provider, { timeoutMs: CREDENTIALS_TIMEOUT_MS, now })
  const signatures = new WeakMap<AuthorizedRequest, Signature>()
  return {
    async authorize(request, options) {
      const credentials = await refresher.fresh(options)
      const timeMs = now()
      const signed = await signedRequest(site, request, credentials, timeMs)
      signatures.set(signed, { credentials, timeMs })
      return signed
    },
    // The clients of the vendor throw the same errors for what passes and what does not.
    mayRetry: (error) => saidRetryable(error) ?? true,
    refused(request, { status, serviceCode, serviceTimeMs }) {
      const signature = signatures.get(request)
      if (signature === undefined) return undefined
      // The response to a HEAD may show its time, and not its code.
      const canBeClock = serviceCode === SKEWED || (serviceCode === undefined && status === 403)
      if (canBeClock && serviceTimeMs !== undefined && Math.abs(serviceTimeMs - signature.timeMs) > SKEW_MS) {
        aheadMs = serviceTimeMs - Date.now()
        return 'clock'
      }
      if (!refusesCredentials(serviceCode)) return undefined
      refresher.expire(signature.credentials)
      return 'credentials'
    },
  }
}
