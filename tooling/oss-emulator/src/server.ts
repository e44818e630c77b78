import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { AccessLog, OpenRecord } from './access-log.ts'
import type { Answer } from './answer.ts'
import { type Account, authenticate } from './authenticate.ts'
import { type Location, possibleLocations } from './bucket-location.ts'
import { internalError, serviceUnavailable } from './error-catalog.ts'
import { errorXml } from './error-xml.ts'
import type { Fault, FaultPlan } from './faults.ts'
import type { ObjectStore } from './object-store.ts'
import { runOperation } from './operations.ts'
import type { CseSwitches } from './options.ts'
import { OssError } from './oss-error.ts'
import { OssRequest } from './oss-request.ts'
import { ConnectionLost, RequestBody } from './request-body.ts'
import { sendAnswer } from './send-answer.ts'

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

/** What a client hears that closed its side in the middle of a body. */
const INCOMPLETE_BODY =
  '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>IncompleteBody</Code><Message>The request body terminated unexpectedly.</Message></Error>'

/** The HTTP side: one request in, one answer out, faults in between. */
export function createOssServer(state: ServerState): OssServer {
  const open = new Set<Promise<unknown>>()
  const answering = new WeakMap<Duplex, ServerResponse>()
  const handle = (message: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void => {
    const closed = new Promise<void>((resolve) => response.once('close', resolve))
    answering.set(message.socket, response)
    const done: Promise<unknown> = answerRequest(
      state,
      message,
      response,
      new Continuation(response, expectsContinue),
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
  })
  server.on('request', (message, response) => handle(message, response, false))
  server.on('checkContinue', (message, response) => handle(message, response, true))
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // In the middle of an answer a status line would pass for bytes of the object.
    if (!socket.writable || answering.get(socket)?.headersSent) {
      socket.destroy()
      return
    }
    const cut = error.code === 'HPE_INVALID_EOF_STATE'
    const document = cut ? INCOMPLETE_BODY : ''
    const type = cut ? 'Content-Type: application/xml\r\n' : ''
    const length = `Content-Length: ${Buffer.byteLength(document)}\r\n`
    socket.end(`HTTP/1.1 400 Bad Request\r\nConnection: close\r\n${type}${length}\r\n${document}`)
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
    requestId: randomBytes(12).toString('hex').toUpperCase(),
  }
  state.record(entry)
  // Without listeners an error of a broken connection would end the process.
  message.on('error', () => undefined)
  response.on('error', () => undefined)
  const fault = state.faults.next(faultSubject(state, request))
  if (fault !== undefined) entry.fault = fault.kind
  try {
    const answer = await faultyAnswer(state, request, response, continuation, entry, fault)
    try {
      if (fault?.kind === 'reset-after') throw reset(message)
      if (fault?.kind === 'slow') await delay(fault.delayMs, undefined, { signal: state.closing })
      entry.status = answer.status
      // A client that was not told to go on sends no body: what it sends next could be taken for one.
      if (continuation.isPending) response.setHeader('Connection', 'close')
      response.sendDate = false
      response.setHeader('Server', 'AliyunOSS')
      response.setHeader('Date', state.clock().toUTCString())
      response.setHeader('x-oss-request-id', entry.requestId)
      response.setHeader('x-oss-server-time', String(Math.round(performance.now() - started)))
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
    })
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

function errorAnswer(error: OssError, request: OssRequest, requestId: string): Answer {
  const xml = errorXml(error, requestId, request.hostname)
  const common = { ...error.headers, ...(error.ec === undefined ? {} : { 'x-oss-ec': error.ec }) }
  if (request.method === 'HEAD') {
    return {
      status: error.status,
      headers: { ...common, 'x-oss-err': Buffer.from(xml, 'utf8').toString('base64') },
    }
  }
  return {
    status: error.status,
    headers: { ...common, 'Content-Type': 'application/xml' },
    body: Buffer.from(xml, 'utf8'),
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
