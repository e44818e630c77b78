import type { CseErrorCode } from './errors.ts'

/** The meaning of an unsuccessful response of the service. */
export interface FailureVerdict {
  readonly code: CseErrorCode
  /** True when the same request may succeed later. */
  readonly retryable: boolean
}

const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504])

/** Most of them come with 429 or 503, but not all. */
const THROTTLED =
  /Qps|RateLimitExceeded$|^ActiveRequestLimitExceeded$|^CpuLimitExceeded$|^ServiceUnavailable$|^Throttling|^TooManyRequests$|^SlowDown$/

/** Codes whose meaning differs from that of their HTTP status, or is more precise. */
const BY_SERVICE_CODE: ReadonlyMap<string, FailureVerdict> = new Map([
  ['NoSuchKey', { code: 'ERR_CSE_NOT_FOUND', retryable: false }],
  ['NoSuchBucket', { code: 'ERR_CSE_NOT_FOUND', retryable: false }],
  ['NoSuchUpload', { code: 'ERR_CSE_NOT_FOUND', retryable: false }],
  ['FileAlreadyExists', { code: 'ERR_CSE_PRECONDITION_FAILED', retryable: false }],
  ['RequestTimeout', { code: 'ERR_CSE_TIMEOUT', retryable: true }],
  ['IncompleteBody', { code: 'ERR_CSE_NETWORK', retryable: true }],
  // The service received other bytes than were sent, and stored nothing.
  ['InvalidDigest', { code: 'ERR_CSE_INTEGRITY', retryable: true }],
  ['InvalidCRC64', { code: 'ERR_CSE_INTEGRITY', retryable: true }],
  ['RequestTimeTooSkewed', { code: 'ERR_CSE_CLOCK_SKEW', retryable: false }],
  ['SignatureDoesNotMatch', { code: 'ERR_CSE_ACCESS_DENIED', retryable: false }],
  ['SecurityTokenExpired', { code: 'ERR_CSE_CREDENTIALS_EXPIRED', retryable: false }],
  ['InvalidObjectState', { code: 'ERR_CSE_ACCESS_DENIED', retryable: false }],
  ['InternalError', { code: 'ERR_CSE_SERVICE', retryable: true }],
])

/** The meaning of a status alone, where it is more precise than `ERR_CSE_SERVICE`. */
const BY_STATUS: ReadonlyMap<number, CseErrorCode> = new Map([
  [304, 'ERR_CSE_NOT_MODIFIED'],
  [403, 'ERR_CSE_ACCESS_DENIED'],
  [404, 'ERR_CSE_NOT_FOUND'],
  [408, 'ERR_CSE_TIMEOUT'],
  [412, 'ERR_CSE_PRECONDITION_FAILED'],
  [416, 'ERR_CSE_RANGE_NOT_SATISFIABLE'],
  // Each 503 of OSS asks for fewer requests. Elsewhere too it means overload (RFC 9110, 15.6.4).
  [429, 'ERR_CSE_THROTTLED'],
  [503, 'ERR_CSE_THROTTLED'],
])

/**
 * Judges an unsuccessful response of OSS. This is the only such table of the project: transports and presigned URLs
 * share it.
 *
 * @param status - the HTTP status
 * @param serviceCode - the `Code` of the error document, such as `NoSuchKey`. A known code takes precedence over the
 * status
 */
export function judgeFailure(status: number, serviceCode?: string): FailureVerdict {
  if (serviceCode !== undefined) {
    if (THROTTLED.test(serviceCode)) return { code: 'ERR_CSE_THROTTLED', retryable: true }
    const verdict = BY_SERVICE_CODE.get(serviceCode)
    if (verdict !== undefined) return verdict
  }
  return { code: BY_STATUS.get(status) ?? 'ERR_CSE_SERVICE', retryable: isRetryableStatus(status) }
}

/**
 * Tells by the HTTP status alone whether the same request may succeed later: 408, 429, 500, 502, 503 and 504. A 501 and
 * any other 4xx are final.
 */
export function isRetryableStatus(status: number): boolean {
  return RETRYABLE_STATUSES.has(status)
}

const REFUSED_CREDENTIALS: ReadonlySet<string | undefined> = new Set([
  'InvalidAccessKeyId',
  'InvalidSecurityToken',
  'SecurityTokenExpired',
])

/** Tells whether the service refused the credentials themselves, so that newer ones may help. */
export function refusesCredentials(serviceCode: string | undefined): boolean {
  return REFUSED_CREDENTIALS.has(serviceCode)
}
