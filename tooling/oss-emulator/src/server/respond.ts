import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { type Account, authenticate } from '../auth/authenticate.ts'
import { withCorsHeaders } from '../cors/cors-headers.ts'
import { preflight } from '../operations/buckets/preflight.ts'
import type { CseSwitches } from '../operations/cse-rules.ts'
import type { GzipMode } from '../operations/operation-context.ts'
import {
  internalError,
  invalidArgument,
  invalidObjectName,
  serviceUnavailable,
} from '../protocol/error-catalog.ts'
import { OssError } from '../protocol/oss-error.ts'
import { OssRequest } from '../protocol/oss-request.ts'
import { emptyResponse, type OssResponse } from '../protocol/oss-response.ts'
import { type Location, possibleLocations } from '../protocol/possible-locations.ts'
import { ConnectionLost, RequestBody } from '../protocol/request-body.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import type { AccessLog, OpenRecord } from './access-log.ts'
import type { Continuation } from './continuation.ts'
import { errorResponse } from './error-response.ts'
import type { Fault, FaultPlan, FaultSubject } from './faults.ts'
import { runOperation } from './run-operation.ts'
import { sendResponse } from './send-response.ts'
import { newRequestId, serviceHeaders } from './service-headers.ts'

/** The state that the HTTP server works on. */
export interface ServerState {
  readonly store: ObjectStore
  readonly account: Account
  readonly faults: FaultPlan
  readonly cse: Required<CseSwitches>
  readonly gzip: GzipMode
  readonly maxListedKeys: number
  readonly clock: () => Date
  readonly cnameBucket: () => string | undefined
  readonly log: AccessLog | undefined
  readonly record: (entry: OpenRecord) => void
  /** Aborted when the server closes. Every wait then ends. */
  readonly closing: AbortSignal
}

/** One request as Node delivers it, with its connection. */
export interface Exchange {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  readonly continuation: Continuation
  /** Aborted with an OssError when the parser refuses the rest of the body. */
  readonly refusal: AbortController
}

/** Responds to a request. Resolves with the log entry once the response is sent or the client is gone. */
export async function respond(state: ServerState, exchange: Exchange): Promise<OpenRecord> {
  const { incoming, outgoing, continuation, refusal } = exchange
  const request = new OssRequest(incoming)
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
  incoming.on('error', () => undefined)
  outgoing.on('error', () => undefined)
  const fault = state.faults.next(faultSubject(state, request))
  if (fault !== undefined) entry.fault = fault.kind
  try {
    const { response, bucket } = await operationOrFault(state, exchange, request, entry, fault)
    try {
      if (fault?.kind === 'reset-after') throw reset(incoming)
      if (fault?.kind === 'slow') await delay(fault.delayMs, undefined, { signal: state.closing })
      entry.status = response.status
      // A client that got no 100 Continue may or may not send its body. The server could not tell the body from
      // the next request, so the connection ends here.
      if (continuation.isPending || refusal.signal.aborted) outgoing.setHeader('Connection', 'close')
      outgoing.sendDate = false
      const common = serviceHeaders(entry.requestId, state.clock(), performance.now() - started)
      for (const [name, value] of Object.entries(common)) outgoing.setHeader(name, value)
      const cors = state.store.bucket(bucket)?.record.cors
      await sendResponse(outgoing, withCorsHeaders(response, request, cors), {
        isHead: request.method === 'HEAD',
        fault,
        onBytes: (count) => {
          entry.bytesOut += count
        },
      })
    } finally {
      if (response.body !== undefined && !(response.body instanceof Uint8Array)) response.body.release()
    }
    // Keeps the connection usable after an error response that was sent before the body was read.
    incoming.resume()
  } catch {
    // Either the client is gone, or a stored object could not be read: its response must not look complete.
    if (fault?.kind !== 'truncate-response') outgoing.destroy()
  }
  return entry
}

function throttled({ qosDelayMs }: Fault): Record<string, string> {
  return qosDelayMs === undefined ? {} : { 'x-oss-qos-delay-time': String(qosDelayMs) }
}

async function operationOrFault(
  state: ServerState,
  { incoming, outgoing, continuation, refusal }: Exchange,
  request: OssRequest,
  entry: OpenRecord,
  fault: Fault | undefined,
): Promise<{ readonly response: OssResponse; readonly bucket: string }> {
  const locations = candidateLocations(state, request)
  let bucket = locations[0]?.bucket ?? ''
  try {
    if (fault?.kind === 'reset-before') throw reset(incoming)
    if (fault?.kind === 'status-500') throw internalError()
    if (fault?.kind === 'status-503') throw serviceUnavailable(throttled(fault))
    if (fault?.kind === 'status') {
      const { status = 502, code } = fault
      const headers = throttled(fault)
      if (code === undefined) return { response: emptyResponse(status, headers), bucket }
      throw new OssError(status, code, 'This failure was injected.', { headers })
    }
    if (fault?.kind === 'stall') {
      continuation.send()
      incoming.resume()
      await delay(2 ** 31 - 1, undefined, { signal: AbortSignal.any([state.closing, gone(outgoing)]) })
    }
    const cutAfterBytes = fault?.kind === 'reset-during-request' ? cutPoint(incoming, fault) : undefined
    if (cutAfterBytes === 0) throw reset(incoming)
    const body = new RequestBody(incoming, {
      onRead: () => continuation.send(),
      onBytes: (count) => {
        entry.bytesIn += count
      },
      cutAfterBytes,
      refusal: refusal.signal,
    })
    if (incoming.httpVersion === '1.1' && request.header('host') === undefined) {
      throw invalidArgument('The Host header is missing.')
    }
    if (locations.length === 0) throw invalidObjectName()
    if (request.method === 'OPTIONS') return { response: preflight(state.store, bucket, request), bucket }
    const location = authenticate(request, locations, state.account, state.clock())
    bucket = location.bucket
    const response = await runOperation({
      store: state.store,
      request,
      body,
      bucket,
      key: location.key,
      now: state.clock,
      cse: state.cse,
      gzip: state.gzip,
      maxListedKeys: state.maxListedKeys,
      region: state.account.region,
      authority: request.header('host') ?? request.hostname,
    })
    return { response, bucket }
  } catch (error) {
    if (error instanceof ConnectionLost || state.closing.aborted || incoming.socket.destroyed) throw error
    const refused = error instanceof OssError ? error : internalError()
    return { response: errorResponse(refused, request, entry.requestId), bucket }
  }
}

/**
 * The possible locations of a request, those of existing buckets first: an error reports the first one when no
 * location has a valid signature. A path that cannot be decoded has none.
 */
function candidateLocations(state: ServerState, request: OssRequest): readonly Location[] {
  const exists = (location: Location): boolean => state.store.bucket(location.bucket) !== undefined
  const locations = possibleLocations(request.hostname, request.path, state.cnameBucket())
  return [...locations.filter(exists), ...locations.filter((location) => !exists(location))]
}

function faultSubject(state: ServerState, request: OssRequest): FaultSubject {
  const partNumber = request.parameter('partNumber')
  return {
    method: request.method,
    path: request.path,
    keys: candidateLocations(state, request).map(({ key }) => key),
    partNumber: partNumber === undefined ? undefined : Number(partNumber),
  }
}

/** The offset at which a request body is cut; 0 for a request without a body. */
function cutPoint(incoming: IncomingMessage, fault: Fault): number {
  const length = incoming.headers['content-length']
  if (length === undefined)
    return incoming.headers['transfer-encoding'] === undefined ? 0 : (fault.afterBytes ?? 1)
  return Math.min(fault.afterBytes ?? Math.ceil(Number(length) / 2), Number(length))
}

function reset(incoming: IncomingMessage): ConnectionLost {
  incoming.socket.resetAndDestroy()
  return new ConnectionLost('reset by fault')
}

function gone(outgoing: ServerResponse): AbortSignal {
  const controller = new AbortController()
  outgoing.once('close', () => controller.abort())
  return controller.signal
}
