import { Duplex } from 'node:stream'
import { CseError } from '@oss-cse/crypto-core'
import type { Address } from '../address.ts'
import { idleFailure, networkFailure } from '../connection-errors.ts'
import type { ExchangeOptions, ExchangeResponse, OutgoingRequest } from '../http-exchange.ts'
import { IdleWatch } from '../idle-watch.ts'
import type { RequestScope } from '../request-scope.ts'
import { checkOrigin, checkStatus, streamedResponse } from '../streamed-response.ts'
import { DirectConnection, type DirectTarget, keyOf, targetOf } from './direct-connection.ts'
import { DirectExchange } from './direct-exchange.ts'
import { IdleConnections } from './idle-connections.ts'
import { isIntercepted } from './intercepted.ts'
import { requestHead } from './request-head.ts'

/** Those of this thread. Connections of several transports to one server are the same. */
const idleConnections = new IdleConnections()

/** What came of a direct request. Without either property, nothing was sent, and node:http is to send it. */
export interface DirectResult {
  readonly response?: ExchangeResponse
  /** The response is on this connection, for node:http to read. */
  readonly connection?: Duplex
}

/**
 * Gets a body without node:http, which copies each byte. The response, its body and the errors are those of
 * `exchange`. It reads only what has one meaning, see `ResponseHeadReader`, and leaves all else to node:http.
 */
export async function directGet(
  address: Address,
  outgoing: OutgoingRequest,
  options: ExchangeOptions,
): Promise<DirectResult> {
  const request = isIntercepted(address.secure) ? undefined : requestHead(address, outgoing)
  if (request === undefined) return {}
  const { scope, context, idleTimeoutMs } = options
  const host = outgoing.headers['host']
  const target = targetOf(address, host === undefined ? undefined : String(host))
  const idle = new IdleWatch(idleTimeoutMs, () => scope.fail(idleFailure(context, idleTimeoutMs)))
  let exchange: DirectExchange | undefined
  scope.onFailure(() => exchange?.destroy())
  try {
    exchange = await sent(target, request, idle, scope, true)
    let head = await exchange?.head
    if (exchange !== undefined && head === undefined) {
      exchange = await sent(target, request, idle, scope, false)
      head = await exchange?.head
    }
    if (exchange === undefined || head === undefined) return {}
    if (head instanceof Duplex) return { connection: head }
    await checkStatus(head, exchange, idle, options)
    checkOrigin(head, context)
    return { response: streamedResponse(head, exchange, idle, options) }
  } catch (error) {
    const connected = exchange?.connected ?? false
    scope.fail(CseError.isInstance(error) ? error : networkFailure(context, error, connected))
    throw error
  }
}

/**
 * Sends the request on a connection that waits, or on a new one.
 *
 * @returns undefined if Node.js refuses to connect, so that node:http says why
 */
async function sent(
  target: DirectTarget,
  request: string,
  idle: IdleWatch,
  scope: RequestScope,
  reuse: boolean,
): Promise<DirectExchange | undefined> {
  const kept = reuse ? await idleConnections.take(keyOf(target)) : undefined
  if (scope.failure !== undefined) {
    kept?.socket.destroy()
    throw scope.failure.reason
  }
  const connection = kept ?? newConnection(target)
  return connection && new DirectExchange(connection, request, kept !== undefined, idle, release)
}

function newConnection(target: DirectTarget): DirectConnection | undefined {
  try {
    return new DirectConnection(target)
  } catch {
    return undefined
  }
}

function release(connection: DirectConnection, keepAliveMs: number): void {
  idleConnections.add(connection, keepAliveMs)
}
