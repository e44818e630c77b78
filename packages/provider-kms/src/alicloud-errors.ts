import {
  CseError,
  type CseErrorCode,
  isRetryableStatus,
  TransportError,
  unwrapFailed,
} from '@oss-cse/crypto-core'

/** The KMS operations that the client calls. */
export type KmsOperation = 'GenerateDataKey' | 'Encrypt' | 'Decrypt'

/** The context of a call, for its errors. */
export interface KmsCallContext {
  readonly operation: KmsOperation
  /** Absent for Decrypt, which names no key. */
  readonly keyId: string | undefined
  /** Whether the client gets its credentials before each call, so that the next call may have newer ones. */
  readonly asksForCredentials: boolean
  /** The region and the host of the call. */
  readonly place: string
  readonly timeoutMs: number
}

interface Verdict {
  readonly code: CseErrorCode
  /** `later`: the same call may succeed later, but an immediate retry would only take the same time again. */
  readonly retryable: boolean | 'later'
  readonly hint: string
}

const DISABLED = 'ERR_CSE_MASTER_KEY_DISABLED'
const DENIED = 'ERR_CSE_ACCESS_DENIED'

const THROTTLED: Verdict = {
  code: 'ERR_CSE_THROTTLED',
  retryable: true,
  hint: 'KMS received too many requests.',
}

/** The verdicts by KMS's own error code. The first match counts. The status decides for any other code. */
const VERDICTS: readonly (readonly [code: RegExp, verdict: Verdict])[] = [
  [/^Throttling|^Rejected\.Throttling|QpsLimitExceeded/, THROTTLED],
  [
    // The documentation has both spellings of ServiceUnavailable.
    /^InternalFailure|^InternalError|^ServiceUnavailable|^SerivceUnavailable/,
    { code: 'ERR_CSE_SERVICE', retryable: true, hint: 'KMS had an internal error.' },
  ],
  [
    /^Forbidden\.(?:Key|Alias)NotFound/,
    {
      code: 'ERR_CSE_MASTER_KEY_NOT_FOUND',
      retryable: false,
      hint: 'The key does not exist there. Check the key id and the region, because keys are regional. Or the key was deleted.',
    },
  ],
  [/^Rejected\.Disabled/, { code: DISABLED, retryable: false, hint: 'The key is disabled. Enable it.' }],
  [
    /^Reje(?:ct|tc)ed\.PendingDeletion/,
    {
      code: DISABLED,
      retryable: false,
      hint: 'The key is scheduled for deletion. Cancel the deletion, or its objects are lost.',
    },
  ],
  [
    /^Rejected\.(?:PendingImport|Unavailable|Expired)/,
    { code: DISABLED, retryable: false, hint: 'The key has no usable key material.' },
  ],
  [
    /^InvalidTimeStamp|^IllegalTimestamp|^RequestTimeTooSkewed/i,
    {
      code: 'ERR_CSE_CLOCK_SKEW',
      retryable: false,
      hint: 'The clock of this computer is too far off. Set it.',
    },
  ],
  [
    /^InvalidSecurityToken\.Expired|^SecurityTokenExpired/,
    {
      code: 'ERR_CSE_CREDENTIALS_EXPIRED',
      retryable: false,
      hint: 'Renew the security token, or pass `credentials`.',
    },
  ],
  [
    /^InvalidAccessKeyId|^InvalidSecurityToken|^MissingSecurityToken|^SignatureDoesNotMatch|^IncompleteSignature|^Forbidden\.AccessKey/,
    { code: DENIED, retryable: false, hint: 'Check the access key, its secret and its token.' },
  ],
  [
    /^Forbidden|^NoPermission|^Unauthorized/i,
    {
      code: DENIED,
      retryable: false,
      hint: 'Check the RAM policy (kms:GenerateDataKey, kms:Encrypt, kms:Decrypt) and the state of the account.',
    },
  ],
]

/** The error codes by which KMS says that a blob, or its context, is invalid. */
const INVALID_CIPHERTEXT = /^InvalidParameter|^InvalidCiphertext/

const RESETS: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED'])
const CERTIFICATE = /CERT|^ERR_TLS|^UNABLE_TO_/
/** A TLS handshake with a server that does not speak TLS, or not the same version. */
const HANDSHAKE = /^EPROTO$|^ERR_SSL_/

/**
 * Returns the error of a failed KMS call. Of the SDK's error it contains only KMS's code and request id. The SDK's
 * message contains the request with all parameters if the connection fails, and so does KMS's message if a signature
 * does not match.
 */
export function kmsFailure(context: KmsCallContext, error: unknown): CseError {
  if (CseError.isInstance(error)) return error
  const { data, code, name, message } = (error ?? {}) as Readonly<Record<string, unknown>>
  if (typeof data === 'object' && data !== null) {
    return responseFailure(context, data as Readonly<Record<string, unknown>>, String(message))
  }
  if (/Timeout/.test(String(name))) return kmsTimeout(context)
  if (name === 'SyntaxError') {
    // Usually a gateway's 5xx page: rpc-client 1.3 parses the body as JSON before it checks the status.
    const hint = 'The response is not from KMS: a gateway or a proxy sent it, or the endpoint is wrong.'
    return failure(context, { code: 'ERR_CSE_SERVICE', retryable: true, hint })
  }
  const system = systemCode(code)
  if (system !== undefined) {
    const verdict = { code: 'ERR_CSE_NETWORK', retryable: retryableNetwork(system) } as const
    return failure(context, { ...verdict, hint: networkHint(system) })
  }
  const hint =
    'The KMS client failed, or could not read the response. Its error may contain the request and is not passed on.'
  return failure(context, { code: 'ERR_CSE_SERVICE', retryable: false, hint })
}

/** The error of a KMS call whose response was not complete in time. */
export function kmsTimeout(context: KmsCallContext): TransportError {
  return failure(context, {
    code: 'ERR_CSE_TIMEOUT',
    retryable: 'later',
    hint: `KMS did not respond within ${context.timeoutMs} ms (timeoutMs).`,
  })
}

/** The error of a response with more bytes than KMS ever sends. */
export function kmsResponseTooLarge(context: KmsCallContext, maxBytes: number): TransportError {
  return failure(context, {
    code: 'ERR_CSE_SERVICE',
    retryable: false,
    hint: `The response has more than ${maxBytes} bytes, so it is not from KMS. Check the endpoint and any proxy.`,
  })
}

function responseFailure(
  context: KmsCallContext,
  data: Readonly<Record<string, unknown>>,
  message: string,
): CseError {
  // err.code has "Error" appended (rpc-client 1.3 dist/client.js). The code of the response is in err.data.
  const serviceCode = named(data['Code'] ?? data['code'])
  const requestId = named(data['RequestId'] ?? data['requestId'])
  if (context.operation === 'Decrypt' && serviceCode !== undefined && INVALID_CIPHERTEXT.test(serviceCode)) {
    return unwrapFailed()
  }
  const status = Number(/^(?:\S+: )?code: (\d{3}),/.exec(message)?.[1] ?? 0) || undefined
  const known = VERDICTS.find(([pattern]) => serviceCode !== undefined && pattern.test(serviceCode))?.[1]
  const verdict = known ?? verdictOfStatus(status ?? 0)
  const renewable = verdict.code === 'ERR_CSE_CREDENTIALS_EXPIRED' && context.asksForCredentials
  return failure(context, renewable ? { ...verdict, retryable: true } : verdict, {
    serviceCode,
    requestId,
    status,
  })
}

function verdictOfStatus(status: number): Verdict {
  if (status === 429 || status === 503) return THROTTLED
  return { code: 'ERR_CSE_SERVICE', retryable: isRetryableStatus(status), hint: 'KMS refused the request.' }
}

function failure(
  { operation, keyId, place }: KmsCallContext,
  { code, retryable, hint }: Verdict,
  {
    serviceCode,
    requestId,
    status,
  }: {
    readonly serviceCode?: string | undefined
    readonly requestId?: string | undefined
    readonly status?: number | undefined
  } = {},
): TransportError {
  const under = keyId === undefined ? '' : ` under ${keyId}`
  const ids = [serviceCode, requestId && `request id ${requestId}`].filter(Boolean).join(', ')
  const text = `${operation}${under} in ${place} failed: ${hint}${ids && ` (${ids})`}`
  return new TransportError(code, text, {
    retryable: retryable !== false,
    retriesExhausted: retryable === 'later',
    serviceCode,
    requestId,
    status,
  })
}

function networkHint(system: string): string {
  if (CERTIFICATE.test(system)) {
    return `The certificate of KMS is not trusted (${system}). If it is your own, name its issuer in NODE_EXTRA_CA_CERTS.`
  }
  return HANDSHAKE.test(system)
    ? `The TLS handshake failed (${system}). The server may speak plain HTTP: its endpoint then begins with http://, which only an address of this machine may use.`
    : `KMS could not be reached, or the connection broke (${system}).`
}

/**
 * A broken connection is retried at once. A connection that cannot be made may succeed later, but not if the certificate
 * or the TLS handshake failed.
 */
function retryableNetwork(system: string): Verdict['retryable'] {
  if (RESETS.has(system)) return true
  return CERTIFICATE.test(system) || HANDSHAKE.test(system) ? false : 'later'
}

/** Returns a code or an id, and `undefined` for any text that could contain more than that. */
function named(value: unknown): string | undefined {
  return typeof value === 'string' && /^[A-Za-z0-9._-]{1,80}$/.test(value) ? value : undefined
}

function systemCode(value: unknown): string | undefined {
  return typeof value === 'string' && /^[A-Z][A-Z0-9_]{2,60}$/.test(value) ? value : undefined
}
