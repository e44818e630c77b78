import { TransportError } from '@oss-cse/crypto-core'
import { about, keyOf, type RequestContext, unusableResponse } from '@oss-cse/crypto-core/internal'

/** The error of a request without a response. Browsers do not tell why, so the message names what it can be. */
export function noResponse(context: RequestContext): TransportError {
  const offline = globalThis.navigator?.onLine === false
  const why = offline
    ? 'this device is offline'
    : 'the device may be offline, the address wrong, or something blocks the request. In a page it may also be the CORS rule of the bucket, which must allow the origin, the method and the headers, or that the object is stored with a Content-Encoding'
  return new TransportError('ERR_CSE_NETWORK', `${about(context)} failed: there was no response: ${why}.`, {
    retryable: true,
    ...keyOf(context),
  })
}

/** The error of a connection that broke. */
export function brokenConnection(context: RequestContext): TransportError {
  return new TransportError('ERR_CSE_NETWORK', `${about(context)} failed: the connection broke.`, {
    connected: true,
    retryable: true,
    ...keyOf(context),
  })
}

/** The error of a redirect. It is not followed, because the signature is for one address. */
export function redirected(context: RequestContext): TransportError {
  return new TransportError(
    'ERR_CSE_SERVICE',
    `${about(context)} was redirected, which OSS does not do. Check the ${context.secretUrl ? 'URL' : 'endpoint'} and any proxy.`,
    { retryable: false, ...keyOf(context) },
  )
}

/**
 * The error of a successful response that does not show a header that it must have.
 *
 * @param names - the headers, in lower case
 */
export function hiddenHeaders(
  context: RequestContext,
  status: number,
  names: readonly string[],
): TransportError {
  const list = names.join(', ')
  return unusableResponse(
    context,
    status,
    `it does not show ${list}. If a page made the request, the CORS rule of the bucket must expose ${names.length === 1 ? 'this header' : 'these headers'} (ExposeHeader)`,
  )
}
