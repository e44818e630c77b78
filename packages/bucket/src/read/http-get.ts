import {
  type GetObjectResponse,
  type HeaderMap,
  judgeFailure,
  OSS_HEADERS,
  parseErrorDocument,
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

/** How much of a refusal's document is read, in bytes. */
export const REFUSAL_BYTES: number = 16 * 1024

/** Document fields that may be shown. A proxy may repeat the URL, which is a secret while it is valid. */
const PLAIN_FIELD = /^[\w.-]{1,64}$/

/**
 * The error of a response that is not the object. It does not name the URL.
 *
 * @param document - the response's body, or its beginning
 */
export function statusError(status: number, headers: HeaderMap, document: Uint8Array): TransportError {
  const parsed = parseErrorDocument(document)
  const serviceCode = plain(parsed.serviceCode)
  const requestId = plain(parsed.requestId ?? headers[OSS_HEADERS.requestId])
  const ec = plain(parsed.ec ?? headers['x-oss-ec'])
  const { code, retryable } = judgeFailure(status, serviceCode)
  const named = serviceCode === undefined ? '' : ` (${serviceCode})`
  const hint = status === 403 ? ' It may have expired.' : ''
  return new TransportError(code, `The presigned URL was answered with status ${status}${named}.${hint}`, {
    status,
    ...(serviceCode !== undefined && { serviceCode }),
    ...(requestId !== undefined && { requestId }),
    ...(ec !== undefined && { ec }),
    retryable,
  })
}

function plain(field: string | undefined): string | undefined {
  return field !== undefined && PLAIN_FIELD.test(field) ? field : undefined
}

/** The error of a success that the service did not give: of a proxy, or of a captive portal. */
export function foreignResponse(status: number, hint: string): TransportError {
  return new TransportError(
    'ERR_CSE_SERVICE',
    `The presigned URL was answered with status ${status}, and this is not a response of OSS: ${hint}.`,
    { status, retryable: false },
  )
}

/** The error of a connection that could not be made or broke. */
export function connectionError(reason: string): TransportError {
  return new TransportError('ERR_CSE_NETWORK', `The presigned URL could not be read: ${reason}.`, {
    retryable: true,
  })
}
