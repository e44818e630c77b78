import {
  type CseErrorCode,
  type GetObjectResponse,
  type HeaderMap,
  TransportError,
} from '@oss-cse/crypto-core'

/** A plain GET of a URL that carries its own signature. */
export interface HttpGetRequest {
  readonly url: URL
  readonly headers: HeaderMap
  readonly signal: AbortSignal
}

/** Fetches the stored bytes of a URL, never decompressed; rejects with a TransportError unless it is 200 or 206. */
export type HttpGet = (request: HttpGetRequest) => Promise<GetObjectResponse>

const CODES: Readonly<Record<number, CseErrorCode>> = {
  304: 'ERR_CSE_NOT_MODIFIED',
  403: 'ERR_CSE_ACCESS_DENIED',
  404: 'ERR_CSE_NOT_FOUND',
  412: 'ERR_CSE_PRECONDITION_FAILED',
  416: 'ERR_CSE_RANGE_NOT_SATISFIABLE',
  429: 'ERR_CSE_THROTTLED',
  503: 'ERR_CSE_THROTTLED',
}

/** The error of an answer that is not the object. The URL is a secret while it is valid: it is not named. */
export function statusError(status: number, headers: HeaderMap): TransportError {
  const requestId = headers['x-oss-request-id']
  const ec = headers['x-oss-ec']
  const hint = status === 403 ? ' It may have expired.' : ''
  return new TransportError(
    CODES[status] ?? 'ERR_CSE_SERVICE',
    `The presigned URL was answered with status ${status}.${hint}`,
    {
      status,
      ...(requestId !== undefined && { requestId }),
      ...(ec !== undefined && { ec }),
      retryable: status >= 500 || status === 429,
    },
  )
}

/** The error of a connection that could not be made or broke. */
export function connectionError(reason: string): TransportError {
  return new TransportError('ERR_CSE_NETWORK', `The presigned URL could not be read: ${reason}.`, {
    retryable: true,
  })
}
