import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import type { ClientRequest } from 'node:http'
import type { Socket } from 'node:net'
import { orAborted } from '@oss-cse/crypto-core'
import { linkedAbort } from '@oss-cse/crypto-core/internal'

/** The limits of a call. */
export interface CallBounds {
  /** The limit of the whole call, from its start to the last byte of its response. */
  readonly timeoutMs: number
  /** The limit of everything that a request receives: status, headers and body. */
  readonly maxResponseBytes: number
  readonly signal: AbortSignal | undefined
  /** Returns the error that the call throws after `timeoutMs`. */
  timedOut(): Error
  /** Returns the error that the call throws if it receives more than `maxResponseBytes`. */
  tooLarge(): Error
}

/** Receives each HTTP request that is sent during a call. */
const watched = new AsyncLocalStorage<(request: ClientRequest) => void>()
let subscribed = false

/**
 * Runs a call of the vendor's client within limits that the client does not have. @alicloud/tea-util 1.4 lib/client.js
 * `read` collects a body of any length. httpx 2.3 lib/index.js forgets its read timeout on a reused connection.
 *
 * The client exposes neither its requests nor its agent, so the requests come from the diagnostics channel of Node.js. A
 * request that exceeds a limit, or whose call is aborted, is destroyed with its connection.
 *
 * @throws `timedOut()`, `tooLarge()`, the signal's reason, or the error of the call: the first of them
 */
export async function boundedCall<Result>(send: () => Promise<Result>, bounds: CallBounds): Promise<Result> {
  const { timeoutMs, maxResponseBytes } = bounds
  const end = linkedAbort(bounds.signal)
  const timer = setTimeout(() => end.abort(bounds.timedOut()), timeoutMs)
  const onRequest = (request: ClientRequest): void => {
    // Other requests are those by which the application's own client gets its credentials.
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
