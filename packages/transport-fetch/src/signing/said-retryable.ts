import { isRetryableStatus } from '@oss-cse/crypto-core'

/**
 * Returns what an error of the app says about a retry: by its own `retryable`, or by the HTTP `status` of the server of
 * the app. A `Response` has a status too.
 *
 * @returns `undefined` if it says nothing
 */
export function saidRetryable(error: unknown): boolean | undefined {
  const { retryable, status } = (error ?? {}) as { readonly retryable?: unknown; readonly status?: unknown }
  if (typeof retryable === 'boolean') return retryable
  return typeof status === 'number' ? isRetryableStatus(status) : undefined
}
