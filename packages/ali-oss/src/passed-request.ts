import { type AccessCredentials, OSS_HEADERS, TransportError } from '@oss-cse/crypto-core'
import { ClientTokenRefresher } from '@oss-cse/transport-oss'
import type OSS from 'ali-oss'
import { internalsOf } from './ali-oss-internals.ts'
import { type ServiceError, serviceError } from './service-error.ts'

/** What ali-oss 6.23 lib/client.js `request` makes of a response. */
export interface PassedResult {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly res: object
  readonly data: unknown
}

/** What ali-oss is to send; only that it has a stream is looked at. */
export interface PassedParams {
  readonly stream?: unknown
}

/** How long `refreshSTSToken` may take, in milliseconds: the transport's default. */
const REFRESH_TIMEOUT_MS = 60_000

const REFUSED_CREDENTIALS: ReadonlySet<string | undefined> = new Set([
  'InvalidAccessKeyId',
  'InvalidSecurityToken',
  'SecurityTokenExpired',
])

/**
 * Sends a request of ali-oss that is passed through, with what holds for encrypted ones too: it waits for a token that is
 * being renewed, it is sent once more when the service refuses an expired one, and a success is one of the service.
 *
 * @param client - the client, or a view of it
 * @param send - sends the request by a client whose credentials are fresh; more than once unless it has a stream
 * @throws what ali-oss throws, and what `refreshSTSToken` throws
 */
export async function passRequest(
  client: OSS,
  params: PassedParams,
  send: (client: OSS) => Promise<PassedResult>,
): Promise<PassedResult> {
  const tokens = new ClientTokenRefresher(client, REFRESH_TIMEOUT_MS)
  let credentials = await tokens.fresh()
  if (credentials === undefined) return ofService(await send(client))
  try {
    return ofService(await send(signedBy(client, credentials)))
  } catch (error) {
    if (!REFUSED_CREDENTIALS.has((error as ServiceError).code)) throw error
    tokens.expire(credentials)
    if (params.stream) throw error
    credentials = (await tokens.fresh()) ?? credentials
    return ofService(await send(signedBy(client, credentials)))
  }
}

/** A view of a client that signs by credentials that are fresh: ali-oss need not renew them. */
function signedBy(client: OSS, { accessKeyId, accessKeySecret, securityToken }: AccessCredentials): OSS {
  const { options } = internalsOf(client)
  const signing = { accessKeyId, accessKeySecret, stsToken: securityToken, refreshSTSToken: undefined }
  return Object.create(client, { options: { value: { ...options, ...signing } } })
}

/** Refuses a success of a proxy or a captive portal, after which nothing has happened. */
function ofService(result: PassedResult): PassedResult {
  const { status, headers } = result
  if (status < 200 || status > 299 || headers[OSS_HEADERS.requestId] !== undefined) return result
  const message = `This is not a response of OSS (HTTP status ${status}): it has no ${OSS_HEADERS.requestId}. Check the endpoint and any proxy.`
  throw serviceError(new TransportError('ERR_CSE_SERVICE', message, { status, retryable: false }))
}
