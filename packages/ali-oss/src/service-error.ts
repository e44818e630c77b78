import type { CseError, TransportError } from '@oss-cse/crypto-core'

/** An error of the service or the network, with the fields that ali-oss gives it. */
export interface ServiceError extends Error {
  /** The service's code, such as `NoSuchKey`; of the network `RequestError`, `ResponseError` or `ResponseTimeoutError`. */
  readonly code?: string
  /** The HTTP status; -1 for a connection that broke or was not made, -2 for a timeout. */
  readonly status: number
  readonly requestId?: string
  /** The service's detailed error number, such as `0026-00000001`. */
  readonly ecCode?: string
  /** Of a part of a `multipartUpload`: its number. */
  readonly partNum?: number
}

/** What ali-oss 6.23 lib/client.js `requestError` calls an answer without a document. */
const CODE_OF_STATUS: ReadonlyMap<number, string> = new Map([
  [404, 'NoSuchKey'],
  [412, 'PreconditionFailed'],
])

/**
 * What ali-oss would have thrown in place of a transport's failure: the same name, code and status. The failure itself
 * is its `cause`.
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
  // What the app's own `refreshSTSToken` threw comes through as it is, as in ali-oss.
  if (failure.code === 'ERR_CSE_ACCESS_DENIED' && failure.cause !== undefined) return failure.cause
  // By whether there was a connection: urllib 2.44 lib/urllib.js `handleRequestError`.
  return networkError(failure, failure.connected ? 'ResponseError' : 'RequestError', -1)
}

/** The same error, which says of which part it is, as ali-oss 6.23 lib/managed-upload.js does. */
export function partError(error: Error, partNum: number): Error {
  const message = `${error.message} part_num: ${partNum}`
  return Object.assign(error, { message, partNum })
}

/** Of a range that lies behind the object's end, where the service answered and the bucket found out. */
export function rangeError(failure: CseError): ServiceError {
  return aliOssError(failure, { name: 'InvalidRangeError', code: 'InvalidRange', status: 416 })
}

/**
 * How an upload ends that `cancel` or `abortMultipartUpload` stopped: ali-oss rejects with bare objects of this name
 * and status (lib/common/parallel.js `_makeCancelEvent`, `_makeAbortEvent`); these are Errors too.
 */
export function stopped(name: 'cancel' | 'abort'): Error {
  const message = name === 'cancel' ? 'The upload was cancelled.' : 'The upload was aborted.'
  return Object.assign(new Error(message), { name, status: 0 })
}

/** Of a stream that nobody reads any more. */
export function unreadError(timeoutMs: number): ServiceError {
  const message = `The stream was not read for ${timeoutMs} ms, and has let go of its connection.`
  const name = 'ResponseTimeoutError'
  return Object.assign(new Error(message), { name, code: name, status: -2 })
}

function networkError(failure: TransportError, name: string, status: number): ServiceError {
  return aliOssError(failure, { name, code: name, status })
}

function aliOssError(cause: CseError, fields: Omit<ServiceError, 'message'>): ServiceError {
  return Object.assign(new Error(cause.message, { cause }), fields)
}
