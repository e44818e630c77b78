import { type AccessCredentials, CseError, type HeaderMap, TransportError } from '@oss-cse/crypto-core'
import { type AliOssClient, derivedClient, type HttpClient } from '../ali-oss/ali-oss-client.ts'
import type { Connection } from '../ali-oss/client-options.ts'
import { type ExchangeResponse, type ExpectedResponse, exchange } from '../http/http-exchange.ts'
import {
  foreignResponse,
  isRefusedCredential,
  type RequestContext,
  signingFailure,
} from '../http/oss-errors.ts'
import { RequestScope } from '../http/request-scope.ts'
import type { UploadSource } from '../http/upload-source.ts'

/** One call of ali-oss. */
export interface OssCall {
  /** The operation, for error messages: `put`, `list`. */
  readonly operation: string
  readonly objectKey?: string
  readonly signal?: AbortSignal | undefined
  /** The bytes to send instead of the stream that ali-oss received. */
  readonly source?: UploadSource
  /** Called with the number of bytes of `source` that were sent so far. */
  readonly onSentBytes?: ((sentBytes: number) => void) | undefined
  /** What a successful response must contain to count as a response of OSS. */
  readonly expected?: ExpectedResponse
  /** True when the body of a successful response comes from the user's callback server, not from OSS. */
  readonly hasCallback?: boolean
}

/** The result of ali-oss and the response that it came from. */
interface Outcome<T> {
  readonly value: T
  readonly response: ExchangeResponse
}

/**
 * Runs one ali-oss call on a view of the client, from its signal to its error.
 *
 * @param work - calls the view once; its second argument returns the response, once there is one
 */
export async function runCall<T>(
  connection: Connection,
  call: OssCall,
  work: (view: AliOssClient, response: () => ExchangeResponse | undefined) => Promise<T>,
): Promise<Outcome<T>> {
  const { client, bucket, idleTimeoutMs, plainHost, refresher } = connection
  const { signal, source, onSentBytes, expected = {}, hasCallback = false } = call
  if (client.options.bucket !== bucket) {
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
  const http: HttpClient = {
    request: async (url, signed) => {
      if (scope.failure !== undefined) throw new Error('The call has ended.')
      sent = true
      const { customResponse: streamed, ...request } = signed
      response = await exchange(
        url,
        { ...request, streamed },
        {
          scope,
          context,
          idleTimeoutMs,
          plainHost,
          onSentBytes,
          expected: hasCallback ? { ...expected, root: undefined, ofCallback: true } : expected,
          ...(source !== undefined && signed.stream !== undefined && { source }),
        },
      )
      const { status, headers, data } = response
      return { status, headers, data, res: { status, statusCode: status, headers } }
    },
  }
  try {
    const value = await scope.race(async () => {
      credentials = await refresher.fresh({ signal })
      return work(derivedClient(client, http, credentials), () => response)
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
