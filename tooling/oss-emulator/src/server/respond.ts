import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { type Account, authenticate } from '../auth/authenticate.ts'
import { corsAnswer } from '../cors/cors-headers.ts'
import { preflight } from '../operations/buckets/preflight.ts'
import type { GzipMode } from '../operations/objects/gzip-response.ts'
import type { CseSwitches } from '../options.ts'
import {
  internalError,
  invalidArgument,
  invalidObjectName,
  serviceUnavailable,
} from '../protocol/error-catalog.ts'
import { OssError } from '../protocol/oss-error.ts'
import { OssRequest } from '../protocol/oss-request.ts'
import { type Answer, emptyAnswer } from '../protocol/oss-response.ts'
import { type Location, possibleLocations } from '../protocol/possible-locations.ts'
import { ConnectionLost, RequestBody } from '../protocol/request-body.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import type { AccessLog, OpenRecord } from './access-log.ts'
import type { Continuation } from './continuation.ts'
import { errorAnswer } from './error-response.ts'
import type { Fault, FaultPlan } from './faults.ts'
import { runOperation } from './run-operation.ts'
import { sendAnswer } from './send-response.ts'
import { newRequestId, serviceHeaders } from './service-headers.ts'

/** What the HTTP server works on. */
export interface ServerState {
  readonly store: ObjectStore
  readonly account: Account
  readonly faults: FaultPlan
  readonly cse: Required<CseSwitches>
  readonly gzip: GzipMode
  readonly clock: () => Date
  readonly cnameBucket: () => string | undefined
  readonly log: AccessLog | undefined
  readonly record: (entry: OpenRecord) => void
  /** Aborted when the server closes: what waits then stops. */
  readonly closing: AbortSignal
}

/** One request, and what stands beside it while it is answered. */
export interface Exchange {
  readonly message: IncomingMessage
  readonly response: ServerResponse
  readonly continuation: Continuation
  /** Aborted with an OssError when the parser refuses the rest of the body. */
  readonly refusal: AbortController
}

/** Answers a request and resolves, when the answer is sent or the client gone, with what is to be logged. */
export async function answerRequest(state: ServerState, exchange: Exchange): Promise<OpenRecord> {
  const { message, response, continuation, refusal } = exchange
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
    const { answer, bucket } = await faultyAnswer(state, exchange, request, entry, fault)
    try {
      if (fault?.kind === 'reset-after') throw reset(message)
      if (fault?.kind === 'slow') await delay(fault.delayMs, undefined, { signal: state.closing })
      entry.status = answer.status
      // A client that was not told to go on sends no body: what it sends next could be taken for one.
      if (continuation.isPending || refusal.signal.aborted) response.setHeader('Connection', 'close')
      response.sendDate = false
      const common = serviceHeaders(entry.requestId, state.clock(), performance.now() - started)
      for (const [name, value] of Object.entries(common)) response.setHeader(name, value)
      const cors = state.store.bucket(bucket)?.record.cors
      await sendAnswer(response, corsAnswer(answer, request, cors), {
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
  { message, response, continuation, refusal }: Exchange,
  request: OssRequest,
  entry: OpenRecord,
  fault: Fault | undefined,
): Promise<{ readonly answer: Answer; readonly bucket: string }> {
  const locations = readings(state, request)
  let bucket = locations[0]?.bucket ?? ''
  try {
    if (fault?.kind === 'reset-before') throw reset(message)
    if (fault?.kind === 'status-500') throw internalError()
    if (fault?.kind === 'status-503') throw serviceUnavailable()
    if (fault?.kind === 'status') {
      const { status = 502, code } = fault
      if (code === undefined) return { answer: emptyAnswer(status), bucket }
      throw new OssError(status, code, 'This failure was injected.')
    }
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
      refusal: refusal.signal,
    })
    if (message.httpVersion === '1.1' && request.header('host') === undefined) {
      throw invalidArgument('The Host header is missing.')
    }
    if (locations.length === 0) throw invalidObjectName()
    if (request.method === 'OPTIONS') return { answer: preflight(state.store, bucket, request), bucket }
    const location = authenticate(request, locations, state.account, state.clock())
    bucket = location.bucket
    const answer = await runOperation({
      store: state.store,
      request,
      body,
      bucket,
      key: location.key,
      now: state.clock,
      cse: state.cse,
      gzip: state.gzip,
      region: state.account.region,
      authority: request.header('host') ?? request.hostname,
    })
    return { answer, bucket }
  } catch (error) {
    if (error instanceof ConnectionLost || state.closing.aborted || message.socket.destroyed) throw error
    const refused = error instanceof OssError ? error : internalError()
    return { answer: errorAnswer(refused, request, entry.requestId), bucket }
  }
}

/**
 * The readings of a request's bucket and key, those first whose bucket exists: one of them is reported when none was
 * signed. There are none for a path that cannot be decoded.
 */
function readings(state: ServerState, request: OssRequest): readonly Location[] {
  const exists = (location: Location): boolean => state.store.bucket(location.bucket) !== undefined
  const locations = possibleLocations(request.hostname, request.path, state.cnameBucket())
  return [...locations.filter(exists), ...locations.filter((location) => !exists(location))]
}

function faultSubject(
  state: ServerState,
  request: OssRequest,
): { method: string; path: string; keys: readonly string[]; partNumber: number | undefined } {
  const partNumber = request.parameter('partNumber')
  return {
    method: request.method,
    path: request.path,
    keys: readings(state, request).map(({ key }) => key),
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
