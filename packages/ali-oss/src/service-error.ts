import type { CseError, TransportError } from '@oss-cse/crypto-core'

/** An error of the service or the network, with the fields of ali-oss. */
export interface ServiceError extends Error {
  /**
   * The code of the service, such as `NoSuchKey`. For the network: `RequestError`, `ResponseError` or
   * `ResponseTimeoutError`.
   */
  readonly code?: string
  /** The HTTP status; -1 for a connection that broke or could not be made, -2 for a timeout. */
  readonly status: number
  readonly requestId?: string
  /** The detailed error number of the service, such as `0026-00000001`. */
  readonly ecCode?: string
  /** The number of the part, for a part of a `multipartUpload`. */
  readonly partNum?: number
}

/** The codes of ali-oss 6.23 lib/client.js `requestError` for a response without a document. */
const CODE_OF_STATUS: ReadonlyMap<number, string> = new Map([
  [404, 'NoSuchKey'],
  [412, 'PreconditionFailed'],
])

/**
 * Returns the error that ali-oss would have thrown for a failure of the transport: the same name, code and status.
 * The failure is its `cause`.
 */
export function serviceError(failure: TransportError): unknown {
  const { status, serviceCode, requestId, ec } = failure
  if (status !== undefined) {
    const code = serviceCode ?? CODE_OF_STATUS.get(status)
    return aliOssError(failure, {
      name: code === undefined ? 'UnknownError' : `${code}Error`,
      status,
      ...(code !== undefined && { code }),
      ...(requestId !== undefined && { requestId }),
      ...(ec !== undefined && { ecCode: ec }),
    })
  }
  if (failure.code === 'ERR_CSE_TIMEOUT') return networkError(failure, 'ResponseTimeoutError', -2)
  // Errors of the app's own `refreshSTSToken` are thrown unchanged, as in ali-oss.
  if (failure.code === 'ERR_CSE_ACCESS_DENIED' && failure.cause !== undefined) return failure.cause
  // Depends on whether there was a connection: urllib 2.44 lib/urllib.js `handleRequestError`.
  return networkError(failure, failure.connected ? 'ResponseError' : 'RequestError', -1)
}

/** Returns the same error with the number of its part, as ali-oss 6.23 lib/managed-upload.js does. */
export function partError(error: Error, partNum: number): Error {
  const message = `${error.message} part_num: ${partNum}`
  return Object.assign(error, { message, partNum })
}

/** The error of a range behind the end of the object. In ali-oss the service detects it, here the bucket does. */
export function rangeError(failure: CseError): ServiceError {
  return aliOssError(failure, { name: 'InvalidRangeError', code: 'InvalidRange', status: 416 })
}

/**
 * The error of an upload that `cancel` or `abortMultipartUpload` stopped. ali-oss rejects with plain objects of this
 * name and status (lib/common/parallel.js `_makeCancelEvent`, `_makeAbortEvent`). These are Errors too.
 */
export function stopped(name: 'cancel' | 'abort'): Error {
  const message = name === 'cancel' ? 'The upload was cancelled.' : 'The upload was aborted.'
  return Object.assign(new Error(message), { name, status: 0 })
}

/** The error of a stream that nobody reads any more. */
export function unreadError(timeoutMs: number): ServiceError {
  const message = `The stream was not read for ${timeoutMs} ms, so it released its connection.`
  const name = 'ResponseTimeoutError'
  return Object.assign(new Error(message), { name, code: name, status: -2 })
}

function networkError(failure: TransportError, name: string, status: number): ServiceError {
  return aliOssError(failure, { name, code: name, status })
}

function aliOssError(cause: CseError, fields: Omit<ServiceError, 'message'>): ServiceError {
  return Object.assign(new Error(cause.message, { cause }), fields)
}
