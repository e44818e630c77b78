import { type AccessCredentials, CseError, type HeaderMap, TransportError } from '@oss-cse/crypto-core'
import { type AliOssClient, derivedClient, type HttpClient } from '../ali-oss/ali-oss-client.ts'
import type { Connection } from '../ali-oss/client-options.ts'
import { type Answer, type ExpectedResponse, exchange } from '../http/http-exchange.ts'
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
  /** What is tried, for errors: `put`, `list`. */
  readonly operation: string
  readonly objectKey?: string
  readonly signal?: AbortSignal | undefined
  /** The bytes to send in place of the stream that ali-oss was given. */
  readonly source?: UploadSource
  /** Told how many bytes of `source` have left so far. */
  readonly onSentBytes?: ((sentBytes: number) => void) | undefined
  /** What a success must have to be the service's own. */
  readonly expected?: ExpectedResponse
  /** The body of a success is that of the user's callback server, not one of OSS. */
  readonly hasCallback?: boolean
}

/** What ali-oss made of an answer, and the answer itself. */
interface Outcome<T> {
  readonly value: T
  readonly answer: Answer
}

/**
 * Runs one ali-oss call on a view of the client, from its signal to its error.
 *
 * @param work - calls the view once; its second argument is the answer, once there is one
 */
export async function runCall<T>(
  connection: Connection,
  call: OssCall,
  work: (view: AliOssClient, answer: () => Answer | undefined) => Promise<T>,
): Promise<Outcome<T>> {
  const { client, bucket, idleTimeoutMs, plainHost, refresher } = connection
  const { signal, source, onSentBytes, expected = {}, hasCallback = false } = call
  if (client.options.bucket !== bucket) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      `The ali-oss client was switched from bucket "${bucket}": make a client and a transport for each bucket.`,
    )
  }
  const context = contextOf(connection, call)
  const scope = new RequestScope(signal)
  scope.onFailure(() => source?.stop())
  let sent = false
  let credentials: AccessCredentials | undefined
  let answer: Answer | undefined
  const http: HttpClient = {
    request: async (url, signed) => {
      if (scope.failure !== undefined) throw new Error('The call has ended.')
      sent = true
      const { customResponse: streamed, ...request } = signed
      answer = await exchange(
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
      const { status, headers, data } = answer
      return { status, headers, data, res: { status, statusCode: status, headers } }
    },
  }
  try {
    const value = await scope.race(async () => {
      credentials = await refresher.fresh({ signal })
      return work(derivedClient(client, http, credentials), () => answer)
    })
    if (answer === undefined) throw new Error('ali-oss did not send a request.')
    return { value, answer }
  } catch (error) {
    if (scope.failure === undefined) {
      // ali-oss demands JSON of a callback's answer; the object is stored whatever it was.
      if (answer !== undefined && hasCallback) return { value: undefined as T, answer }
      scope.fail(explained(error, context, sent, answer))
    }
    const reason = scope.failure?.reason
    if (credentials === undefined || !isRefusedCredential(reason)) throw reason
    refresher.expire(credentials)
    throw TransportError.with(reason, { retryable: true })
  } finally {
    // A streamed body goes on and ends its scope itself.
    if (answer?.body === undefined) scope.end()
  }
}

/** What the errors of a call say that it was about. */
export function contextOf(
  { bucket, renewalHint }: Connection,
  { operation, objectKey }: OssCall,
): RequestContext {
  return { operation, bucket, renewalHint, ...(objectKey !== undefined && { objectKey }) }
}

/** What is handed out of an answer. */
export function statusAndHeaders({ status, headers }: Answer): { status: number; headers: HeaderMap } {
  return { status, headers }
}

/** What ali-oss threw before or after the exchange, which ends the scope with its own failures. */
function explained(
  error: unknown,
  context: RequestContext,
  sent: boolean,
  answer: Answer | undefined,
): unknown {
  if (CseError.isInstance(error)) return error
  if (answer !== undefined) return foreignResponse(context, answer.status, 'document that can be read')
  return sent ? error : signingFailure(context, error)
}
