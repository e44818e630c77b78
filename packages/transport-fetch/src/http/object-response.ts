import { CseError, type GetObjectResponse, type HeaderMap, OSS_HEADERS } from '@oss-cse/crypto-core'
import { foreignResponse, hiddenReadHeaders, type RequestContext } from '@oss-cse/crypto-core/internal'
import type { IncomingResponse } from './fetch-request.ts'
import { hiddenHeaders } from './network-errors.ts'
import { responseBytes } from './response-body.ts'

/**
 * Returns the headers of a request for stored bytes.
 *
 * A browser sets Accept-Encoding itself and does not let others set it: gzip, unless there is a Range. The service then
 * compresses what looks like text, and omits its length. Without `x-oss-range-behavior` the range of an empty object is
 * ignored.
 */
export function storedBytesHeaders(headers: HeaderMap): HeaderMap {
  const { 'accept-encoding': _set, range = 'bytes=0-', ...sent } = headers
  return { ...sent, range }
}

/** Returns the Content-Encoding that `fetch` decodes, if there is one. */
export function encodingOf({ headers }: { readonly headers: HeaderMap }): string | undefined {
  const encoding = headers['content-encoding']
  return encoding === 'identity' ? undefined : encoding
}

/** What a response to a read is judged by. */
export interface ReadContext {
  readonly context: RequestContext
  readonly signal: AbortSignal | undefined
  /** True if the caller asked for the whole object, and the range was added by `storedBytesHeaders`. */
  readonly isWhole: boolean
}

/**
 * Turns a response of status 200 or 206 into that of a get. Closes it if it cannot be used.
 *
 * @throws CseError `ERR_CSE_OPERATION_REFUSED` for bytes that were decoded; TransportError `ERR_CSE_SERVICE`
 */
export async function objectResponse(
  response: IncomingResponse,
  { context, signal, isWhole }: ReadContext,
): Promise<GetObjectResponse> {
  try {
    checkRead(response, context)
    if (encodingOf(response) !== undefined) throw decoded(context)
    const { status, headers } = isWhole ? asWhole(response) : response
    const body = responseBytes(response.stream, { context, signal, length: headers['content-length'] })
    return { status, headers, body }
  } catch (error) {
    await response.stream?.cancel().catch(() => {})
    throw error
  }
}

/**
 * Checks that a response is one to a read, and that nothing of it is hidden.
 *
 * @throws TransportError `ERR_CSE_SERVICE`
 */
export function checkRead(response: IncomingResponse, context: RequestContext): void {
  const { status, headers } = response
  if (status !== 200 && status !== 206)
    throw foreignResponse(context, status, 'status of a read (200 or 206)')
  const needed = [OSS_HEADERS.requestId, ...(status === 206 ? ['content-range'] : [])]
  const hidden = needed.filter((name) => !Object.hasOwn(headers, name))
  if (response.type === 'cors') hidden.push(...hiddenReadHeaders(headers))
  if (hidden.length > 0) throw hiddenHeaders(context, status, hidden)
}

/** The caller did not ask for a range: a range that is the whole object becomes the response without a range. */
export function asWhole({ status, headers }: Pick<IncomingResponse, 'status' | 'headers'>): {
  readonly status: number
  readonly headers: HeaderMap
} {
  const { 'content-range': range, ...others } = headers
  const [, last, total] = /^bytes 0-(\d+)\/(\d+)$/.exec(range ?? '') ?? []
  const isWhole = status === 206 && last !== undefined && Number(last) + 1 === Number(total)
  return isWhole ? { status: 200, headers: others } : { status, headers }
}

function decoded({ objectKey }: RequestContext): CseError {
  return new CseError(
    'ERR_CSE_OPERATION_REFUSED',
    'The object is stored with a Content-Encoding, which the fetch of this runtime decodes before the object can be decrypted. Read the object in Node.js with @oss-cse/transport-oss.',
    objectKey === undefined ? {} : { objectKey },
  )
}
