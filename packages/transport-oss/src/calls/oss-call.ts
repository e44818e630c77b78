import { type AccessCredentials, CseError, TransportError } from '@oss-cse/crypto-core'
import {
  flatDocument,
  foreignResponse,
  isRefusedCredential,
  type RequestContext,
  signingFailure,
  type UploadSource,
} from '@oss-cse/crypto-core/internal'
import {
  type AliOssClient,
  derivedClient,
  type HttpClient,
  type SignedRequest,
} from '../ali-oss/ali-oss-client.ts'
import type { Connection } from '../ali-oss/client-options.ts'
import { type Address, addressOf } from '../http/address.ts'
import { isIntercepted } from '../http/direct/intercepted.ts'
import {
  type ExchangeResponse,
  type ExpectedResponse,
  exchange,
  type OutgoingRequest,
} from '../http/http-exchange.ts'
import { checkExpectedStatus } from '../http/object-response.ts'
import { RequestScope } from '../http/request-scope.ts'
import type { ObjectRequest } from '../signing/object-request.ts'
import { signedRequest } from '../signing/signed-request.ts'

/** One call of the transport. */
export interface OssCall {
  /** The operation, for error messages: `put`, `list`. */
  readonly operation: string
  readonly objectKey?: string
  readonly signal?: AbortSignal | undefined
  /** The bytes to send, also instead of the stream that ali-oss received. */
  readonly source?: UploadSource
  /** Called with the number of bytes of `source` that were sent so far. */
  readonly onSentBytes?: ((sentBytes: number) => void) | undefined
  /** What a successful response must contain to count as a response of OSS. */
  readonly expected?: ExpectedResponse
  /** True when the body of a successful response comes from the user's callback server, not from OSS. */
  readonly hasCallback?: boolean
}

/** A call that concerns one object, and its request. */
export interface DescribedCall {
  readonly call: OssCall
  readonly request: ObjectRequest
}

/** The result of a call and the response that it came from. */
interface Outcome<T> {
  readonly value: T
  readonly response: ExchangeResponse
}

/** Sends one request of a call. */
type Send = (address: Address, outgoing: OutgoingRequest) => Promise<ExchangeResponse>

/**
 * Runs one ali-oss call on a view of the client, from its signal to its error.
 *
 * @param work - calls the view once; its second argument returns the response, once there is one
 */
export function runCall<T>(
  connection: Connection,
  call: OssCall,
  work: (view: AliOssClient, response: () => ExchangeResponse | undefined) => Promise<T>,
): Promise<Outcome<T>> {
  return perform(connection, call, (send, credentials) => throughAliOss(connection, send, credentials, work))
}

/**
 * Runs a call that concerns one object, without ali-oss if that makes no difference.
 *
 * @param request - what ali-oss would send
 * @param work - sends the same through ali-oss, for a client that an app has customised
 * @returns the result of `work`, or the value undefined if it was not needed. Then `flatDocument` reads the document of
 *   the response, if the call expects one.
 */
export function runObjectCall<T>(
  connection: Connection,
  call: OssCall,
  request: ObjectRequest,
  work: (view: AliOssClient) => Promise<T>,
): Promise<Outcome<T | undefined>> {
  return perform(connection, call, async (send, credentials) => {
    // A body of 0 bytes is not sent as a stream. It throws if it has more. A source that ends late must not make the
    // signature old.
    if (request.empty) await call.source?.next()
    const signed = (await connection.isCustomised())
      ? undefined
      : await signedRequest(connection, credentials, request)
    if (signed === undefined) return throughAliOss(connection, send, credentials, work)
    const direct = request.streamed && (await connection.hasDefaultAgents())
    const response = await send(signed.address, { ...signed.outgoing, direct })
    checkExpectedStatus(response, { ...call, ...request }, contextOf(connection, call))
    if (expectedOf(call).root === undefined || flatDocument(response.data) !== undefined) return undefined
    // ali-oss parses what was received.
    return throughAliOss(connection, async () => response, credentials, work)
  })
}

/** A signed request that any thread can send, and what happens to its error. */
interface DetachedRequest {
  readonly address: Address
  readonly outgoing: OutgoingRequest
  readonly failed: (error: unknown) => unknown
}

/**
 * Signs a request that another thread sends.
 *
 * @returns undefined if only ali-oss, or an agent of the app, can send it as the app wants it
 */
export async function detachedRequest(
  connection: Connection,
  { call, request }: DescribedCall,
): Promise<DetachedRequest | undefined> {
  checkBucket(connection)
  const scope = new RequestScope(call.signal)
  try {
    return await scope.race(async () => {
      if ((await connection.isCustomised()) || !(await connection.hasDefaultAgents())) return undefined
      const credentials = await connection.refresher.fresh({ signal: call.signal })
      const signed = await signedRequest(connection, credentials, request)
      // A tool of the app that watches requests sees only those of this thread.
      if (signed === undefined || isIntercepted(signed.address.secure)) return undefined
      return { ...signed, failed: (error) => judged(connection, credentials, error) }
    })
  } catch (error) {
    if (scope.failure !== undefined) throw scope.failure.reason
    throw explained(error, contextOf(connection, call), false, undefined)
  } finally {
    scope.end()
  }
}

async function throughAliOss<T>(
  { client, plainHost }: Connection,
  send: Send,
  credentials: AccessCredentials | undefined,
  work: (view: AliOssClient, response: () => ExchangeResponse | undefined) => Promise<T>,
): Promise<T> {
  let response: ExchangeResponse | undefined
  const http: HttpClient = {
    request: async (url, { customResponse: streamed, headers, ...request }) => {
      response = await send(addressOf(url), {
        ...request,
        headers: sentHeaders(headers, plainHost),
        streamed,
      })
      const { status, headers: received, data } = response
      return { status, headers: received, data, res: { status, statusCode: status, headers: received } }
    },
  }
  return work(derivedClient(await client(), http, credentials), () => response)
}

/** The headers of a request of ali-oss as they are sent. */
function sentHeaders(headers: SignedRequest['headers'], plainHost: boolean): Record<string, string | number> {
  const sent = new Map<string, string | number>()
  for (const [name, value] of Object.entries(headers)) {
    if (value !== null && value !== undefined) sent.set(name.toLowerCase(), value)
  }
  // Sends the Host of the address, not the one that ali-oss invents for an IP address.
  if (plainHost) sent.delete('host')
  return Object.fromEntries(sent)
}

/** Runs a call, from its signal to its error. `work` sends one request. */
async function perform<T>(
  connection: Connection,
  call: OssCall,
  work: (send: Send, credentials: AccessCredentials | undefined) => Promise<T>,
): Promise<Outcome<T>> {
  const { idleTimeoutMs, refresher } = connection
  const { signal, source, onSentBytes, hasCallback = false } = call
  checkBucket(connection)
  const context = contextOf(connection, call)
  const scope = new RequestScope(signal)
  scope.onFailure(() => source?.stop())
  let sent = false
  let credentials: AccessCredentials | undefined
  let response: ExchangeResponse | undefined
  const send: Send = async (address, outgoing) => {
    if (scope.failure !== undefined) throw new Error('The call has ended.')
    sent = true
    response = await exchange(address, outgoing, {
      scope,
      context,
      idleTimeoutMs,
      onSentBytes,
      expected: expectedOf(call),
      ...(source !== undefined && outgoing.content === undefined && { source }),
    })
    return response
  }
  try {
    const value = await scope.race(async () => {
      credentials = await refresher.fresh({ signal })
      return work(send, credentials)
    })
    if (response === undefined) throw new Error('ali-oss did not send a request.')
    return { value, response }
  } catch (error) {
    if (scope.failure === undefined) {
      // ali-oss requires JSON from a callback server. The object is stored whatever the callback server returned.
      if (response !== undefined && hasCallback) return { value: undefined as T, response }
      scope.fail(explained(error, context, sent, response))
    }
    throw judged(connection, credentials, scope.failure?.reason)
  } finally {
    // A streamed body is still being read. It ends its scope itself.
    if (response?.body === undefined) scope.end()
  }
}

function checkBucket({ state, bucket }: Connection): void {
  if (state.options.bucket === bucket) return
  throw new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    `The ali-oss client now uses another bucket than "${bucket}". Make a client and a transport for each bucket.`,
  )
}

/** Refused credentials are renewed for the next attempt. */
function judged(
  { refresher }: Connection,
  credentials: AccessCredentials | undefined,
  error: unknown,
): unknown {
  if (credentials === undefined || !isRefusedCredential(error)) return error
  refresher.expire(credentials)
  return TransportError.with(error, { retryable: true })
}

/** What a successful response to a call must contain. */
export function expectedOf({ expected = {}, hasCallback = false }: OssCall): ExpectedResponse {
  return hasCallback ? { ...expected, root: undefined, ofCallback: true } : expected
}

/** The context for the errors of a call. */
export function contextOf(
  { bucket, renewalHint }: Connection,
  { operation, objectKey }: OssCall,
): RequestContext {
  return { operation, bucket, renewalHint, ...(objectKey !== undefined && { objectKey }) }
}

/**
 * Maps an error that ali-oss threw before or after the exchange. The exchange itself ends the scope with its own
 * errors.
 */
function explained(
  error: unknown,
  context: RequestContext,
  sent: boolean,
  response: ExchangeResponse | undefined,
): unknown {
  if (CseError.isInstance(error)) return error
  if (response !== undefined) return foreignResponse(context, response.status, 'readable document')
  return sent ? error : signingFailure(context, error)
}
