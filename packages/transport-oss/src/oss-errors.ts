import { type CseErrorCode, type HeaderMap, OSS_HEADERS, TransportError } from '@oss-cse/crypto-core'

/** What a request was about, for its errors. */
export interface RequestContext {
  /** What was tried: `put`, `list`. */
  readonly operation: string
  readonly bucket: string
  readonly objectKey?: string
}

/** An answer that is no success. */
export interface FailedAnswer {
  readonly status: number
  readonly headers: HeaderMap
  /** The answer's body, or its beginning. */
  readonly data: Uint8Array
}

interface Verdict {
  readonly code: CseErrorCode
  readonly retryable: boolean
  readonly hint?: string
}

/** Most come with 429 or 503, but not all. */
const THROTTLED =
  /Qps|RateLimitExceeded$|^ActiveRequestLimitExceeded$|^CpuLimitExceeded$|^ServiceUnavailable$|^Throttling|^TooManyRequests$|^SlowDown$/

/** By the service's own code; what is not here is judged by its HTTP status. */
const BY_SERVICE_CODE: Readonly<Record<string, Verdict>> = {
  NoSuchKey: { code: 'ERR_CSE_NOT_FOUND', retryable: false },
  NoSuchBucket: {
    code: 'ERR_CSE_NOT_FOUND',
    retryable: false,
    hint: 'Check the name of the bucket, its region and the endpoint.',
  },
  NoSuchUpload: { code: 'ERR_CSE_NOT_FOUND', retryable: false },
  FileAlreadyExists: { code: 'ERR_CSE_PRECONDITION_FAILED', retryable: false },
  RequestTimeout: { code: 'ERR_CSE_TIMEOUT', retryable: true },
  IncompleteBody: { code: 'ERR_CSE_NETWORK', retryable: true },
  // The bytes that arrived are not the bytes that were sent, and the service stored nothing.
  InvalidDigest: { code: 'ERR_CSE_INTEGRITY', retryable: true },
  InvalidCRC64: { code: 'ERR_CSE_INTEGRITY', retryable: true },
  RequestTimeTooSkewed: {
    code: 'ERR_CSE_CLOCK_SKEW',
    retryable: false,
    hint: 'The clock of this computer is more than 15 minutes off: set it.',
  },
  SignatureDoesNotMatch: {
    code: 'ERR_CSE_ACCESS_DENIED',
    retryable: false,
    hint: 'Check the access key secret, the region and the endpoint.',
  },
  SecurityTokenExpired: {
    code: 'ERR_CSE_CREDENTIALS_EXPIRED',
    retryable: false,
    hint: 'Renew the security token, or pass `credentials` that renew themselves.',
  },
  InvalidObjectState: {
    code: 'ERR_CSE_ACCESS_DENIED',
    retryable: false,
    hint: 'The object is archived: restore it first.',
  },
  InternalError: { code: 'ERR_CSE_SERVICE', retryable: true },
}

/** The error of an answer that is no success: a status that says so, or an error document. */
export function serviceFailure(context: RequestContext, answer: FailedAnswer): TransportError {
  const { status, headers } = answer
  const details = errorDocument(answer)
  const verdict = verdictOf(status, details.Code)
  const requestId = details.RequestId ?? headers[OSS_HEADERS.requestId]
  const ec = details.EC ?? headers['x-oss-ec']
  const said = [details.Code ?? `HTTP status ${status}`, details.Message].filter(Boolean).join(': ')
  const ids = [requestId && `request id ${requestId}`, ec && `EC ${ec}`].filter(Boolean).join(', ')
  const message = [`${about(context)} failed: ${sentence(said)}`, verdict.hint, ids && `(${ids})`]
  return new TransportError(verdict.code, message.filter(Boolean).join(' '), {
    status,
    retryable: verdict.retryable,
    ...(details.Code !== undefined && { serviceCode: details.Code }),
    ...(requestId !== undefined && { requestId }),
    ...(ec !== undefined && { ec }),
    ...(verdict.code === 'ERR_CSE_NOT_MODIFIED' && { headers }),
    ...keyOf(context),
  })
}

const REFUSED_CREDENTIALS: ReadonlySet<string | undefined> = new Set([
  'InvalidAccessKeyId',
  'InvalidSecurityToken',
  'SecurityTokenExpired',
])

/** True for a refusal that newer credentials would cure. */
export function isRefusedCredential(error: unknown): error is TransportError {
  return TransportError.isInstance(error) && REFUSED_CREDENTIALS.has(error.serviceCode)
}

/** The same error, for a request that may succeed when it is sent again. */
export function retryable(error: TransportError): TransportError {
  const { code, message, objectKey, status, serviceCode, requestId, ec } = error
  return new TransportError(code, message, { objectKey, status, serviceCode, requestId, ec, retryable: true })
}

/** True for an error document that came with a status of success. */
export function isErrorDocument(data: Uint8Array): boolean {
  return /^\s*(?:<\?xml[^>]*>\s*)?<Error[\s>]/.test(beginning(data))
}

function verdictOf(status: number, serviceCode: string | undefined): Verdict {
  if (serviceCode !== undefined) {
    if (THROTTLED.test(serviceCode)) return { code: 'ERR_CSE_THROTTLED', retryable: true }
    if (Object.hasOwn(BY_SERVICE_CODE, serviceCode)) {
      const verdict = BY_SERVICE_CODE[serviceCode]
      if (verdict !== undefined) return verdict
    }
  }
  if (status === 304) return { code: 'ERR_CSE_NOT_MODIFIED', retryable: false }
  if (status === 403) return { code: 'ERR_CSE_ACCESS_DENIED', retryable: false }
  if (status === 404) return { code: 'ERR_CSE_NOT_FOUND', retryable: false }
  if (status === 408) return { code: 'ERR_CSE_TIMEOUT', retryable: true }
  if (status === 412) return { code: 'ERR_CSE_PRECONDITION_FAILED', retryable: false }
  if (status === 416) return { code: 'ERR_CSE_RANGE_NOT_SATISFIABLE', retryable: false }
  // All 503 of OSS ask for fewer requests; for others too it means overload (RFC 9110, 15.6.4).
  if (status === 429 || status === 503) return { code: 'ERR_CSE_THROTTLED', retryable: true }
  return { code: 'ERR_CSE_SERVICE', retryable: status >= 500 && status !== 501 }
}

/**
 * The four fields of an error document that are passed on. The document comes as the body, or, for a HEAD, in
 * the header `x-oss-err`. Nothing else of a body gets into an error: it may be an object, or name the secrets
 * that a signature was made of.
 */
function errorDocument(answer: FailedAnswer): {
  Code?: string
  Message?: string
  RequestId?: string
  EC?: string
} {
  const inHeader = answer.headers['x-oss-err']
  const data =
    isErrorDocument(answer.data) || inHeader === undefined ? answer.data : Buffer.from(inHeader, 'base64')
  if (!isErrorDocument(data)) return {}
  const xml = beginning(data)
  const found: Record<string, string> = {}
  for (const name of ['Code', 'Message', 'RequestId', 'EC']) {
    const text = new RegExp(`<${name}>([^<]{1,500})</${name}>`).exec(xml)?.[1]
    if (text !== undefined) found[name] = decodeXml(text)
  }
  return found
}

function beginning(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, Math.min(data.byteLength, 16_384)).toString('utf8')
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  '#39': "'",
}

function decodeXml(text: string): string {
  return text.replace(/&(#?\w+);/g, (entity, name: string) => ENTITIES[name] ?? entity)
}

const TIMEOUT_CODES: ReadonlySet<string> = new Set([
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
  'ERR_SOCKET_CONNECTION_TIMEOUT',
])
/** What no second attempt cures: an untrusted certificate, TLS to a server that speaks none, a malformed request. */
const HOPELESS = /CERT|SELF_SIGNED|^UNABLE_TO_|^ERR_TLS|^ERR_SSL|^EPROTO$|^ERR_INVALID_|^ERR_UNESCAPED_/

/** The error of a request without a usable answer: no connection, or one that broke. */
export function networkFailure(context: RequestContext, error: unknown): TransportError {
  const code = codeOf(error)
  const text = error instanceof Error && error.message !== '' ? error.message : (code ?? 'connection lost')
  if (code !== undefined && TIMEOUT_CODES.has(code)) {
    return new TransportError('ERR_CSE_TIMEOUT', `${about(context)} timed out: ${sentence(text)}`, {
      cause: error,
      retryable: true,
      ...keyOf(context),
    })
  }
  return new TransportError(
    'ERR_CSE_NETWORK',
    `${about(context)} failed: the connection broke or was not made: ${sentence(text)}`,
    {
      cause: withoutPacket(error),
      retryable: !(code !== undefined && HOPELESS.test(code)),
      ...keyOf(context),
    },
  )
}

/** Node's parser keeps the bytes that it could not read, which may be anything. */
function withoutPacket(error: unknown): unknown {
  if (error instanceof Error && 'rawPacket' in error) delete error.rawPacket
  return error
}

/** The error of a request whose connection stood still. */
export function idleFailure(context: RequestContext, idleTimeoutMs: number): TransportError {
  return new TransportError(
    'ERR_CSE_TIMEOUT',
    `${about(context)} timed out: nothing moved on the connection for ${idleTimeoutMs} ms (idleTimeoutMs).`,
    { retryable: true, ...keyOf(context) },
  )
}

/** The error of a connection that ended before all was said. */
export function cutShort(context: RequestContext, what: string): TransportError {
  return new TransportError('ERR_CSE_NETWORK', `${about(context)} failed: ${what}.`, {
    retryable: true,
    ...keyOf(context),
  })
}

/** The error of a request that could not be signed, normally because its credentials could not be had. */
export function signingFailure(context: RequestContext, error: unknown): TransportError {
  return new TransportError(
    'ERR_CSE_ACCESS_DENIED',
    `${about(context)} was not sent: it could not be signed. The cause tells why.`,
    { cause: error, retryable: true, ...keyOf(context) },
  )
}

/** The error of a success whose document makes no sense. It has no cause: the parser's error quotes the answer. */
export function unreadableAnswer(context: RequestContext, status: number): TransportError {
  return new TransportError(
    'ERR_CSE_SERVICE',
    `${about(context)} got an answer (HTTP status ${status}) that is not one of OSS. Check the endpoint and any proxy.`,
    { status, retryable: false, ...keyOf(context) },
  )
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

function about({ operation, bucket, objectKey }: RequestContext): string {
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
