import { type AccessCredentials, CseError, type HeaderMap, TransportError } from '@oss-cse/crypto-core'
import {
  type AliOssClient,
  derivedClient,
  type HttpClient,
  type SignedRequest,
} from '../ali-oss/ali-oss-client.ts'
import type { Connection } from '../ali-oss/client-options.ts'
import { type Address, addressOf } from '../http/address.ts'
import {
  type ExchangeResponse,
  type ExpectedResponse,
  exchange,
  type OutgoingRequest,
} from '../http/http-exchange.ts'
import {
  foreignResponse,
  isRefusedCredential,
  type RequestContext,
  signingFailure,
} from '../http/oss-errors.ts'
import { RequestScope } from '../http/request-scope.ts'
import type { UploadSource } from '../http/upload-source.ts'
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
 */
export async function runObjectCall(
  connection: Connection,
  call: OssCall,
  request: ObjectRequest,
  work: (view: AliOssClient) => Promise<unknown>,
): Promise<ExchangeResponse> {
  const { response } = await perform(connection, call, async (send, credentials) => {
    // A body of 0 bytes is not sent as a stream. It throws if it has more. A source that ends late must not make the
    // signature old.
    if (request.empty) await call.source?.next()
    const signed = (await connection.isCustomised())
      ? undefined
      : await signedRequest(connection, credentials, request)
    if (signed === undefined) {
      await throughAliOss(connection, send, credentials, work)
      return
    }
    const { status } = await send(signed.address, signed.outgoing)
    if (!call.hasCallback && !request.statuses.includes(status)) {
      throw foreignResponse(contextOf(connection, call), status, 'readable document')
    }
  })
  return response
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
  const { state, bucket, idleTimeoutMs, refresher } = connection
  const { signal, source, onSentBytes, expected = {}, hasCallback = false } = call
  if (state.options.bucket !== bucket) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      `The ali-oss client now uses another bucket than "${bucket}". Make a client and a transport for each bucket.`,
    )
  }
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
      expected: hasCallback ? { ...expected, root: undefined, ofCallback: true } : expected,
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
    const reason = scope.failure?.reason
    if (credentials === undefined || !isRefusedCredential(reason)) throw reason
    refresher.expire(credentials)
    throw TransportError.with(reason, { retryable: true })
  } finally {
    // A streamed body is still being read. It ends its scope itself.
    if (response?.body === undefined) scope.end()
  }
}

/** The context for the errors of a call. */
export function contextOf(
  { bucket, renewalHint }: Connection,
  { operation, objectKey }: OssCall,
): RequestContext {
  return { operation, bucket, renewalHint, ...(objectKey !== undefined && { objectKey }) }
}

/** The fields of a response that callers receive. */
export function statusAndHeaders({ status, headers }: ExchangeResponse): {
  status: number
  headers: HeaderMap
} {
  return { status, headers }
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
