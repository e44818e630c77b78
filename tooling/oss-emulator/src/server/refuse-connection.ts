import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { OssError } from '../protocol/oss-error.ts'
import type { AccessLog, OpenRecord } from './access-log.ts'
import { errorResponse } from './error-response.ts'
import { newRequestId, serviceHeaders } from './service-headers.ts'

/** The part of the server's state that a refusal needs. */
export interface RefusalState {
  readonly clock: () => Date
  readonly log: AccessLog | undefined
  readonly record: (entry: OpenRecord) => void
  readonly closing: AbortSignal
}

/**
 * Sends an error response over a connection for which Node's parser created no request object, then ends the
 * connection. What the client still sends is read and dropped: an immediate close would reset the connection, and the
 * client could lose the response. The response has no CORS headers, because the request has no parsed headers.
 *
 * @param head - the bytes of the request that have arrived
 */
export function refuseConnection(
  state: RefusalState,
  socket: Duplex,
  error: OssError,
  head: Uint8Array | undefined,
): void {
  const text = Buffer.from(head ?? []).toString('latin1')
  const [, method = '', target = ''] = /^([A-Z]+) (\S+) HTTP\//.exec(text) ?? []
  const [, hostname = ''] = /\r\nHost:[ \t]*([^\r\n:]*)/i.exec(text) ?? []
  const question = target.indexOf('?')
  const requestId = newRequestId()
  const now = state.clock()
  const { status, headers, body } = errorResponse(error, { method, hostname }, requestId)
  const document = body instanceof Uint8Array ? body : new Uint8Array()
  const entry: OpenRecord = {
    time: now.toISOString(),
    method,
    path: question < 0 ? target : target.slice(0, question),
    query: question < 0 ? '' : target.slice(question + 1),
    headers: {},
    status,
    bytesIn: 0,
    bytesOut: document.length,
    requestId,
  }
  state.record(entry)
  state.log?.write(entry)
  const all = {
    ...serviceHeaders(requestId, now, 0),
    ...headers,
    Connection: 'close',
    'Content-Length': String(document.length),
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n`)
  socket.end(document)
  const destroy = (): void => {
    socket.destroy()
  }
  state.closing.addEventListener('abort', destroy, { once: true })
  socket.once('close', () => state.closing.removeEventListener('abort', destroy))
}
