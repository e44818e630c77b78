import { CseError, callWithRetries, type RetryPolicy, TransportError } from '@oss-cse/crypto-core'

/**
 * Calls KMS until it succeeds, fails for good, or the attempts are exhausted.
 *
 * @throws the error of the call if it is a CseError; `ERR_CSE_SERVICE` without a cause for any other error, which may
 *   contain the request with its parameters; the signal's reason when it aborts between two attempts
 */
export async function callKms<Response>(
  call: () => Promise<Response>,
  retry: RetryPolicy,
  signal: AbortSignal,
): Promise<Response> {
  const guarded = async (): Promise<Response> => {
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
    // Otherwise the caller would retry as often again.
    throw TransportError.with(error, { retriesExhausted: true })
  }
}

function clientFailed(): TransportError {
  return new TransportError(
    'ERR_CSE_SERVICE',
    'The KMS client failed. Its error is not passed on, because it may contain the request. Log it in your client.',
    { retryable: false },
  )
}
