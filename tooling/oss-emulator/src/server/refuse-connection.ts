import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { OssError } from '../protocol/oss-error.ts'
import type { AccessLog, OpenRecord } from './access-log.ts'
import { errorAnswer } from './error-response.ts'
import { newRequestId, serviceHeaders } from './service-headers.ts'

/** What a refusal needs of the server. */
export interface RefusalState {
  readonly clock: () => Date
  readonly log: AccessLog | undefined
  readonly record: (entry: OpenRecord) => void
  readonly closing: AbortSignal
}

/**
 * Answers on a connection that no request object exists for, because Node's parser took none, and sends nothing more.
 * What the client still sends is read and dropped: closing at once would reset the connection, and could take the
 * answer with it. Without the headers of the request there is no CORS on the answer.
 *
 * @param head - the bytes of the request as far as they came
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
  const { status, headers, body } = errorAnswer(error, { method, hostname }, requestId)
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
