import { type CredentialsProvider, CseError } from '@oss-cse/crypto-core'
import type { BucketAddress } from '@oss-cse/crypto-core/internal'
import { type BucketSite, bucketSite } from './bucket-site.ts'
import type { Authorizer } from './signing/authorizer.ts'
import { type Authorize, foreignSignatures } from './signing/foreign-signatures.ts'
import { ownSignatures } from './signing/own-signatures.ts'

/** Options of a `FetchTransport`: the address of the bucket, and either `credentials` or `authorize`. */
export interface FetchTransportOptions extends BucketAddress {
  /**
   * Returns temporary (STS) credentials, usually from your server. They are kept until five minutes before their
   * `expiration`, or for a minute without one. Requests that wait share one call. After a refusal by the service they
   * are asked for again, once per request. An error of it is retried by the bucket, unless its `retryable` is false, or its
   * `status` is one that will not pass.
   */
  readonly credentials?: CredentialsProvider | undefined
  /**
   * Lets your server sign each request, so that the page has no credentials. `signRequest` of
   * `@oss-cse/transport-fetch/server` does that. An error of it is not retried, except as `Authorize` says.
   */
  readonly authorize?: Authorize | undefined
}

/** A bucket and who authorizes its requests. */
export interface Connection {
  readonly site: BucketSite
  readonly authorizer: Authorizer
}

/**
 * Checks the options of a transport.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`; `ERR_CSE_OPERATION_REFUSED` where requests cannot be signed
 */
export function connect(options: FetchTransportOptions): Connection {
  if (typeof options !== 'object' || options === null) {
    throw invalid(
      'FetchTransport needs options: { bucket, region, credentials } or { bucket, region, authorize }.',
    )
  }
  const { credentials, authorize } = options
  const site = bucketSite(options)
  if ((credentials === undefined) === (authorize === undefined)) {
    throw invalid('Pass either `credentials` or `authorize`.')
  }
  if (authorize !== undefined) {
    if (typeof authorize !== 'function') throw invalid('`authorize` must be a function.')
    return { site, authorizer: foreignSignatures(authorize) }
  }
  if (typeof credentials?.getCredential !== 'function') {
    throw invalid(
      '`credentials` must have a function getCredential() that resolves to { accessKeyId, accessKeySecret, securityToken, expiration }.',
    )
  }
  return { site, authorizer: ownSignatures(site, credentials) }
}

function invalid(message: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', message)
}
