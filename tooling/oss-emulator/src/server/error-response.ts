import type { OssError } from '../protocol/oss-error.ts'
import type { OssResponse } from '../protocol/oss-response.ts'
import { buildXml } from '../protocol/xml.ts'

/** What an error response repeats of its request. */
export interface RefusedRequest {
  readonly method: string
  /** The Host header without its port. */
  readonly hostname: string
}

/** The response to a refused request. A response to HEAD has no body, so it carries the document in a header. */
export function errorResponse(error: OssError, request: RefusedRequest, requestId: string): OssResponse {
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

/** The root has no namespace: the PHP SDK looks for a literal `<Error>`. */
function errorXml(error: OssError, requestId: string, hostId: string): string {
  return buildXml({
    Error: {
      Code: error.code,
      Message: error.message,
      RequestId: requestId,
      HostId: hostId,
      ...error.details,
      ...(error.ec === undefined
        ? {}
        : { EC: error.ec, RecommendDoc: `https://api.aliyun.com/troubleshoot?q=${error.ec}` }),
    },
  })
}
