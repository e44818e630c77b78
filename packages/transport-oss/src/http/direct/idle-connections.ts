import type { DirectConnection } from './direct-connection.ts'

/** The service closes its end later. */
const FREE_SOCKET_MS = 15_000
const MAX_IDLE_CONNECTIONS = 100

/** The connections that wait for their next request. They do not keep the process alive. */
export class IdleConnections {
  readonly #idle = new Map<string, DirectConnection[]>()
  #size = 0

  /** Keeps a connection whose response is complete, for at most `keepAliveMs`. */
  add(connection: DirectConnection, keepAliveMs: number): void {
    const { key, socket } = connection
    // A server may respond before it has the whole request. Then it is unclear what comes next.
    const isClean = socket.writable && socket.writableLength === 0
    if (keepAliveMs <= 0 || !isClean || this.#size >= MAX_IDLE_CONNECTIONS) {
      connection.rest(0, () => {})
      socket.destroy()
      return
    }
    const list = this.#idle.get(key)
    if (list === undefined) this.#idle.set(key, [connection])
    else list.push(connection)
    this.#size++
    connection.rest(Math.min(keepAliveMs, FREE_SOCKET_MS), () => this.#remove(connection))
  }

  /**
   * Returns the connection that was added last, if one is still good. It is not before the event loop has gone round
   * once: what the server has sent or closed by then shows.
   */
  async take(key: string): Promise<DirectConnection | undefined> {
    for (;;) {
      const connection = this.#idle.get(key)?.at(-1)
      if (connection === undefined) return undefined
      this.#remove(connection)
      await immediate()
      await immediate()
      if (!connection.socket.destroyed) return connection
    }
  }

  #remove(connection: DirectConnection): void {
    const list = this.#idle.get(connection.key) ?? []
    const index = list.indexOf(connection)
    if (index < 0) return
    list.splice(index, 1)
    this.#size--
    if (list.length === 0) this.#idle.delete(connection.key)
  }
}

function immediate(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
