import {
  CseError,
  type CseErrorCode,
  isRetryableStatus,
  TransportError,
  unwrapFailed,
} from '@oss-cse/crypto-core'

/** The operations of KMS that are called. */
export type KmsOperation = 'GenerateDataKey' | 'Encrypt' | 'Decrypt'

/** What a call was about, for its errors. */
export interface KmsCallContext {
  readonly operation: KmsOperation
  /** Absent for Decrypt, which names no key. */
  readonly keyId: string | undefined
  /** Whether the client asks for credentials before each call, so that the next one may have newer ones. */
  readonly asksForCredentials: boolean
  /** The region and host that were asked. */
  readonly place: string
  readonly timeoutMs: number
}

interface Verdict {
  readonly code: CseErrorCode
  /** `later`: the same call may succeed then, and to repeat it at once would only take its time again. */
  readonly retryable: boolean | 'later'
  readonly hint: string
}

const DISABLED = 'ERR_CSE_MASTER_KEY_DISABLED'
const DENIED = 'ERR_CSE_ACCESS_DENIED'

const THROTTLED: Verdict = {
  code: 'ERR_CSE_THROTTLED',
  retryable: true,
  hint: 'KMS has had too many requests.',
}

/** By the beginning of KMS's own code; the first that fits counts. What is not here is judged by its status. */
const VERDICTS: readonly (readonly [code: RegExp, verdict: Verdict])[] = [
  [/^Throttling|^Rejected\.Throttling|QpsLimitExceeded/, THROTTLED],
  [
    // The documentation spells the second one in both ways.
    /^InternalFailure|^InternalError|^ServiceUnavailable|^SerivceUnavailable/,
    { code: 'ERR_CSE_SERVICE', retryable: true, hint: 'KMS has a failure of its own.' },
  ],
  [
    /^Forbidden\.(?:Key|Alias)NotFound/,
    {
      code: 'ERR_CSE_MASTER_KEY_NOT_FOUND',
      retryable: false,
      hint: 'There is no such key there. Keys are regional: compare the key id and the region; or the key was deleted.',
    },
  ],
  [/^Rejected\.Disabled/, { code: DISABLED, retryable: false, hint: 'The key is disabled: enable it.' }],
  [
    /^Reje(?:ct|tc)ed\.PendingDeletion/,
    {
      code: DISABLED,
      retryable: false,
      hint: 'The key waits for its deletion: cancel that, or its objects are lost.',
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
      hint: 'The clock of this computer is too far off: set it.',
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

/** The ways in which KMS says that a blob, or the context with it, is not valid. */
const INVALID_CIPHERTEXT = /^InvalidParameter|^InvalidCiphertext/

const RESETS: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED'])
const CERTIFICATE = /CERT|^ERR_TLS|^UNABLE_TO_/
/** TLS with a server that speaks none, or another one. */
const HANDSHAKE = /^EPROTO$|^ERR_SSL_/

/**
 * What a call of KMS failed with. Nothing of the SDK's own error gets into it but KMS's code and request id: its message
 * holds the request with all its parameters when the connection fails, and KMS's when a signature does not match.
 */
export function kmsFailure(context: KmsCallContext, error: unknown): CseError {
  if (CseError.isInstance(error)) return error
  const { data, code, name, message } = (error ?? {}) as Readonly<Record<string, unknown>>
  if (typeof data === 'object' && data !== null) {
    return answerFailure(context, data as Readonly<Record<string, unknown>>, String(message))
  }
  if (/Timeout/.test(String(name))) return kmsTimeout(context)
  if (name === 'SyntaxError') {
    // A gateway's page of a 5xx, as a rule: rpc-client 1.3 reads the body as JSON before it looks at the status.
    const hint = 'The answer is not one of KMS: a gateway or a proxy answered, or the endpoint is wrong.'
    return failure(context, { code: 'ERR_CSE_SERVICE', retryable: true, hint })
  }
  const system = systemCode(code)
  if (system !== undefined) {
    const verdict = { code: 'ERR_CSE_NETWORK', retryable: retryableNetwork(system) } as const
    return failure(context, { ...verdict, hint: networkHint(system) })
  }
  const hint =
    'The client for KMS failed, or could not read the answer; its error may hold the request and is not passed on.'
  return failure(context, { code: 'ERR_CSE_SERVICE', retryable: false, hint })
}

/** A call of KMS whose response was not complete in time. */
export function kmsTimeout(context: KmsCallContext): TransportError {
  return failure(context, {
    code: 'ERR_CSE_TIMEOUT',
    retryable: 'later',
    hint: `KMS did not answer within ${context.timeoutMs} ms (timeoutMs).`,
  })
}

/** A response of more bytes than KMS would ever send. */
export function kmsResponseTooLarge(context: KmsCallContext, maxBytes: number): TransportError {
  return failure(context, {
    code: 'ERR_CSE_SERVICE',
    retryable: false,
    hint: `The response has more than ${maxBytes} bytes, and so is not one of KMS: check the endpoint and any proxy.`,
  })
}

function answerFailure(
  context: KmsCallContext,
  data: Readonly<Record<string, unknown>>,
  message: string,
): CseError {
  // err.code has "Error" appended (rpc-client 1.3 dist/client.js): the answer's own is in err.data.
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
    return `The certificate of KMS is not trusted (${system}): where it is one of your own, name its issuer in NODE_EXTRA_CA_CERTS.`
  }
  return HANDSHAKE.test(system)
    ? `The TLS handshake failed (${system}): the server may speak plain HTTP. Then begin its endpoint with http://, which only an address of this machine may.`
    : `KMS could not be reached, or the connection broke (${system}).`
}

/** A connection that broke is made again at once; one that cannot be made may be later, but not without its certificate or TLS. */
function retryableNetwork(system: string): Verdict['retryable'] {
  if (RESETS.has(system)) return true
  return CERTIFICATE.test(system) || HANDSHAKE.test(system) ? false : 'later'
}

/** A code or an id, and nothing that could hold more than that. */
function named(value: unknown): string | undefined {
  return typeof value === 'string' && /^[A-Za-z0-9._-]{1,80}$/.test(value) ? value : undefined
}

function systemCode(value: unknown): string | undefined {
  return typeof value === 'string' && /^[A-Z][A-Z0-9_]{2,60}$/.test(value) ? value : undefined
}
