import { Readable } from 'node:stream'
import { unreadError } from './service-error.ts'

/** What a stream is made of. */
export interface ObjectStreamOptions {
  readonly body: ReadableStream<Uint8Array>
  /** What a failure is called. */
  readonly explain: (error: unknown) => unknown
  /** After how many milliseconds without a read the stream lets go of its connection; absent: never. */
  readonly timeoutMs: number | undefined
}

/**
 * An object's bytes as ali-oss hands them out: a Node.js stream that reads no further than its reader.
 *
 * It behaves where it is left alone as the `IncomingMessage` of ali-oss does: an error that nobody listens for ends it and
 * does not end the process, and one that nobody reads any more, such as what was piped into an answer whose browser is
 * gone, lets go of its connection.
 */
export class ObjectStream extends Readable {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #explain: ObjectStreamOptions['explain']
  readonly #unread: NodeJS.Timeout | undefined

  constructor({ body, explain, timeoutMs }: ObjectStreamOptions) {
    super()
    this.#reader = body.getReader()
    this.#explain = explain
    if (timeoutMs !== undefined) {
      this.#unread = setTimeout(() => this.destroy(unreadError(timeoutMs)), timeoutMs).unref()
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
