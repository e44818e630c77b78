import { decodeBase64 } from './bytes.ts'
import {
  completeDocument,
  type ErrorDocument,
  isErrorDocument,
  parseErrorDocument,
  plainDocument,
} from './error-document.ts'
import { TransportError } from './errors.ts'
import { type FailureVerdict, judgeFailure, refusesCredentials } from './failure-verdict.ts'
import { OSS_HEADERS, qosDelayOf } from './headers.ts'
import type { HeaderMap } from './ports.ts'

/** What a request was about, for its errors. */
export interface RequestContext {
  /** The operation: `put`, `list`. */
  readonly operation: string
  /** Absent when only the URL contains it. */
  readonly bucket?: string
  readonly objectKey?: string
  /** How the user of the transport renews expired credentials. */
  readonly renewalHint?: string
  /**
   * True when the address is secret, as a presigned URL is. A proxy may repeat it, so the message shows only codes
   * and ids of the response. A cause may contain it, so the error has none.
   */
  readonly secretUrl?: boolean
}

/** An unsuccessful response. */
export interface FailedResponse {
  readonly status: number
  readonly headers: HeaderMap
  /** The body of the response, or its beginning. */
  readonly data: Uint8Array
}

/** Hints for the user, by the service's code. */
const HINTS: ReadonlyMap<string, string> = new Map([
  ['NoSuchBucket', 'Check the name of the bucket, its region and the endpoint.'],
  ['RequestTimeTooSkewed', 'The clock of this computer is more than 15 minutes off. Set it.'],
  ['SignatureDoesNotMatch', 'Check the access key secret, the region and the endpoint.'],
  ['InvalidObjectState', 'The object is archived. Restore it first.'],
])

/** The error of an unsuccessful response: one with an error status or an error document. */
export function serviceFailure(context: RequestContext, response: FailedResponse): TransportError {
  const { status, headers } = response
  const document = completeDocument(errorDocument(response), headers)
  const shown = context.secretUrl ? plainDocument(document) : document
  const { serviceCode, requestId, ec } = shown
  const verdict = judgeFailure(status, serviceCode)
  const said = [serviceCode ?? `HTTP status ${status}`, shown.message].filter(Boolean).join(': ')
  const hint = context.secretUrl ? urlHint(status) : hintOf(context, verdict, serviceCode)
  const ids = [requestId && `request id ${requestId}`, ec && `EC ${ec}`].filter(Boolean).join(', ')
  const message = [`${about(context)} failed: ${sentence(said)}`, hint, ids && `(${ids})`]
  return new TransportError(verdict.code, message.filter(Boolean).join(' '), {
    status,
    retryable: verdict.retryable,
    ...(serviceCode !== undefined && { serviceCode }),
    ...(requestId !== undefined && { requestId }),
    ...(ec !== undefined && { ec }),
    qosDelayMs: qosDelayOf(headers),
    ...(verdict.code === 'ERR_CSE_NOT_MODIFIED' && !context.secretUrl && { headers }),
    ...keyOf(context),
  })
}

function hintOf(
  { renewalHint }: RequestContext,
  { code }: FailureVerdict,
  serviceCode: string | undefined,
): string | undefined {
  return code === 'ERR_CSE_CREDENTIALS_EXPIRED' ? renewalHint : HINTS.get(serviceCode ?? '')
}

/** The reader has only the URL, and somebody else signed it. */
function urlHint(status: number): string | undefined {
  return status === 403 ? 'It may have expired.' : undefined
}

/** True for a refusal that newer credentials would cure. */
export function isRefusedCredential(error: unknown): error is TransportError {
  return TransportError.isInstance(error) && refusesCredentials(error.serviceCode)
}

/** Reads the error document of a response. It is the body or, for a HEAD, the header `x-oss-err`. */
function errorDocument({ headers, data }: FailedResponse): ErrorDocument {
  const inHeader = headers[OSS_HEADERS.error]
  if (isErrorDocument(data) || inHeader === undefined) return parseErrorDocument(data)
  return parseErrorDocument(decodeBase64(inHeader) ?? data)
}

/**
 * The error of a request that could not be signed, usually because there were no credentials.
 *
 * @param retryable - whether there may be some later
 */
export function signingFailure(context: RequestContext, error: unknown, retryable = true): TransportError {
  return new TransportError(
    'ERR_CSE_ACCESS_DENIED',
    `${about(context)} was not sent, because it could not be signed. See the cause.`,
    { cause: error, retryable, ...keyOf(context) },
  )
}

/**
 * The error of a successful response that did not come from OSS but from a proxy, a captive portal or another server.
 * It has no cause, because the parser's error quotes the response.
 *
 * @param lack - what a response of OSS would contain
 */
export function foreignResponse(context: RequestContext, status: number, lack: string): TransportError {
  return unusableResponse(context, status, `it has no ${lack}`)
}

/**
 * The error of a successful response that OSS would not send.
 *
 * @param problem - a clause about the response
 */
export function unusableResponse(context: RequestContext, status: number, problem: string): TransportError {
  return new TransportError(
    'ERR_CSE_SERVICE',
    `${about(context)} failed: this is not a response of OSS (HTTP status ${status}): ${problem}. Check the ${context.secretUrl ? 'URL' : 'endpoint'} and any proxy.`,
    { status, retryable: false, ...keyOf(context) },
  )
}

/** The beginning of a message: the operation and what it was about. */
export function about({ operation, bucket, objectKey }: RequestContext): string {
  if (bucket === undefined) return operation
  return objectKey === undefined
    ? `${operation} in bucket "${bucket}"`
    : `${operation} "${objectKey}" in bucket "${bucket}"`
}

/** Ends a text with a full stop, unless it has an end. */
export function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}

/** The field of an error that holds the key. */
export function keyOf({ objectKey }: RequestContext): { objectKey?: string } {
  return objectKey === undefined ? {} : { objectKey }
}
