import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

/**
 * A connection on which a request was sent, for node:http to read the response. It replays what has arrived. It
 * swallows what node:http writes, because that is the request again. It has the members of a socket that node:http and
 * `IdleWatch` use.
 */
export class HandedConnection extends Duplex {
  readonly #socket: Socket
  #isRead = false
  #error: Error | undefined

  constructor(socket: Socket) {
    super({ allowHalfOpen: false })
    this.#socket = socket
    socket.on('timeout', () => this.emit('timeout'))
    // node:http listens for errors later than they may come.
    this.on('error', () => {})
    this.once('resume', () => {
      this.#isRead = true
      // Not before node:http has what arrived earlier.
      if (this.#error !== undefined) process.nextTick(() => this.destroy(this.#error))
    })
  }

  /** Passes bytes on. The connection waits when node:http has enough of them. */
  arrived(bytes: Buffer): void {
    // The buffer is read into again.
    if (!this.push(Buffer.from(bytes))) this.#socket.pause()
  }

  /** Passes on that the connection was closed, once node:http reads. */
  lost(error: Error | undefined): void {
    this.#error = error
    if (error === undefined) this.push(null)
    else if (this.#isRead) this.destroy(error)
  }

  setTimeout(timeoutMs: number): this {
    this.#socket.setTimeout(timeoutMs)
    return this
  }

  destroySoon(): void {
    this.destroy()
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(_chunk: unknown, _encoding: BufferEncoding, done: () => void): void {
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }
}
