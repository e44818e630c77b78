import {
  decodeBase64,
  type ErrorDocument,
  type FailureVerdict,
  type HeaderMap,
  isErrorDocument,
  judgeFailure,
  OSS_HEADERS,
  parseErrorDocument,
  TransportError,
} from '@oss-cse/crypto-core'
import {
  completeDocument,
  plainDocument,
  qosDelayOf,
  refusesCredentials,
} from '@oss-cse/crypto-core/internal'

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

const TIMEOUT_CODES: ReadonlySet<string> = new Set([
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
  'ERR_SOCKET_CONNECTION_TIMEOUT',
])
/** Errors that a retry does not cure: an untrusted certificate, TLS to a server without TLS, a malformed request. */
const HOPELESS = /CERT|SELF_SIGNED|^UNABLE_TO_|^ERR_TLS|^ERR_SSL|^EPROTO$|^ERR_INVALID_|^ERR_UNESCAPED_/

/**
 * The error of a request without a usable response: there was no connection, or it broke.
 *
 * @param connected - whether there was a connection
 */
export function networkFailure(context: RequestContext, error: unknown, connected: boolean): TransportError {
  const code = codeOf(error)
  const { secretUrl = false } = context
  const said = error instanceof Error && !secretUrl ? error.message : ''
  const text = said === '' ? (code ?? 'connection lost') : said
  if (code !== undefined && TIMEOUT_CODES.has(code)) {
    return new TransportError('ERR_CSE_TIMEOUT', `${about(context)} timed out: ${sentence(text)}`, {
      ...(!secretUrl && { cause: error }),
      retryable: true,
      ...keyOf(context),
    })
  }
  return new TransportError(
    'ERR_CSE_NETWORK',
    `${about(context)} failed: the connection ${connected ? 'broke' : 'was not made'}: ${sentence(text)}`,
    {
      ...(!secretUrl && { cause: withoutPacket(error) }),
      connected,
      retryable: !(code !== undefined && HOPELESS.test(code)),
      ...keyOf(context),
    },
  )
}

/** Node's parser keeps the bytes that it could not read. They may be anything. */
function withoutPacket(error: unknown): unknown {
  if (error instanceof Error && 'rawPacket' in error) delete error.rawPacket
  return error
}

/** The error of a request whose connection was idle for too long. */
export function idleFailure(context: RequestContext, idleTimeoutMs: number): TransportError {
  return new TransportError(
    'ERR_CSE_TIMEOUT',
    `${about(context)} timed out: nothing moved on the connection for ${idleTimeoutMs} ms.`,
    { retryable: true, ...keyOf(context) },
  )
}

/** The error of a connection that ended too early. */
export function cutShort(context: RequestContext, what: string): TransportError {
  return new TransportError('ERR_CSE_NETWORK', `${about(context)} failed: ${what}.`, {
    connected: true,
    retryable: true,
    ...keyOf(context),
  })
}

/** The error of a request that could not be signed, usually because there were no credentials. */
export function signingFailure(context: RequestContext, error: unknown): TransportError {
  return new TransportError(
    'ERR_CSE_ACCESS_DENIED',
    `${about(context)} was not sent, because it could not be signed. See the cause.`,
    { cause: error, retryable: true, ...keyOf(context) },
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

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

function about({ operation, bucket, objectKey }: RequestContext): string {
  if (bucket === undefined) return operation
  return objectKey === undefined
    ? `${operation} in bucket "${bucket}"`
    : `${operation} "${objectKey}" in bucket "${bucket}"`
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}

function keyOf({ objectKey }: RequestContext): { objectKey?: string } {
  return objectKey === undefined ? {} : { objectKey }
}
