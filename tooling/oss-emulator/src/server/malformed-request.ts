import { invalidArgument } from '../protocol/error-catalog.ts'
import { OssError } from '../protocol/oss-error.ts'

/** The error of Node's HTTP parser for a request that it rejects. */
export interface ParserError extends Error {
  readonly code?: string
  /** The parser's description of the error. */
  readonly reason?: string
  /** The bytes that the parser was reading. */
  readonly rawPacket?: Uint8Array
}

/**
 * The service's error for a request that is not well-formed HTTP. A request with both Content-Length and
 * Transfer-Encoding is one of them: ali-oss sends it for a stream whose length is only in `headers`. The service
 * responds with 400, so Node's lenient parser is not enabled. The documentation does not name the code and error
 * number of that response.
 */
export function malformedRequest(error: ParserError): OssError {
  if (error.code === 'HPE_INVALID_EOF_STATE') {
    return new OssError(400, 'IncompleteBody', 'The request body terminated unexpectedly.')
  }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new OssError(
      400,
      'RequestTimeout',
      'Your socket connection to the server was not read from or written to within the timeout period.',
    )
  }
  const reason = error.reason ?? error.message
  const badLength = error.code === 'HPE_INVALID_CONTENT_LENGTH' && !reason.includes('Transfer-Encoding')
  return invalidArgument(`The request is malformed: ${reason}.`, badLength ? '0017-00000103' : undefined)
}
