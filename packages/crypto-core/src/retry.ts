import pRetry, { AbortError } from 'p-retry'
import { MAX_TIMER_MS } from './background-timer.ts'
import { CseError, TransportError } from './errors.ts'

/** Options of retries. */
export interface RetryOptions {
  /** The maximum number of attempts. 1 means no retry. Default 4. */
  readonly maxAttempts?: number | undefined
  /** The wait before the second attempt, in milliseconds. It doubles each time, with jitter. Default 200. */
  readonly minDelayMs?: number | undefined
  /** The longest wait, in milliseconds. Default 10,000. */
  readonly maxDelayMs?: number | undefined
}

/** Retry options without gaps. */
export type RetryPolicy = { readonly [Option in keyof RetryOptions]-?: number }

/** Options of `callWithRetries`. */
export interface RetryContext {
  readonly retry: RetryPolicy
  readonly signal: AbortSignal | undefined
  /** Tells whether a call may be repeated after this error. Default `isRetryable`. */
  readonly mayRetry?: ((error: unknown) => boolean) | undefined
  /** Called before each retry with the error and the number of the failed attempt, from 1. */
  readonly onRetry?: ((error: unknown, attempt: number) => void) | undefined
}

/**
 * Checks retry options and fills in the defaults.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`.
 */
export function checkedRetryOptions(options: RetryOptions = {}): RetryPolicy {
  const { maxAttempts = 4, minDelayMs = 200, maxDelayMs = 10_000 } = options
  const valid =
    Number.isInteger(maxAttempts) &&
    maxAttempts >= 1 &&
    minDelayMs >= 0 &&
    maxDelayMs >= minDelayMs &&
    maxDelayMs <= MAX_TIMER_MS
  if (!valid) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      `retry needs maxAttempts >= 1 and 0 <= minDelayMs <= maxDelayMs <= ${MAX_TIMER_MS}.`,
    )
  }
  return { maxAttempts, minDelayMs, maxDelayMs }
}

/** Tells whether the same request may succeed later, and was not repeated yet. */
export function isRetryable(error: unknown): boolean {
  return TransportError.isInstance(error) && error.retryable && !error.retriesExhausted
}

const REFUSALS: ReadonlySet<string> = new Set(['ERR_CSE_ACCESS_DENIED', 'ERR_CSE_CREDENTIALS_EXPIRED'])

/** Tells whether the service refused credentials for which newer ones exist. No other refusal is retryable. */
function wasRefusedForNow(error: unknown): boolean {
  if (!isRetryable(error) || !TransportError.isInstance(error)) return false
  return error.status !== undefined && REFUSALS.has(error.code)
}

/**
 * Sends a request until it succeeds, fails for good, or the attempts are used up. A request that was refused because
 * its credentials had expired is repeated once with the newer ones, without a wait, even if `maxAttempts` is 1.
 *
 * @throws the error of the last attempt; the signal's reason when it aborts.
 */
export async function callWithRetries<Result>(
  call: () => Promise<Result>,
  context: RetryContext,
): Promise<Result> {
  const { retry, signal, mayRetry = isRetryable, onRetry } = context
  let failure: { readonly error: unknown } | undefined
  let attempts = 0
  let renewed = false
  // A second refusal is final: the newer credentials are no better.
  const may = (error: unknown): boolean => !(renewed && wasRefusedForNow(error)) && mayRetry(error)
  const attempt = async (): Promise<Result> => {
    attempts += 1
    try {
      return await call()
    } catch (error) {
      if (signal?.aborted || !wasRefusedForNow(error) || !may(error)) throw error
      renewed = true
      onRetry?.(error, attempts)
      return attempt()
    }
  }
  const guarded = async (): Promise<Result> => {
    try {
      const first = firstFailure
      firstFailure = undefined
      if (first !== undefined) throw first.error
      return await attempt()
    } catch (error) {
      failure = { error }
      // p-retry would replace a thrown value that is no Error, such as the reason of an abort.
      throw error instanceof Error ? error : new AbortError('not an Error')
    }
  }
  signal?.throwIfAborted()
  let firstFailure: { readonly error: unknown } | undefined
  try {
    // Without p-retry, which a call that succeeds does not need.
    const result = await attempt()
    signal?.throwIfAborted()
    return result
  } catch (error) {
    firstFailure = { error }
  }
  try {
    return await pRetry(guarded, {
      retries: retry.maxAttempts - 1,
      minTimeout: retry.minDelayMs,
      maxTimeout: retry.maxDelayMs,
      randomize: true,
      ...(signal !== undefined && { signal }),
      shouldRetry: ({ error }) => may(error),
      onFailedAttempt: ({ error, retriesLeft }) => {
        if (retriesLeft > 0 && may(error)) onRetry?.(error, attempts)
      },
    })
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    throw failure === undefined ? error : failure.error
  }
}
