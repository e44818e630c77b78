import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { methodNotAllowed } from '../protocol/error-catalog.ts'
import type { OssError } from '../protocol/oss-error.ts'
import { Continuation } from './continuation.ts'
import { malformedRequest, type ParserError } from './malformed-request.ts'
import { refuseConnection } from './refuse-connection.ts'
import { type Exchange, respond, type ServerState } from './respond.ts'

const MAX_HEADER_BYTES = 64 * 1024
/** Longer than clients keep idle sockets, so that no client sends into a socket that the server is closing. */
const KEEP_ALIVE_MS = 65_000

/** The HTTP server, and a way to wait for the requests in progress. */
export interface OssServer {
  readonly server: Server
  /** Resolves when each request is done and logged. */
  idle(): Promise<void>
}

/** Creates the HTTP server. It does not listen yet. */
export function createOssServer(state: ServerState): OssServer {
  const open = new Set<Promise<unknown>>()
  const exchanges = new WeakMap<Duplex, Exchange>()
  const refused = new WeakSet<Duplex>()
  const refuse = (socket: Duplex, error: OssError, head: Uint8Array | undefined): void => {
    refused.add(socket)
    if (socket.writable) refuseConnection(state, socket, error, head)
  }
  const handle = (incoming: IncomingMessage, outgoing: ServerResponse, expectsContinue: boolean): void => {
    const closed = new Promise<void>((resolve) => outgoing.once('close', resolve))
    const continuation = new Continuation(outgoing, expectsContinue)
    const exchange: Exchange = { incoming, outgoing, continuation, refusal: new AbortController() }
    exchanges.set(incoming.socket, exchange)
    const done: Promise<unknown> = respond(state, exchange)
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
    // Node's own 400 would have no error document.
    requireHostHeader: false,
  })
  server.on('request', (incoming, outgoing) => handle(incoming, outgoing, false))
  server.on('checkContinue', (incoming, outgoing) => handle(incoming, outgoing, true))
  server.on('checkExpectation', (incoming, outgoing) => handle(incoming, outgoing, false))
  server.on('connect', (_incoming, socket: Duplex, head: Uint8Array) => {
    socket.on('error', () => undefined)
    socket.resume()
    refuse(socket, methodNotAllowed('CONNECT'), head)
  })
  server.on('clientError', (cause: ParserError, socket) => {
    // Each further chunk of a refused request raises this event again.
    if (refused.has(socket)) return
    if (!socket.writable) {
      socket.destroy()
      return
    }
    const error = malformedRequest(cause)
    const exchange = exchanges.get(socket)
    if (exchange === undefined || (exchange.outgoing.closed && exchange.incoming.complete)) {
      refuse(socket, error, cause.rawPacket)
    } else if (exchange.incoming.complete) {
      // The malformed request is the next one. The response to the current one goes first.
      refused.add(socket)
      exchange.outgoing.once('close', () => refuse(socket, error, undefined))
    } else if (exchange.outgoing.headersSent) {
      // Within the body a second status line would look like bytes of the object, after the body like the response
      // to the next request.
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
