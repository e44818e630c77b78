import { CseError, callWithRetries, type RetryPolicy, TransportError } from '@oss-cse/crypto-core'

/**
 * Calls KMS until it answers, fails for good, or was asked often enough.
 *
 * @throws what the call rejected with, when that is a CseError; `ERR_CSE_SERVICE` without a cause for anything else,
 * which may hold the request with its parameters; the signal's reason when it aborts between two attempts
 */
export async function callKms<Answer>(
  call: () => Promise<Answer>,
  retry: RetryPolicy,
  signal: AbortSignal,
): Promise<Answer> {
  const guarded = async (): Promise<Answer> => {
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
    // Else whoever gets it would send the request as often again.
    throw TransportError.with(error, { retriesExhausted: true })
  }
}

function clientFailed(): TransportError {
  return new TransportError(
    'ERR_CSE_SERVICE',
    'The KMS client failed. Its error is not passed on, because it may hold the request: look for it where the client is made.',
    { retryable: false },
  )
}
