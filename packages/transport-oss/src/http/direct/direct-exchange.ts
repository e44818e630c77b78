import type { IdleWatch } from '../idle-watch.ts'
import { type BytesListener, closedEarly, type ResponseBytes } from '../response-bytes.ts'
import type { ConnectionUser, DirectConnection } from './direct-connection.ts'
import { HandedConnection } from './handed-connection.ts'
import { type DirectHead, ResponseHeadReader } from './response-head.ts'

/** Below this part of its buffer, a read is copied: a reader that keeps it must not keep the whole buffer. */
const MIN_LENT_SHARE = 1 / 4

/** One request on a connection, and its response. The connection is its own until the response is complete. */
export class DirectExchange implements ConnectionUser, ResponseBytes {
  /**
   * Resolves with the head; with the connection, if it is for node:http to read; or with undefined, if the server has
   * closed a connection that it had kept. Rejects if the connection breaks before the end of the head.
   */
  readonly head: Promise<DirectHead | HandedConnection | undefined>
  /** The buffer to read into: undefined for that of the connection. */
  buffer: Buffer | undefined
  length = 0
  readonly #connection: DirectConnection
  readonly #reused: boolean
  readonly #idle: IdleWatch
  readonly #release: (connection: DirectConnection, keepAliveMs: number) => void
  readonly #reader = new ResponseHeadReader()
  #resolve: (head: DirectHead | HandedConnection | undefined) => void = () => {}
  #reject: (error: Error) => void = () => {}
  #phase: 'waiting' | 'head' | 'body' | 'handed' | 'over' = 'waiting'
  /** The beginning of the head, in case that node:http must read it. */
  readonly #unread: Buffer[] = []
  #handed: HandedConnection | undefined
  #remaining = 0
  #listener: BytesListener | undefined
  /** What came before there was a listener. */
  #early: Uint8Array[] = []
  #end: { readonly error: unknown } | undefined

  /**
   * Sends a request.
   *
   * @param reused - whether the connection had a request before
   * @param release - takes the connection back when its response is complete
   */
  constructor(
    connection: DirectConnection,
    request: string,
    reused: boolean,
    idle: IdleWatch,
    release: (connection: DirectConnection, keepAliveMs: number) => void,
  ) {
    this.#connection = connection
    this.#reused = reused
    this.#idle = idle
    this.#release = release
    this.head = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    connection.use(this)
    idle.attach(connection.socket)
    connection.socket.write(request, 'latin1')
  }

  /** Whether there was a connection. */
  get connected(): boolean {
    return this.#connection.connected
  }

  read(bytes: Buffer): void {
    switch (this.#phase) {
      case 'waiting':
      case 'head':
        this.#phase = 'head'
        this.#readHead(bytes)
        break
      case 'body':
        this.#readBody(bytes)
        break
      case 'handed':
        this.#handed?.arrived(bytes)
        break
      case 'over':
        break
    }
  }

  closed(error: Error | undefined): void {
    const phase = this.#phase
    if (phase === 'over') return
    this.#phase = 'over'
    this.#idle.detach()
    if (phase === 'handed') this.#handed?.lost(error)
    else if (phase === 'body') this.#ended(closedEarly('aborted'))
    else if (phase === 'waiting' && this.#reused) this.#resolve(undefined)
    else this.#reject(error ?? closedEarly('socket hang up'))
  }

  listen(listener: BytesListener): void {
    this.#listener = listener
    for (const chunk of this.#early) listener.push(chunk)
    this.#early = []
    if (this.#end !== undefined) listener.end(this.#end.error)
  }

  pause(): void {
    if (this.#phase === 'body') this.#connection.socket.pause()
  }

  resume(): void {
    if (this.#phase === 'body') this.#connection.socket.resume()
  }

  destroy(): void {
    // Afterwards the connection may be that of another request.
    if (this.#phase !== 'over' && this.#phase !== 'handed') this.#connection.socket.destroy()
  }

  recycle(chunk: Uint8Array): void {
    this.#connection.buffers.recycle(chunk)
  }

  #readHead(bytes: Buffer): void {
    const size = this.#reader.read(bytes)
    const { head } = this.#reader
    if (size === undefined) this.#hand(bytes)
    else if (head === undefined) this.#unread.push(Buffer.from(bytes))
    else this.#startBody(head, bytes.subarray(size))
  }

  #startBody(head: DirectHead, bytes: Buffer): void {
    this.#phase = 'body'
    this.length = head.length
    this.#remaining = head.length
    this.#readBody(bytes)
    // Until there is a listener that wants more.
    this.pause()
    this.#resolve(head)
  }

  /** Lets node:http read the response, from its first byte. */
  #hand(bytes: Buffer): void {
    this.#phase = 'handed'
    this.#idle.detach()
    this.#handed = new HandedConnection(this.#connection.socket)
    for (const part of [...this.#unread, bytes]) this.#handed.arrived(part)
    this.#resolve(this.#handed)
  }

  #readBody(bytes: Buffer): void {
    const size = Math.min(bytes.length, this.#remaining)
    this.#remaining -= size
    const chunk = size === 0 ? undefined : this.#chunk(bytes, size)
    // Before the listener has the last bytes: it may ask for the next response at once.
    if (this.#remaining === 0) this.#complete(bytes.length > size)
    else this.#selectBuffer()
    if (chunk !== undefined) this.#deliver(chunk)
    if (this.#remaining === 0) this.#ended(undefined)
  }

  /** The buffer itself, lent to the reader, or a copy. */
  #chunk(bytes: Buffer, size: number): Uint8Array {
    const { buffer } = this
    if (buffer === undefined || size < buffer.length * MIN_LENT_SHARE) {
      const copy = Buffer.allocUnsafeSlow(size)
      bytes.copy(copy, 0, 0, size)
      return copy
    }
    this.buffer = undefined
    return this.#connection.buffers.lend(buffer, size)
  }

  #selectBuffer(): void {
    // What fits into the buffer of the connection is small enough to copy.
    const { buffers } = this.#connection
    if (this.buffer === undefined && this.#remaining >= buffers.sizeBytes * MIN_LENT_SHARE)
      this.buffer = buffers.take()
  }

  /** Gives the connection away. What followed the response is nobody's: it is never read. */
  #complete(hasMore: boolean): void {
    this.#phase = 'over'
    this.#idle.detach()
    if (this.buffer !== undefined) this.#connection.buffers.give(this.buffer)
    this.buffer = undefined
    this.#release(this.#connection, hasMore ? 0 : (this.#reader.head?.keepAliveMs ?? 0))
  }

  #deliver(chunk: Uint8Array): void {
    if (this.#listener === undefined) this.#early.push(chunk)
    else this.#listener.push(chunk)
  }

  #ended(error: unknown): void {
    this.#end = { error }
    this.#listener?.end(error)
  }
}
