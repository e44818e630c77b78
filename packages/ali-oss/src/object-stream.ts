import { Readable } from 'node:stream'
import type { AliOssResponse } from './ali-oss-response.ts'
import { unreadError } from './service-error.ts'

/** What an `ObjectStream` needs. */
export interface ObjectStreamOptions {
  readonly body: ReadableStream<Uint8Array>
  /** Maps a failure to the error for the caller. */
  readonly explain: (error: unknown) => unknown
  /** Without a read for this many milliseconds, at least 30,000, the stream releases its connection. Absent: never. */
  readonly timeoutMs: number | undefined
  readonly res: AliOssResponse
}

/** The time that ali-oss 6.23 allows for a stream that nobody reads: the socket timeout of agentkeepalive. */
const MIN_UNREAD_MS = 30_000

/**
 * The bytes of an object in the form of ali-oss: a Node.js stream that reads no faster than its reader.
 *
 * If nobody handles it, it behaves like the `IncomingMessage` of ali-oss. An error without a listener ends the stream
 * and not the process. A stream that nobody reads any more releases its connection. An example is a stream that was
 * piped to a browser that has disconnected.
 */
export class ObjectStream extends Readable {
  readonly statusCode: number
  readonly headers: AliOssResponse['headers']
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #explain: ObjectStreamOptions['explain']
  readonly #unread: NodeJS.Timeout | undefined

  constructor({ body, explain, timeoutMs, res }: ObjectStreamOptions) {
    super()
    this.statusCode = res.statusCode
    this.headers = res.headers
    this.#reader = body.getReader()
    this.#explain = explain
    if (timeoutMs !== undefined) {
      const unreadMs = Math.max(timeoutMs, MIN_UNREAD_MS)
      this.#unread = setTimeout(() => this.destroy(unreadError(unreadMs)), unreadMs).unref()
    }
  }

  override _read(): void {
    this.#unread?.refresh()
    this.#reader.read().then(
      ({ done, value }) => {
        // Once all bytes are here, nothing holds a connection.
        if (done) clearTimeout(this.#unread)
        else this.#unread?.refresh()
        this.push(done ? null : value)
      },
      (error) => this.destroy(this.#explain(error) as Error),
    )
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#unread)
    const ended = (): void => callback(this.listenerCount('error') > 0 ? error : null)
    this.#reader.cancel().then(ended, ended)
  }
}
