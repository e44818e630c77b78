import { randomBytes } from 'node:crypto'

/** The id that an answer and its log line share. */
export function newRequestId(): string {
  return randomBytes(12).toString('hex').toUpperCase()
}

/** The headers that every answer has. */
export function serviceHeaders(requestId: string, now: Date, elapsedMs: number): Record<string, string> {
  return {
    Server: 'AliyunOSS',
    Date: now.toUTCString(),
    'x-oss-request-id': requestId,
    'x-oss-server-time': String(Math.round(elapsedMs)),
  }
}
