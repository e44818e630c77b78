import { connect, isIP, type Socket } from 'node:net'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import type { Address } from '../address.ts'
import { networkSettings } from '../network-settings.ts'
import { ReadBuffers } from './read-buffers.ts'

/** Large enough for the head of each response of the service and a small object. */
const OWN_BUFFER_BYTES = 16 * 1024
/** As Node.js lib/_http_agent.js. */
const KEEP_ALIVE_DELAY_MS = 1000
const MAX_SESSIONS = 100

/** What all connections to one server read large bodies into. */
const PLAIN_BUFFERS = new ReadBuffers(256 * 1024)
/** TLS delivers one record at a time: at most 16 KiB. */
const TLS_BUFFERS = new ReadBuffers(16 * 1024)

/** The TLS sessions of servers, to resume them. */
const sessions = new Map<string, Buffer>()

/** Where a connection goes. */
export interface DirectTarget {
  readonly secure: boolean
  readonly host: string
  readonly port: number
  /** The name that the certificate must have. '' for an IP address. */
  readonly servername: string
}

/** Who uses a connection. */
export interface ConnectionUser {
  /** The buffer for the next bytes. Undefined: that of the connection, whose bytes are valid during `read` only. */
  readonly buffer: Buffer | undefined
  /** Called with bytes that have arrived in `buffer`. */
  read(bytes: Buffer): void
  /** Called once, when the connection is closed for reading. */
  closed(error: Error | undefined): void
}

/** A connection whose bytes are read into buffers of ours. While nobody uses it, any byte or event closes it. */
export class DirectConnection {
  readonly buffers: ReadBuffers
  readonly socket: Socket
  readonly key: string
  readonly #own = Buffer.allocUnsafeSlow(OWN_BUFFER_BYTES)
  #connected = false
  #user: ConnectionUser | undefined
  #onUnusable: (() => void) | undefined

  constructor(target: DirectTarget) {
    const { secure, host, port, servername } = target
    this.key = keyOf(target)
    this.buffers = secure ? TLS_BUFFERS : PLAIN_BUFFERS
    // Those of Node's agents with `keepAlive`.
    const options = {
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
      onread: {
        buffer: () => this.#user?.buffer ?? this.#own,
        callback: (length: number, buffer: Uint8Array) => this.#read((buffer as Buffer).subarray(0, length)),
      },
    }
    this.socket = secure ? connectSecurely({ ...options, servername }, this.key) : connect(options)
    this.socket.once('connect', () => {
      this.#connected = true
    })
    this.socket.on('timeout', () => this.#user === undefined && this.socket.destroy())
    // 'end' may come before it.
    this.socket.on('error', () => {})
    this.socket.once('end', () => this.#closed())
    this.socket.once('close', () => this.#closed())
  }

  /** Whether there was a connection to the server. */
  get connected(): boolean {
    return this.#connected
  }

  /** Makes `user` the one who uses the connection. */
  use(user: ConnectionUser): void {
    this.#user = user
    this.#onUnusable = undefined
    this.socket.ref()
  }

  /**
   * Lets the connection wait for its next user.
   *
   * @param onUnusable - called when it is closed meanwhile
   */
  rest(timeoutMs: number, onUnusable: () => void): void {
    this.#user = undefined
    this.#onUnusable = onUnusable
    this.socket.unref()
    this.socket.setTimeout(timeoutMs)
    // Reads on, to see whatever arrives.
    this.socket.resume()
  }

  #read(bytes: Buffer): boolean {
    if (this.#user === undefined) {
      this.socket.destroy()
      this.#closed()
    } else this.#user.read(bytes)
    return true
  }

  #closed(): void {
    const user = this.#user
    const { errored } = this.socket
    this.#user = undefined
    this.socket.destroy()
    this.#onUnusable?.()
    this.#onUnusable = undefined
    user?.closed(errored ?? undefined)
  }
}

/**
 * Connections with the same key go to the same server. With TLS, they were made under the same settings too: neither a
 * connection nor a session from a time without checks may be used when the app checks again.
 */
export function keyOf({ secure, host, port, servername }: DirectTarget): string {
  return `${secure} ${host} ${port} ${servername} ${secure ? networkSettings(true) : ''}`
}

/** Returns where a request goes. The name of the certificate is that of the Host header, as in Node.js. */
export function targetOf({ secure, hostname, port }: Address, hostHeader: string | undefined): DirectTarget {
  const name = hostHeader === undefined ? hostname : nameOf(hostHeader)
  return {
    secure,
    host: hostname,
    port: port === '' ? (secure ? 443 : 80) : Number(port),
    servername: secure && isIP(name) === 0 ? name : '',
  }
}

/** The name in a Host header, as Node.js lib/_http_agent.js reads it. */
function nameOf(host: string): string {
  return host.startsWith('[') ? host.slice(1, host.indexOf(']')) : (host.split(':', 1)[0] ?? '')
}

/** TLS is loaded at the first call, see `nodeHttps`. */
function connectSecurely(options: ConnectionOptions, key: string): TLSSocket {
  const session = sessions.get(key)
  const socket = process
    .getBuiltinModule('node:tls')
    .connect({ ...options, ...(session !== undefined && { session }) })
  socket.on('session', (latest) => {
    if (sessions.size >= MAX_SESSIONS) sessions.clear()
    sessions.set(key, latest)
  })
  socket.once('close', (failed) => failed && sessions.delete(key))
  return socket
}
