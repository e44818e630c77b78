import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import type { ClientRequest } from 'node:http'
import type { Socket } from 'node:net'
import { orAborted } from '@oss-cse/crypto-core'
import { linkedAbort } from '@oss-cse/crypto-core/internal'

/** The limits of a call. */
export interface CallBounds {
  /** The total time of the call, from its start to the last byte of its response. */
  readonly timeoutMs: number
  /** The maximum that a request receives: status, headers and body. */
  readonly maxResponseBytes: number
  readonly signal: AbortSignal | undefined
  /** Makes the error of a call that exceeded `timeoutMs`. */
  timedOut(): Error
  /** Makes the error of a call that exceeded `maxResponseBytes`. */
  tooLarge(): Error
}

/** Called for each HTTP request that is sent during a call. */
const watched = new AsyncLocalStorage<(request: ClientRequest) => void>()
let subscribed = false

/**
 * Runs a call of the vendor's client with limits that the client does not have. @alicloud/tea-util 1.4 lib/client.js
 * `read` collects a body of any length, and httpx 2.3 lib/index.js forgets its read timeout on a reused connection.
 * The client exposes neither request nor agent, so Node.js reports its requests here. A request that exceeds a limit,
 * or whose call was aborted, is destroyed with its connection.
 *
 * @throws `timedOut()`, `tooLarge()`, the signal's reason, or the error of the call, whichever came first
 */
export async function boundedCall<Response>(
  send: () => Promise<Response>,
  bounds: CallBounds,
): Promise<Response> {
  const { timeoutMs, maxResponseBytes } = bounds
  const end = linkedAbort(bounds.signal)
  const timer = setTimeout(() => end.abort(bounds.timedOut()), timeoutMs)
  const onRequest = (request: ClientRequest): void => {
    // Other requests are those with which a client of the application gets its credentials.
    if (!request.hasHeader('x-acs-action')) return
    const destroy = (): void => {
      request.destroy()
    }
    if (end.signal.aborted) destroy()
    end.signal.addEventListener('abort', destroy, { once: true })
    request.once('close', () => end.signal.removeEventListener('abort', destroy))
    onceConnected(request, (socket) => {
      let receivedBytes = 0
      const count = (chunk: Uint8Array): void => {
        receivedBytes += chunk.length
        if (receivedBytes > maxResponseBytes) end.abort(bounds.tooLarge())
      }
      socket.on('data', count)
      request.once('close', () => socket.off('data', count))
    })
  }
  try {
    subscribeOnce()
    return await orAborted(watched.run(onRequest, send), end.signal)
  } finally {
    clearTimeout(timer)
    end.unlink()
  }
}

function subscribeOnce(): void {
  if (subscribed) return
  subscribe('http.client.request.start', (message) => {
    watched.getStore()?.((message as { readonly request: ClientRequest }).request)
  })
  subscribed = true
}

function onceConnected(request: ClientRequest, use: (socket: Socket) => void): void {
  if (request.socket) use(request.socket)
  else request.once('socket', use)
}
