import type { Agent, ClientRequest } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Detects a request whose connection is idle for too long. It counts only while we wait for the network: the owner
 * suspends it while it waits for the source or the reader of a body.
 *
 * It uses the inactivity timer of the socket, which also sees the progress of a single large write. This replaces the
 * 30 seconds after which agentkeepalive 3.5 lib/_http_agent.js, the agent of ali-oss, destroys a socket even when
 * only its reader is slow. The agent sets its own timer again when it gets the socket back.
 */
export class IdleWatch {
  readonly #request: ClientRequest
  readonly #timeoutMs: number
  readonly #onIdle: () => void
  #socket: Socket | undefined
  #suspended = false
  #unassigned: NodeJS.Timeout | undefined

  constructor(request: ClientRequest, timeoutMs: number, onIdle: () => void) {
    this.#request = request
    this.#timeoutMs = timeoutMs
    this.#onIdle = onIdle
    this.#unassigned = setTimeout(this.#checkUnassigned, timeoutMs).unref()
    request.once('socket', (socket) => this.#attach(socket))
    // 'close' comes before the agent gets the socket back for the next request.
    request.once('close', () => this.#detach())
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

  #attach(socket: Socket): void {
    clearTimeout(this.#unassigned)
    if (this.#request.destroyed) return
    this.#socket = socket
    socket.on('timeout', this.#onIdle)
    socket.setTimeout(this.#suspended ? 0 : this.#timeoutMs)
  }

  #detach(): void {
    clearTimeout(this.#unassigned)
    this.#socket?.off('timeout', this.#onIdle)
    this.#socket = undefined
  }

  /** There is no socket yet: a request in its agent's queue waits for other requests, not for the network. */
  readonly #checkUnassigned = (): void => {
    const { agent } = this.#request as ClientRequest & { readonly agent?: Agent }
    const queued = Object.values(agent?.requests ?? {}).some((queue: readonly unknown[] | undefined) =>
      queue?.includes(this.#request),
    )
    if (queued || this.#suspended) {
      this.#unassigned = setTimeout(this.#checkUnassigned, this.#timeoutMs).unref()
    } else this.#onIdle()
  }
}
