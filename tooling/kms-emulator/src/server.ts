import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import type { AcceptedCredentials } from './accepted-credentials.ts'
import type { AccessLog, OpenRecord } from './access-log.ts'
import { authenticate, claimedAccessKeyId } from './authenticate.ts'
import { internalFailure, unsupportedHttpMethod } from './error-catalog.ts'
import { faultResponse } from './fault-response.ts'
import type { FaultPlan } from './faults.ts'
import type { KeyStore } from './key-store.ts'
import { KmsError } from './kms-error.ts'
import { KmsRequest } from './kms-request.ts'
import { OperationContext } from './operation-context.ts'
import { knownAction, runOperation } from './operations.ts'
import { errorResponse, type KmsResponse, successResponse } from './response-format.ts'
import type { TlsIdentity } from './tls-certificate.ts'
import type { UsedNonces } from './used-nonces.ts'

/** Old clients put everything into the URL, where a context of 8192 characters is ten times as long. */
const MAX_HEADER_BYTES = 256 * 1024
const MAX_BODY_BYTES = 1024 * 1024
/** Longer than clients keep idle sockets, so that they never send on a socket that is just being closed. */
const KEEP_ALIVE_MS = 65_000

/** The state of the server. */
export interface ServerState {
  readonly store: KeyStore
  readonly credentials: AcceptedCredentials
  readonly nonces: UsedNonces
  readonly faults: FaultPlan
  readonly clock: () => Date
  readonly latencyMs: () => number
  readonly log: AccessLog | undefined
  readonly record: (entry: OpenRecord) => void
  readonly tls: TlsIdentity | undefined
}

/** The server, and a function that closes it. */
export interface KmsServer {
  readonly server: Server
  /** Stops listening, cuts open connections, and resolves when each request is done and logged. */
  close(): Promise<void>
}

/** Makes the HTTP server. It handles each request, including injected faults. */
export function createKmsServer(state: ServerState): KmsServer {
  const open = new Set<Promise<void>>()
  const handle = (message: IncomingMessage, response: ServerResponse): void => {
    const done = handleRequest(state, message, response)
      .catch((error: unknown) => process.emitWarning(`A request could not be recorded: ${String(error)}`))
      .finally(() => open.delete(done))
    open.add(done)
  }
  const options = { maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true }
  const server =
    state.tls === undefined
      ? createServer(options, handle)
      : createTlsServer({ ...options, key: state.tls.key, cert: state.tls.cert }, handle)
  server.on('clientError', (_error, socket) => {
    if (socket.writable)
      socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    else socket.destroy()
  })
  // closeAllConnections() does not know the connections that are still in the TLS handshake.
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return {
    server,
    async close() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
      server.closeAllConnections()
      for (const socket of sockets) socket.destroy()
      await closed
      while (open.size > 0) await Promise.all(open)
    },
  }
}

/** The connection is lost, or a fault cut it: there is no response. */
class ConnectionLost extends Error {}

/** The body is longer than any of the service. It is refused before it is complete. */
class BodyTooLong extends Error {}

async function handleRequest(
  state: ServerState,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const entry: OpenRecord = {
    time: state.clock().toISOString(),
    startedAt: performance.now(),
    status: 0,
    requestId: randomUUID().toUpperCase(),
  }
  state.record(entry)
  // Without listeners, the error of a broken connection would end the process.
  message.on('error', () => undefined)
  response.on('error', () => undefined)
  const stop = gone(response)
  let result: KmsResponse | undefined
  try {
    result = await makeResponse(state, message, entry, stop)
    await wait(state.latencyMs(), stop)
    entry.status = result.status
  } catch (error) {
    result = undefined
    if (error instanceof BodyTooLong) entry.status = 413
  }
  entry.endedAt = performance.now()
  state.log?.write(entry)
  if (entry.status === 413) {
    // The rest of the body is read and dropped: a client does not read the response while it still sends.
    message.resume()
    response.writeHead(413, { 'Content-Length': 0 })
    response.end()
    return
  }
  if (result === undefined) {
    response.destroy()
    return
  }
  response.writeHead(result.status, {
    'Content-Type': result.contentType,
    'Content-Length': Buffer.byteLength(result.body),
    'x-acs-request-id': entry.requestId,
  })
  response.end(result.body)
}

async function makeResponse(
  state: ServerState,
  message: IncomingMessage,
  entry: OpenRecord,
  stop: AbortSignal,
): Promise<KmsResponse> {
  const request = new KmsRequest(message, await readBody(message))
  entry.protocol = request.protocol
  const action = knownAction(request)
  if (action !== undefined) entry.action = action
  const accessKeyId = claimedAccessKeyId(request)
  if (accessKeyId !== undefined && state.credentials.knows(accessKeyId)) entry.accessKeyId = accessKeyId
  try {
    if (request.method !== 'GET' && request.method !== 'POST') throw unsupportedHttpMethod()
    const now = state.clock()
    authenticate(request, { credentials: state.credentials, nonces: state.nonces, now })
    const fault = state.faults.next(action)
    if (fault !== undefined) {
      entry.fault = fault.kind
      if (fault.kind === 'reset') throw reset(message)
      if (fault.kind === 'stall') await wait(2 ** 31 - 1, stop)
      if (fault.kind === 'slow') await wait(fault.delayMs, stop)
      const result = faultResponse(fault.kind, entry.requestId)
      if (result !== undefined) return result
    }
    const context = new OperationContext(state.store, request, now, ({ keyId }) => {
      entry.keyId = keyId
    })
    return successResponse(request, entry.requestId, runOperation(request, context))
  } catch (error) {
    if (error instanceof ConnectionLost || stop.aborted) throw error
    if (!(error instanceof KmsError)) process.emitWarning(`A request failed: ${String(error)}`)
    const refusal = error instanceof KmsError ? error : internalFailure()
    entry.errorCode = refusal.code
    return errorResponse(request, entry.requestId, refusal)
  }
}

async function readBody(message: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of message.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > MAX_BODY_BYTES) throw new BodyTooLong()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await delay(ms, undefined, { signal })
}

function reset(message: IncomingMessage): ConnectionLost {
  // Only plain TCP can be reset. TLS ends without its close_notify, which clients treat the same.
  if ((message.socket as Partial<TLSSocket>).encrypted) message.socket.destroy()
  else message.socket.resetAndDestroy()
  return new ConnectionLost('reset by fault')
}

/** Returns a signal that aborts when the connection ends, even if the server closes it. */
function gone(response: ServerResponse): AbortSignal {
  const controller = new AbortController()
  response.once('close', () => controller.abort())
  return controller.signal
}
