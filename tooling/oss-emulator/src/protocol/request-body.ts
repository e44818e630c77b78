import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { entityTooLarge, invalidDigest } from './error-catalog.ts'

/** A fault or the client ended the connection: no response can be sent. */
export class ConnectionLost extends Error {
  override readonly name: string = 'ConnectionLost'
}

/** Receives the chunks of a body. */
export interface ByteSink {
  /** Takes ownership of a chunk. If it returns a promise, the next chunk waits for it. */
  write(chunk: Uint8Array): Promise<void> | undefined
}

/** Hooks of the server that are called while a body is read. */
export interface BodyHooks {
  /** Called once before the first byte is read. The server sends `100 Continue` then. */
  readonly onRead: () => void
  readonly onBytes: (count: number) => void
  /** For a fault: the connection is reset after this many bytes. */
  readonly cutAfterBytes: number | undefined
  /** Aborted with an OssError when the parser refuses the rest of the body. */
  readonly refusal: AbortSignal
}

/** The body of a request. It can be read once. */
export class RequestBody {
  readonly #message: IncomingMessage
  readonly #hooks: BodyHooks

  constructor(message: IncomingMessage, hooks: BodyHooks) {
    this.#message = message
    this.#hooks = hooks
  }

  /** The declared length. `undefined` for a chunked body or no body. */
  get declaredSizeBytes(): number | undefined {
    const length = this.#message.headers['content-length']
    return length === undefined ? undefined : Number(length)
  }

  get isChunked(): boolean {
    return this.#message.headers['transfer-encoding'] !== undefined
  }

  /** Writes the whole body to a sink, with backpressure. */
  pipe(sink: ByteSink): Promise<void> {
    const message = this.#message
    const { cutAfterBytes, onBytes, refusal } = this.#hooks
    this.#hooks.onRead()
    return new Promise((resolve, reject) => {
      let received = 0
      const fail = (error: unknown): void => {
        // The server drains the rest of the body.
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
      // The client may have left while the request was checked. No event reports that afterwards.
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
   * Reads the whole body as text.
   *
   * @throws OssError `EntityTooLarge`, or `InvalidDigest` if the body does not match `contentMd5` (base64)
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
