import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import type { ClientRequest } from 'node:http'
import type { Socket } from 'node:net'
import { orAborted } from '@oss-cse/crypto-core'
import { linkedAbort } from '@oss-cse/crypto-core/internal'

/** How far a call may go. */
export interface CallBounds {
  /** The whole call, from its beginning to the last byte of its response. */
  readonly timeoutMs: number
  /** All that a request receives: status, headers and body. */
  readonly maxResponseBytes: number
  readonly signal: AbortSignal | undefined
  /** What the call rejects with after `timeoutMs`. */
  timedOut(): Error
  /** What it rejects with when more comes than `maxResponseBytes`. */
  tooLarge(): Error
}

/** Told of each HTTP request that is sent in the course of a call. */
const watched = new AsyncLocalStorage<(request: ClientRequest) => void>()
let subscribed = false

/**
 * Runs a call of the vendor's client within bounds that the client does not have: @alicloud/tea-util 1.4 lib/client.js `read`
 * collects a body of any length, and httpx 2.3 lib/index.js forgets its read timeout on a connection that is used again. It
 * hands out neither request nor agent, so that Node.js tells of its requests here. One that passes a bound, or whose call was
 * aborted, is destroyed with its connection.
 *
 * @throws `timedOut()`, `tooLarge()`, the signal's reason, or what the call rejected with, whichever came first
 */
export async function boundedCall<Answer>(send: () => Promise<Answer>, bounds: CallBounds): Promise<Answer> {
  const { timeoutMs, maxResponseBytes } = bounds
  const end = linkedAbort(bounds.signal)
  const timer = setTimeout(() => end.abort(bounds.timedOut()), timeoutMs)
  const onRequest = (request: ClientRequest): void => {
    // Others are those by which a client of the application's gets its credentials.
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
