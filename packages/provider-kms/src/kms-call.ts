import { CseError, callWithRetries, type RetryPolicy, TransportError } from '@oss-cse/crypto-core'

/**
 * Calls KMS until it responds, fails permanently, or the attempts are used up.
 *
 * @throws the error of the call, if it is a CseError
 * @throws CseError `ERR_CSE_SERVICE` without a cause for any other error, which may contain the request with its
 * parameters
 * @throws the signal's reason if it aborts between two attempts
 */
export async function callKms<Result>(
  call: () => Promise<Result>,
  retry: RetryPolicy,
  signal: AbortSignal,
): Promise<Result> {
  const guarded = async (): Promise<Result> => {
    try {
      return await call()
    } catch (error) {
      throw CseError.isInstance(error) ? error : clientFailed()
    }
  }
  try {
    return await callWithRetries(guarded, { retry, signal })
  } catch (error) {
    if (!TransportError.isInstance(error) || !error.retryable) throw error
    // Otherwise the caller would retry, and multiply the attempts.
    throw TransportError.with(error, { retriesExhausted: true })
  }
}

function clientFailed(): TransportError {
  return new TransportError(
    'ERR_CSE_SERVICE',
    'The KMS client failed. Its error is not passed on, because it may contain the request. Look for it in the client itself.',
    { retryable: false },
  )
}
