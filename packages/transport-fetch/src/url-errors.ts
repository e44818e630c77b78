import { type HeaderMap, judgeFailure, parseErrorDocument, TransportError } from '@oss-cse/crypto-core'
import { completeDocument, plainDocument, qosDelayOf } from '@oss-cse/crypto-core/internal'

/**
 * The error of an unsuccessful response. It does not contain the URL.
 *
 * @param document - the body of the response, or its beginning
 */
export function statusError(status: number, headers: HeaderMap, document: Uint8Array): TransportError {
  const { serviceCode, requestId, ec } = plainDocument(
    completeDocument(parseErrorDocument(document), headers),
  )
  const { code, retryable } = judgeFailure(status, serviceCode)
  const named = serviceCode === undefined ? '' : ` (${serviceCode})`
  const hint = status === 403 ? ' It may have expired.' : ''
  return new TransportError(
    code,
    `The request to the presigned URL failed with status ${status}${named}.${hint}`,
    {
      status,
      serviceCode,
      requestId,
      ec,
      qosDelayMs: qosDelayOf(headers),
      retryable,
    },
  )
}

/** The error of a successful response that did not come from OSS but from a proxy or a captive portal. */
export function foreignResponse(status: number, hint: string): TransportError {
  return new TransportError(
    'ERR_CSE_SERVICE',
    `The response to the presigned URL (status ${status}) is not a response of OSS: ${hint}.`,
    { status, retryable: false },
  )
}

/** The error of a connection that could not be made, or that broke. */
export function connectionError(reason: string): TransportError {
  return new TransportError('ERR_CSE_NETWORK', `The presigned URL could not be read: ${reason}.`, {
    retryable: true,
  })
}

/** The error of a redirect that a browser does not show. */
export function redirected(): TransportError {
  return new TransportError(
    'ERR_CSE_SERVICE',
    'The presigned URL was redirected, which OSS does not do. Check the URL and any proxy.',
    { retryable: false },
  )
}
