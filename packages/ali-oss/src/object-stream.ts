import { Readable } from 'node:stream'
import type { AliOssResponse } from './ali-oss-response.ts'
import { unreadError } from './service-error.ts'

/** What a stream is made of. */
export interface ObjectStreamOptions {
  readonly body: ReadableStream<Uint8Array>
  /** What a failure is called. */
  readonly explain: (error: unknown) => unknown
  /** After how many milliseconds without a read the stream lets go of its connection, at least 30,000; absent: never. */
  readonly timeoutMs: number | undefined
  readonly res: AliOssResponse
}

/** What ali-oss 6.23 leaves a stream that nobody reads: agentkeepalive's timeout of a socket. */
const MIN_UNREAD_MS = 30_000

/**
 * An object's bytes as ali-oss hands them out: a Node.js stream that reads no further than its reader.
 *
 * It behaves where it is left alone as the `IncomingMessage` of ali-oss does: an error that nobody listens for ends it and
 * does not end the process, and one that nobody reads any more, such as what was piped into an answer whose browser is
 * gone, lets go of its connection.
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
        // Nothing holds a connection any more once all is here.
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
