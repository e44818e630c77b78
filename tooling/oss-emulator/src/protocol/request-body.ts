import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { entityTooLarge, invalidDigest } from './error-catalog.ts'

/** The connection is gone, by fault or by the client: there is nobody to answer. */
export class ConnectionLost extends Error {
  override readonly name: string = 'ConnectionLost'
}

/** What takes the chunks of a body. */
export interface ByteSink {
  /** Takes a chunk for good. A promise, if returned, holds back the next chunk. */
  write(chunk: Uint8Array): Promise<void> | undefined
}

/** Hooks of the server into the reading of a body. */
export interface BodyHooks {
  /** Called once before the first byte is read: `Expect: 100-continue` is answered then. */
  readonly onRead: () => void
  readonly onBytes: (count: number) => void
  /** A fault: the connection is reset after this many bytes. */
  readonly cutAfterBytes: number | undefined
  /** Aborted with an OssError when the parser refuses the rest of the body. */
  readonly refusal: AbortSignal
}

/** A request's body, read once. */
export class RequestBody {
  readonly #message: IncomingMessage
  readonly #hooks: BodyHooks

  constructor(message: IncomingMessage, hooks: BodyHooks) {
    this.#message = message
    this.#hooks = hooks
  }

  /** The declared length; `undefined` for a chunked body or none. */
  get declaredSizeBytes(): number | undefined {
    const length = this.#message.headers['content-length']
    return length === undefined ? undefined : Number(length)
  }

  get isChunked(): boolean {
    return this.#message.headers['transfer-encoding'] !== undefined
  }

  /** Moves the whole body into a sink, as fast as the sink allows. */
  pipe(sink: ByteSink): Promise<void> {
    const message = this.#message
    const { cutAfterBytes, onBytes, refusal } = this.#hooks
    this.#hooks.onRead()
    return new Promise((resolve, reject) => {
      let received = 0
      const fail = (error: unknown): void => {
        // What still arrives is for nobody; the server drains it.
        message.off('data', onData)
        reject(error)
      }
      const lost = (): void => fail(new ConnectionLost('broken request'))
      const cut = (): void => {
        message.socket.resetAndDestroy()
        lost()
      }
      const onData = (chunk: Buffer): void => {
        received += chunk.length
        onBytes(chunk.length)
        if (cutAfterBytes !== undefined && received >= cutAfterBytes) {
          cut()
          return
        }
        const wait = sink.write(chunk)
        if (wait === undefined) return
        message.pause()
        wait.then(() => message.resume(), fail)
      }
      // The client may have gone while the request was judged; no event would tell any more.
      if (message.destroyed && !message.readableEnded) {
        lost()
        return
      }
      if (refusal.aborted) {
        reject(refusal.reason)
        return
      }
      refusal.addEventListener('abort', () => fail(refusal.reason), { once: true })
      message.on('data', onData)
      message.on('end', () => {
        if (cutAfterBytes === undefined) resolve()
        else cut()
      })
      message.on('error', lost)
      message.on('close', lost)
    })
  }

  /**
   * The whole body as text.
   *
   * @throws OssError `InvalidDigest` when it is not the one that `contentMd5` (base64) is of.
   */
  async text(maxBytes: number, contentMd5: string | undefined): Promise<string> {
    const chunks: Uint8Array[] = []
    let sizeBytes = 0
    await this.pipe({
      write(chunk) {
        sizeBytes += chunk.length
        if (sizeBytes > maxBytes) return Promise.reject(entityTooLarge(maxBytes))
        chunks.push(chunk)
        return undefined
      },
    })
    const bytes = Buffer.concat(chunks)
    const digest = createHash('md5').update(bytes).digest('base64')
    if (contentMd5 !== undefined && contentMd5 !== digest) throw invalidDigest('0017-00000503')
    return bytes.toString('utf8')
  }
}
