import { invalidArgument } from '../protocol/error-catalog.ts'
import { OssError } from '../protocol/oss-error.ts'

/** What Node's HTTP parser tells about a request that it does not take. */
export interface ParserError extends Error {
  readonly code?: string
  /** The parser's own words. */
  readonly reason?: string
  /** The bytes that were being read. */
  readonly rawPacket?: Uint8Array
}

/**
 * The service's error for a request that is not well-formed HTTP. Among them is one that has both Content-Length and
 * Transfer-Encoding: ali-oss sends it for a stream whose length stands only in `headers`. The service answers 400,
 * so the leniency that Node offers is left alone. Which code and error number it answers is not documented.
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
