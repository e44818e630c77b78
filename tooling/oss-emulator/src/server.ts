import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { AccessLog, OpenRecord } from './access-log.ts'
import type { Answer } from './answer.ts'
import { type Account, authenticate } from './authenticate.ts'
import { type Location, possibleLocations } from './bucket-location.ts'
import { errorAnswer } from './error-answer.ts'
import { internalError, invalidArgument, methodNotAllowed, serviceUnavailable } from './error-catalog.ts'
import type { Fault, FaultPlan } from './faults.ts'
import { malformedRequest, type ParserError } from './malformed-request.ts'
import type { ObjectStore } from './object-store.ts'
import { runOperation } from './operations.ts'
import type { CseSwitches } from './options.ts'
import { OssError } from './oss-error.ts'
import { OssRequest } from './oss-request.ts'
import { refuseConnection } from './refuse-connection.ts'
import { ConnectionLost, RequestBody } from './request-body.ts'
import { sendAnswer } from './send-answer.ts'
import { newRequestId, serviceHeaders } from './service-headers.ts'

const MAX_HEADER_BYTES = 64 * 1024
/** Longer than clients keep idle sockets, so that they never send into one that is just being closed. */
const KEEP_ALIVE_MS = 65_000

/** What the HTTP server works on. */
export interface ServerState {
  readonly store: ObjectStore
  readonly account: Account
  readonly faults: FaultPlan
  readonly cse: Required<CseSwitches>
  readonly clock: () => Date
  readonly cnameBucket: () => string | undefined
  readonly log: AccessLog | undefined
  readonly record: (entry: OpenRecord) => void
  /** Aborted when the server closes: what waits then stops. */
  readonly closing: AbortSignal
}

/** The HTTP server, and a way to wait for what it still does. */
export interface OssServer {
  readonly server: Server
  /** Resolves when every request is done and logged. */
  idle(): Promise<void>
}

/** The request that a connection is at. */
interface Exchange {
  readonly response: ServerResponse
  /** Aborted with an OssError when the parser refuses the rest of the body. */
  readonly refusal: AbortController
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
    const refusal = new AbortController()
    exchanges.set(message.socket, { response, refusal })
    const done: Promise<unknown> = answerRequest(
      state,
      message,
      response,
      new Continuation(response, expectsContinue),
      refusal.signal,
    )
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
    if (exchange === undefined || exchange.response.closed) {
      refuse(socket, error, cause.rawPacket)
    } else if (exchange.response.req.complete) {
      // It is the next request that is malformed; the answer to this one goes first.
      refused.add(socket)
      exchange.response.once('close', () => refuse(socket, error, undefined))
    } else if (exchange.response.headersSent) {
      // In the middle of an answer a status line would pass for bytes of the object.
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

/** The `100 Continue` of a request that waits for one. */
class Continuation {
  readonly #response: ServerResponse
  #pending: boolean

  constructor(response: ServerResponse, expected: boolean) {
    this.#response = response
    this.#pending = expected
  }

  get isPending(): boolean {
    return this.#pending
  }

  send(): void {
    if (this.#pending) this.#response.writeContinue()
    this.#pending = false
  }
}

async function answerRequest(
  state: ServerState,
  message: IncomingMessage,
  response: ServerResponse,
  continuation: Continuation,
  refusal: AbortSignal,
): Promise<OpenRecord> {
  const request = new OssRequest(message)
  const started = performance.now()
  const entry: OpenRecord = {
    time: state.clock().toISOString(),
    method: request.method,
    path: request.path,
    query: request.query,
    headers: Object.fromEntries(request.headers),
    status: 0,
    bytesIn: 0,
    bytesOut: 0,
    requestId: newRequestId(),
  }
  state.record(entry)
  // Without listeners an error of a broken connection would end the process.
  message.on('error', () => undefined)
  response.on('error', () => undefined)
  const fault = state.faults.next(faultSubject(state, request))
  if (fault !== undefined) entry.fault = fault.kind
  try {
    const answer = await faultyAnswer(state, request, response, continuation, refusal, entry, fault)
    try {
      if (fault?.kind === 'reset-after') throw reset(message)
      if (fault?.kind === 'slow') await delay(fault.delayMs, undefined, { signal: state.closing })
      entry.status = answer.status
      // A client that was not told to go on sends no body: what it sends next could be taken for one.
      if (continuation.isPending || refusal.aborted) response.setHeader('Connection', 'close')
      response.sendDate = false
      const common = serviceHeaders(entry.requestId, state.clock(), performance.now() - started)
      for (const [name, value] of Object.entries(common)) response.setHeader(name, value)
      await sendAnswer(response, answer, {
        isHead: request.method === 'HEAD',
        fault,
        onBytes: (count) => {
          entry.bytesOut += count
        },
      })
    } finally {
      if (answer.body !== undefined && !(answer.body instanceof Uint8Array)) answer.body.release()
    }
    // Keeps the connection usable when an error was answered before the body had been read.
    message.resume()
  } catch {
    // Whoever is gone gets no answer; a stored object that cannot be read must not end as a whole answer.
    if (fault?.kind !== 'truncate-response') response.destroy()
  }
  return entry
}

async function faultyAnswer(
  state: ServerState,
  request: OssRequest,
  response: ServerResponse,
  continuation: Continuation,
  refusal: AbortSignal,
  entry: OpenRecord,
  fault: Fault | undefined,
): Promise<Answer> {
  const { message } = request
  try {
    if (fault?.kind === 'reset-before') throw reset(message)
    if (fault?.kind === 'status-500') throw internalError()
    if (fault?.kind === 'status-503') throw serviceUnavailable()
    if (fault?.kind === 'stall') {
      continuation.send()
      message.resume()
      await delay(2 ** 31 - 1, undefined, { signal: AbortSignal.any([state.closing, gone(response)]) })
    }
    const cutAfterBytes = fault?.kind === 'reset-during-request' ? cutPoint(message, fault) : undefined
    if (cutAfterBytes === 0) throw reset(message)
    const body = new RequestBody(message, {
      onRead: () => continuation.send(),
      onBytes: (count) => {
        entry.bytesIn += count
      },
      cutAfterBytes,
      refusal,
    })
    if (message.httpVersion === '1.1' && request.header('host') === undefined) {
      throw invalidArgument('The Host header is missing.')
    }
    const now = state.clock()
    const locations = possibleLocations(request.hostname, request.path, state.cnameBucket())
    const { bucket, key } = authenticate(request, knownFirst(state, locations), state.account, now)
    return await runOperation({
      store: state.store,
      request,
      body,
      bucket,
      key,
      now: state.clock,
      cse: state.cse,
      region: state.account.region,
      authority: request.header('host') ?? request.hostname,
    })
  } catch (error) {
    if (error instanceof ConnectionLost || state.closing.aborted || message.socket.destroyed) throw error
    return errorAnswer(error instanceof OssError ? error : internalError(), request, entry.requestId)
  }
}

/** Which reading is reported when none was signed: one whose bucket exists, if there is one. */
function knownFirst(state: ServerState, locations: readonly Location[]): readonly Location[] {
  const exists = (location: Location): boolean => state.store.bucket(location.bucket) !== undefined
  return [...locations.filter(exists), ...locations.filter((location) => !exists(location))]
}

function faultSubject(
  state: ServerState,
  request: OssRequest,
): { method: string; path: string; keys: readonly string[]; partNumber: number | undefined } {
  const partNumber = request.parameter('partNumber')
  let keys: readonly string[] = []
  try {
    keys = possibleLocations(request.hostname, request.path, state.cnameBucket()).map(({ key }) => key)
  } catch {
    // A path that cannot be decoded has no key; the operation will say so.
  }
  return {
    method: request.method,
    path: request.path,
    keys,
    partNumber: partNumber === undefined ? undefined : Number(partNumber),
  }
}

/** Where a request body is cut; 0 for a request without one. */
function cutPoint(message: IncomingMessage, fault: Fault): number {
  const length = message.headers['content-length']
  if (length === undefined)
    return message.headers['transfer-encoding'] === undefined ? 0 : (fault.afterBytes ?? 1)
  return Math.min(fault.afterBytes ?? Math.ceil(Number(length) / 2), Number(length))
}

function reset(message: IncomingMessage): ConnectionLost {
  message.socket.resetAndDestroy()
  return new ConnectionLost('reset by fault')
}

function gone(response: ServerResponse): AbortSignal {
  const controller = new AbortController()
  response.once('close', () => controller.abort())
  return controller.signal
}
