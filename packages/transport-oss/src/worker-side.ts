import type { CallOptions, GetObjectResponse, PutObjectResponse, UploadRequest } from '@oss-cse/crypto-core'
import type { RequestContext } from '@oss-cse/crypto-core/internal'
import { tell, UploadSource } from '@oss-cse/crypto-core/internal'
import type { Address } from './http/address.ts'
import { newAgents } from './http/agents.ts'
import {
  type ExchangeResponse,
  type ExpectedResponse,
  exchange,
  type OutgoingRequest,
} from './http/http-exchange.ts'
import { networkSettings } from './http/network-settings.ts'
import { checkExpectedStatus, statusAndHeaders, withBody } from './http/object-response.ts'
import { RequestScope } from './http/request-scope.ts'

/** A signed request, as `OssTransport.workerSide` prepares it. */
export interface WorkerSideData {
  readonly address: Address
  readonly method: string
  readonly headers: OutgoingRequest['headers']
  readonly key: string
  readonly statuses: readonly number[]
  readonly expected: ExpectedResponse
  readonly hasCallback: boolean
  readonly context: RequestContext
  readonly idleTimeoutMs: number
  /** The length of the body in bytes. */
  readonly sizeBytes?: number
  /** Those of the thread that prepared the request. */
  readonly networkSettings: string
}

/** Sends a get. See `WorkerSideModule`. */
export async function get(data: unknown, { signal }: CallOptions): Promise<GetObjectResponse | undefined> {
  const request = data as WorkerSideData
  if (!mayConnect(request)) return undefined
  return inScope(signal, async (scope) => {
    return withBody(await send(request, scope, { streamed: true }), request.context)
  })
}

/** Sends a put, or a part of an upload. See `WorkerSideModule`. */
export async function put(
  data: unknown,
  { body, signal, onSentBytes }: Omit<UploadRequest, 'headers'>,
): Promise<PutObjectResponse | undefined> {
  const request = data as WorkerSideData
  if (!mayConnect(request)) return undefined
  const source = new UploadSource({ ...body, sizeBytes: request.sizeBytes }, request.key)
  return inScope(signal, async (scope) => {
    scope.onFailure(() => source.stop())
    tell(onSentBytes, 0)
    const response = await send(request, scope, { source, onSentBytes })
    return { ...statusAndHeaders(response), ...(request.hasCallback && { data: response.data }) }
  })
}

/** Whether a connection of this thread is one that the app would make itself. */
function mayConnect({ address, networkSettings: wanted }: WorkerSideData): boolean {
  return networkSettings(address.secure) === wanted
}

/** The connections of this thread. They serve all its transports. */
const agents = new Map<boolean, ReturnType<typeof newAgents>>()

function agentsOf({ secure }: Address): ReturnType<typeof newAgents> {
  const made = agents.get(secure) ?? newAgents(secure)
  agents.set(secure, made)
  return made
}

async function send(
  { address, method, headers, context, idleTimeoutMs, expected, ...expectation }: WorkerSideData,
  scope: RequestScope,
  {
    streamed = false,
    source,
    onSentBytes,
  }: {
    readonly streamed?: boolean
    readonly source?: UploadSource
    readonly onSentBytes?: UploadRequest['onSentBytes']
  },
): Promise<ExchangeResponse> {
  const response = await exchange(
    address,
    { method, headers, streamed, direct: streamed, ...agentsOf(address) },
    { scope, context, idleTimeoutMs, expected, onSentBytes, ...(source && { source }) },
  )
  checkExpectedStatus(response, expectation, context)
  return response
}

/** Runs one request, from its signal to its error. The body of a get ends the scope itself. */
async function inScope<Response extends object>(
  signal: AbortSignal | undefined,
  work: (scope: RequestScope) => Promise<Response>,
): Promise<Response> {
  const scope = new RequestScope(signal)
  let response: Response | undefined
  try {
    response = await scope.race(() => work(scope))
    return response
  } catch (error) {
    scope.fail(error)
    throw scope.failure?.reason ?? error
  } finally {
    if (response === undefined || !('body' in response)) scope.end()
  }
}
