import type { Agent, ClientRequest } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Detects a connection that is idle for too long. It counts only while we wait for the network: the owner suspends it
 * while it waits for the source or the reader of a body.
 *
 * It uses the inactivity timer of the socket, which also sees the progress of a single large write. This replaces the
 * 30 seconds after which agentkeepalive 3.5 lib/_http_agent.js, the agent of ali-oss, destroys a socket even when
 * only its reader is slow. The agent sets its own timer again when it gets the socket back.
 */
export class IdleWatch {
  readonly #timeoutMs: number
  readonly #onIdle: () => void
  #socket: Socket | undefined
  #suspended = false

  constructor(timeoutMs: number, onIdle: () => void) {
    this.#timeoutMs = timeoutMs
    this.#onIdle = onIdle
  }

  /** Whether idle time does not count now. */
  get suspended(): boolean {
    return this.#suspended
  }

  /** From now on, idle time counts. */
  resume(): void {
    this.#suspended = false
    this.#socket?.setTimeout(this.#timeoutMs)
  }

  /** From now on, idle time does not count, because we cause it. */
  suspend(): void {
    this.#suspended = true
    this.#socket?.setTimeout(0)
  }

  /** Watches a connection. */
  attach(socket: Socket): void {
    this.#socket = socket
    socket.on('timeout', this.#onIdle)
    socket.setTimeout(this.#suspended ? 0 : this.#timeoutMs)
  }

  /** Stops watching. The timer of the socket belongs to its next owner. */
  detach(): void {
    this.#socket?.off('timeout', this.#onIdle)
    this.#socket = undefined
  }
}

/** Watches the connection of a request, from the time when it should have one. */
export function watchRequest(request: ClientRequest, timeoutMs: number, onIdle: () => void): IdleWatch {
  const idle = new IdleWatch(timeoutMs, onIdle)
  let unassigned = setTimeout(checkUnassigned, timeoutMs).unref()
  request.once('socket', (socket) => {
    clearTimeout(unassigned)
    if (!request.destroyed) idle.attach(socket)
  })
  // 'close' comes before the agent gets the socket back for the next request.
  request.once('close', () => {
    clearTimeout(unassigned)
    idle.detach()
  })
  return idle

  /** There is no socket yet: a request in its agent's queue waits for other requests, not for the network. */
  function checkUnassigned(): void {
    const { agent } = request as ClientRequest & { readonly agent?: Agent }
    const queued = Object.values(agent?.requests ?? {}).some((queue: readonly unknown[] | undefined) =>
      queue?.includes(request),
    )
    if (queued || idle.suspended) unassigned = setTimeout(checkUnassigned, timeoutMs).unref()
    else onIdle()
  }
}
