import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { methodNotAllowed } from '../protocol/error-catalog.ts'
import type { OssError } from '../protocol/oss-error.ts'
import { Continuation } from './continuation.ts'
import { malformedRequest, type ParserError } from './malformed-request.ts'
import { refuseConnection } from './refuse-connection.ts'
import { answerRequest, type Exchange, type ServerState } from './respond.ts'

const MAX_HEADER_BYTES = 64 * 1024
/** Longer than clients keep idle sockets, so that they never send into one that is just being closed. */
const KEEP_ALIVE_MS = 65_000

/** The HTTP server, and a way to wait for what it still does. */
export interface OssServer {
  readonly server: Server
  /** Resolves when every request is done and logged. */
  idle(): Promise<void>
}

/** The HTTP side: one request in, one answer out, faults in between. */
export function createOssServer(state: ServerState): OssServer {
  const open = new Set<Promise<unknown>>()
  const exchanges = new WeakMap<Duplex, Exchange>()
  const refused = new WeakSet<Duplex>()
  const refuse = (socket: Duplex, error: OssError, head: Uint8Array | undefined): void => {
    refused.add(socket)
    if (socket.writable) refuseConnection(state, socket, error, head)
  }
  const handle = (message: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void => {
    const closed = new Promise<void>((resolve) => response.once('close', resolve))
    const continuation = new Continuation(response, expectsContinue)
    const exchange = { message, response, continuation, refusal: new AbortController() }
    exchanges.set(message.socket, exchange)
    const done: Promise<unknown> = answerRequest(state, exchange)
      .then(async (entry) => {
        await closed
        state.log?.write(entry)
      })
      .catch((error: unknown) => process.emitWarning(`A request could not be recorded: ${String(error)}`))
      .finally(() => open.delete(done))
    open.add(done)
  }
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    // A slow upload is no attack here.
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    noDelay: true,
    // Node would answer without a document.
    requireHostHeader: false,
  })
  server.on('request', (message, response) => handle(message, response, false))
  server.on('checkContinue', (message, response) => handle(message, response, true))
  server.on('checkExpectation', (message, response) => handle(message, response, false))
  server.on('connect', (_message, socket: Duplex, head: Uint8Array) => {
    socket.on('error', () => undefined)
    socket.resume()
    refuse(socket, methodNotAllowed('CONNECT'), head)
  })
  server.on('clientError', (cause: ParserError, socket) => {
    // Each further piece of a refused request is an error again.
    if (refused.has(socket)) return
    if (!socket.writable) {
      socket.destroy()
      return
    }
    const error = malformedRequest(cause)
    const exchange = exchanges.get(socket)
    if (exchange === undefined || (exchange.response.closed && exchange.message.complete)) {
      refuse(socket, error, cause.rawPacket)
    } else if (exchange.message.complete) {
      // It is the next request that is malformed; the answer to this one goes first.
      refused.add(socket)
      exchange.response.once('close', () => refuse(socket, error, undefined))
    } else if (exchange.response.headersSent) {
      // In the middle of an answer a status line would pass for bytes of the object, after it for the next answer.
      socket.destroy()
    } else {
      refused.add(socket)
      exchange.refusal.abort(error)
    }
  })
  return {
    server,
    async idle() {
      while (open.size > 0) await Promise.all(open)
    },
  }
}
