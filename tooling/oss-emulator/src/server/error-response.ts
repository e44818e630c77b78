import type { OssError } from '../protocol/oss-error.ts'
import type { Answer } from '../protocol/oss-response.ts'
import { errorXml } from './error-xml.ts'

/** What an error answer repeats of its request. */
export interface RefusedRequest {
  readonly method: string
  /** The Host header without its port. */
  readonly hostname: string
}

/** The answer to a request that failed. That to a HEAD has the document in a header, as it has no body. */
export function errorAnswer(error: OssError, request: RefusedRequest, requestId: string): Answer {
  const document = Buffer.from(errorXml(error, requestId, request.hostname), 'utf8')
  const common = { ...error.headers, ...(error.ec === undefined ? {} : { 'x-oss-ec': error.ec }) }
  if (request.method === 'HEAD') {
    return { status: error.status, headers: { ...common, 'x-oss-err': document.toString('base64') } }
  }
  return {
    status: error.status,
    headers: { ...common, 'Content-Type': 'application/xml' },
    body: document,
  }
}
