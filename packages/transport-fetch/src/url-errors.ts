import { type HeaderMap, judgeFailure, parseErrorDocument, TransportError } from '@oss-cse/crypto-core'
import { completeDocument, plainDocument } from '@oss-cse/crypto-core/internal'

/**
 * The error of a response that is not the object. It does not name the URL.
 *
 * @param document - the response's body, or its beginning
 */
export function statusError(status: number, headers: HeaderMap, document: Uint8Array): TransportError {
  const { serviceCode, requestId, ec } = plainDocument(
    completeDocument(parseErrorDocument(document), headers),
  )
  const { code, retryable } = judgeFailure(status, serviceCode)
  const named = serviceCode === undefined ? '' : ` (${serviceCode})`
  const hint = status === 403 ? ' It may have expired.' : ''
  return new TransportError(code, `The presigned URL was answered with status ${status}${named}.${hint}`, {
    status,
    serviceCode,
    requestId,
    ec,
    retryable,
  })
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
