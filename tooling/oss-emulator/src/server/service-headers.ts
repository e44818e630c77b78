import { randomBytes } from 'node:crypto'

/** The id that a response and its log line share. */
export function newRequestId(): string {
  return randomBytes(12).toString('hex').toUpperCase()
}

/** The headers that each response has. */
export function serviceHeaders(requestId: string, now: Date, elapsedMs: number): Record<string, string> {
  return {
    Server: 'AliyunOSS',
    Date: now.toUTCString(),
    'x-oss-request-id': requestId,
    'x-oss-server-time': String(Math.round(elapsedMs)),
  }
}
