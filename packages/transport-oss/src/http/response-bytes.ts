import type { IncomingMessage } from 'node:http'
import { freeBytes } from '@oss-cse/crypto-core/internal'

/** Receives the bytes of a response. */
export interface BytesListener {
  /** Called with the bytes in their order. They are the listener's until it recycles them. */
  push(chunk: Uint8Array): void
  /** Called at the end, once or more often. Without an error, the connection has delivered all there is. */
  end(error: unknown): void
}

/** The body of a response, as its connection delivers it. */
export interface ResponseBytes {
  /** The length that the response states, in bytes. */
  readonly length: number | undefined
  /** Tells the listener what comes, and what has come. Called once. The connection is paused until `resume`. */
  listen(listener: BytesListener): void
  pause(): void
  resume(): void
  /** Closes the connection, unless the response is complete. */
  destroy(): void
  /** Takes a chunk back that nobody reads any more. See `ByteChunks`. */
  recycle(chunk: Uint8Array): void
}

/** The body of a response that Node.js parsed. */
export function messageBytes(message: IncomingMessage): ResponseBytes {
  const length = message.headers['content-length']
  return {
    length: length === undefined ? undefined : Number(length),
    listen({ push, end }) {
      // Paused first: a listener for `data` would start the flow, before anybody reads.
      message.pause()
      message.on('data', push)
      message.once('end', () => end(undefined))
      message.once('error', end)
      message.once('close', () => end(closedEarly()))
      // It may have broken before anybody listened.
      if (message.destroyed) end(message.errored ?? closedEarly())
    },
    pause: () => message.pause(),
    resume: () => void message.resume(),
    destroy: () => void message.destroy(),
    // Node.js copies each chunk out of the connection, so nobody else has it.
    recycle: freeBytes,
  }
}

/** The error of a connection that was closed before the response had ended. */
export function closedEarly(message = 'the connection was closed'): Error {
  return Object.assign(new Error(message), { code: 'ECONNRESET' })
}
