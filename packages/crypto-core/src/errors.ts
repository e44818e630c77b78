import { printable } from './printable.ts'
import type { ClosedRange } from './range-plan.ts'

/**
 * All error codes of oss-cse. A code is stable: programs may branch on it. Messages may change. `docs/ERRORS.md`
 * explains each code.
 */
export type CseErrorCode =
  | 'ERR_CSE_ACCESS_DENIED'
  | 'ERR_CSE_AUTHENTICATION_FAILED'
  | 'ERR_CSE_CANNOT_UNWRAP'
  | 'ERR_CSE_CHECKPOINT'
  | 'ERR_CSE_CHECKPOINT_IN_USE'
  | 'ERR_CSE_CIPHER_REUSED'
  | 'ERR_CSE_CLOCK_SKEW'
  | 'ERR_CSE_CONTENT_KEY_REUSED'
  | 'ERR_CSE_CREDENTIALS_EXPIRED'
  | 'ERR_CSE_DEADLINE_EXCEEDED'
  | 'ERR_CSE_DECOMPRESSION'
  | 'ERR_CSE_ENVELOPE_DAMAGED'
  | 'ERR_CSE_FILE'
  | 'ERR_CSE_INTEGRITY'
  | 'ERR_CSE_INVALID_ARGUMENT'
  | 'ERR_CSE_INVALID_KEY'
  | 'ERR_CSE_KEY_STORE'
  | 'ERR_CSE_LEASE_LOST'
  | 'ERR_CSE_MASTER_KEY_DISABLED'
  | 'ERR_CSE_MASTER_KEY_NOT_FOUND'
  | 'ERR_CSE_METADATA_TOO_LARGE'
  | 'ERR_CSE_NETWORK'
  | 'ERR_CSE_NO_MATCHING_KEY'
  | 'ERR_CSE_NOT_ENCRYPTED'
  | 'ERR_CSE_NOT_FOUND'
  | 'ERR_CSE_NOT_MODIFIED'
  | 'ERR_CSE_NOT_SEALED'
  | 'ERR_CSE_OPERATION_REFUSED'
  | 'ERR_CSE_PASSPHRASE'
  | 'ERR_CSE_PRECONDITION_FAILED'
  | 'ERR_CSE_QUEUE'
  | 'ERR_CSE_RANGE_NOT_SATISFIABLE'
  | 'ERR_CSE_SERVICE'
  | 'ERR_CSE_SOURCE'
  | 'ERR_CSE_SOURCE_CHANGED'
  | 'ERR_CSE_THREAD'
  | 'ERR_CSE_THROTTLED'
  | 'ERR_CSE_TIMEOUT'
  | 'ERR_CSE_UNSUPPORTED_ALGORITHM'
  | 'ERR_CSE_UNWRAP_FAILED'
  | 'ERR_CSE_WRONG_REGION'

/** Optional fields of a CseError. */
export interface CseErrorOptions {
  /** The underlying error. Never set on unwrap and integrity failures. */
  readonly cause?: unknown
  /** The object's key, if the error is about one object. */
  readonly objectKey?: string | undefined
  /** The bytes of the plaintext that are at fault, if the error is about a part of the object's content. */
  readonly byteRange?: ClosedRange | undefined
}

const CSE_ERROR = Symbol.for('oss-cse.error')
const TRANSPORT_ERROR = Symbol.for('oss-cse.transport-error')

function hasMarker(value: unknown, marker: symbol): boolean {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[marker] === true
}

/**
 * The base class of all errors that oss-cse throws on purpose. Control characters in the message are escaped, so it
 * fits one line of a terminal or a log. `objectKey` is the unescaped key.
 *
 * @example
 * ```ts
 * try { await bucket.getBytes('report.pdf') }
 * catch (error) {
 *   if (CseError.isInstance(error) && error.code === 'ERR_CSE_NOT_FOUND') return undefined
 *   throw error
 * }
 * ```
 */
export class CseError extends Error {
  override readonly name: string = 'CseError'
  /** The stable code of the error. */
  readonly code: CseErrorCode
  /** The object's key, if the error is about one object. */
  readonly objectKey?: string
  /**
   * The bytes of the plaintext that are at fault: offsets, both inclusive. With `ERR_CSE_AUTHENTICATION_FAILED`, where a
   * part of the content is not authentic, and not the object as a whole.
   */
  readonly byteRange?: ClosedRange

  constructor(code: CseErrorCode, message: string, options: CseErrorOptions = {}) {
    // The message may contain an object's key or a server's text, and is shown in terminals and logs.
    super(printable(message), options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    if (options.objectKey !== undefined) this.objectKey = options.objectKey
    if (options.byteRange !== undefined) this.byteRange = options.byteRange
    // The marker lets another copy of this package recognise the error.
    Object.defineProperty(this, CSE_ERROR, { value: true })
  }

  /** Tells whether `value` is a CseError, even one of another copy of this package. */
  static isInstance(value: unknown): value is CseError {
    return hasMarker(value, CSE_ERROR)
  }
}

/** Fields of a TransportError. */
export interface TransportErrorOptions extends CseErrorOptions {
  /** The HTTP status, if a response arrived. */
  readonly status?: number | undefined
  /** The service's own code, such as `NoSuchKey`. In this field and the next two, control characters are escaped. */
  readonly serviceCode?: string | undefined
  /** The service's request id. Quote it to support. */
  readonly requestId?: string | undefined
  /** The service's detailed error number (EC), such as `0026-00000001`. */
  readonly ec?: string | undefined
  /** For a response 304 Not Modified: its headers, names in lower case. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** For how long the service throttled the request, in milliseconds, if it says so. */
  readonly qosDelayMs?: number | undefined
  /** For a failed connection: whether it was established before it failed. */
  readonly connected?: boolean | undefined
  /** True if the same request may succeed later: 5xx, throttling, timeouts, broken connections. */
  readonly retryable: boolean
  /**
   * True if the caller should not repeat the request at once: it was already repeated often enough, or a retry would
   * take too long.
   */
  readonly retriesExhausted?: boolean | undefined
}

/** Fields that replace those of the copied TransportError. */
export interface TransportErrorOverrides extends Partial<TransportErrorOptions> {
  readonly code?: CseErrorCode | undefined
  readonly message?: string | undefined
}

/** A request that failed: the service refused it, or did not respond. */
export class TransportError extends CseError {
  override readonly name: string = 'TransportError'
  readonly status?: number
  readonly serviceCode?: string
  readonly requestId?: string
  readonly ec?: string
  /** With `ERR_CSE_NOT_MODIFIED`: the headers of the response, such as the object's ETag. Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * For how long the service throttled the request, in milliseconds: its header `x-oss-qos-delay-time`. It says how far
   * the requests are above a limit. It is no promise that a request succeeds after this time.
   */
  readonly qosDelayMs?: number
  /** With `ERR_CSE_NETWORK`: false if no connection was made, so that the service cannot have seen the request. */
  readonly connected?: boolean
  readonly retryable: boolean
  readonly retriesExhausted: boolean

  constructor(code: CseErrorCode, message: string, options: TransportErrorOptions) {
    super(code, message, options)
    if (options.status !== undefined) this.status = options.status
    if (options.serviceCode !== undefined) this.serviceCode = printable(options.serviceCode)
    if (options.requestId !== undefined) this.requestId = printable(options.requestId)
    if (options.ec !== undefined) this.ec = printable(options.ec)
    if (options.headers !== undefined) this.headers = options.headers
    if (options.qosDelayMs !== undefined) this.qosDelayMs = options.qosDelayMs
    if (options.connected !== undefined) this.connected = options.connected
    this.retryable = options.retryable
    this.retriesExhausted = options.retriesExhausted ?? false
    Object.defineProperty(this, TRANSPORT_ERROR, { value: true })
  }

  /**
   * Copies an error, even one of another copy of this package, and replaces some of its fields. The other fields stay,
   * including the cause.
   *
   * @example
   * ```ts
   * throw TransportError.with(error, { message: `${key}: ${error.message}`, objectKey: key })
   * ```
   */
  static with(error: TransportError, overrides: TransportErrorOverrides): TransportError {
    const { code = error.code, message = error.message, ...options } = overrides
    return new TransportError(code, message, { ...error, cause: error.cause, ...options })
  }

  /** Tells whether `value` is a TransportError, even one of another copy of this package. */
  static override isInstance(value: unknown): value is TransportError {
    return hasMarker(value, TRANSPORT_ERROR)
  }
}

/**
 * Returns the single error of all failed unwraps. It has no cause and no detail on purpose. The inner reason (padding,
 * length, a number out of range, malformed base64) would help an attacker who probes the master key.
 */
export function unwrapFailed(): CseError {
  return new CseError(
    'ERR_CSE_UNWRAP_FAILED',
    'The content key could not be unwrapped: the master key, or its passphrase or context, is not the one that wrapped it, or the envelope was altered.',
  )
}
