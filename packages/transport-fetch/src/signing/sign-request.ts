import { type AccessCredentials, CseError } from '@oss-cse/crypto-core'
import { checkObjectKey, requestHeaders } from '@oss-cse/crypto-core/internal'
import { bucketSite } from '../bucket-site.ts'
import type { AuthorizedRequest, RequestToAuthorize } from './authorizer.ts'
import { signedRequest } from './signed-request.ts'
import { checkPolicy, policyProblem, type SigningPolicy } from './signing-policy.ts'

const METHODS: ReadonlySet<unknown> = new Set(['GET', 'HEAD', 'PUT', 'POST', 'DELETE'])
const CONTROL = /\p{Cc}/u

/**
 * Signs a request of a page, on the server of the app, if a policy allows it. It is the counterpart of `authorize` of
 * `FetchTransport`. Decide first who the user is: the policy is what this user may do.
 *
 * The signature covers the method, the key, all parameters, and the headers `x-oss-*`, `content-type` and
 * `content-md5`. It does not cover the body. It is valid for 15 minutes, also for other bodies, and until the
 * credentials expire.
 *
 * @param request - what the page sent, parsed from JSON. Nothing about it is trusted
 * @returns the URL, and the headers to send in addition. Temporary credentials add their token, which is no secret without
 *   their secret
 * @throws CseError `ERR_CSE_OPERATION_REFUSED` for a request that the policy does not allow; `ERR_CSE_INVALID_ARGUMENT`
 *   for an invalid policy
 *
 * @example
 * ```ts
 * const policy = { bucket, region, operations: ['read', 'put', 'multipart'], keyPrefix: `users/${user.id}/` } as const
 * return Response.json(await signRequest(await request.json(), credentials, policy))
 * ```
 */
export async function signRequest(
  request: unknown,
  credentials: AccessCredentials,
  policy: SigningPolicy,
): Promise<AuthorizedRequest> {
  checkPolicy(policy)
  const site = bucketSite(policy)
  const checked = checkedRequest(request)
  const problem = policyProblem(checked, policy)
  if (problem !== undefined) throw refused(problem)
  return signedRequest(site, checked, credentials, Date.now())
}

function checkedRequest(request: unknown): RequestToAuthorize {
  if (!isRecord(request)) throw refused('it is not an object')
  const { method, key, query, headers } = request
  if (!METHODS.has(method)) throw refused('its method is unknown')
  if (!isTexts(query)) throw refused('its query must be an object with texts')
  if (!isTexts(headers)) throw refused('its headers must be an object with texts')
  // A line break in a header would end it where it is signed, and not where it is sent.
  if ([key, ...Object.entries(query).flat()].some((text) => CONTROL.test(String(text ?? '')))) {
    throw refused('its key or query has a control character')
  }
  try {
    if (key !== undefined) checkObjectKey(key as string)
    const signed = requestHeaders(headers)
    return {
      method: method as RequestToAuthorize['method'],
      ...(key !== undefined && { key: key as string }),
      query,
      headers: signed,
    }
  } catch (error) {
    throw refused(CseError.isInstance(error) ? error.message : 'it cannot be sent')
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return isRecord(value) && Object.values(value).every((text) => typeof text === 'string')
}

function refused(problem: string): CseError {
  return new CseError('ERR_CSE_OPERATION_REFUSED', `The request is not signed: ${problem}.`)
}
