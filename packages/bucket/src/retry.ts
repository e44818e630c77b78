import { CseError, type CseErrorCode, TransportError } from '@oss-cse/crypto-core'
import pRetry, { AbortError } from 'p-retry'

/** When and how often a failed request is sent again. */
export interface RetryOptions {
  /** How often a request is sent at most; 1 means never again. Default 4. */
  readonly maxAttempts?: number | undefined
  /** The wait before the second attempt, in milliseconds; it doubles each time, with jitter. Default 200. */
  readonly minDelayMs?: number | undefined
  /** The longest wait, in milliseconds. Default 10,000. */
  readonly maxDelayMs?: number | undefined
}

/** Complete retry options. */
export type RetryPolicy = { readonly [Option in keyof RetryOptions]-?: number }

/** What the bucket tells a logger. It never holds keys, headers or content. */
export type LogEvent = RetryEvent | TransferEvent

/** A request failed and is sent again. */
export interface RetryEvent {
  readonly type: 'retry'
  /** What failed; `read` is the going on of an interrupted get, `unwrap` a call of the master key's service. */
  readonly operation:
    | 'put'
    | 'get'
    | 'read'
    | 'unwrap'
    | 'head'
    | 'list'
    | 'delete'
    | 'deleteMany'
    | 'copy'
    | 'initiate'
    | 'uploadPart'
    | 'complete'
    | 'abort'
    | 'listParts'
    | 'listUploads'
  /** The object's key; of a listing its prefix, of many keys the first. */
  readonly key: string
  /** The number of the attempt that failed, from 1. */
  readonly attempt: number
  readonly code: CseErrorCode
  /** The service's request id of the failed attempt, when it answered. */
  readonly requestId?: string
}

/** What became of an earlier, interrupted transfer. */
export interface TransferEvent {
  /** `resume`: it goes on. `restart`: it cannot, and begins anew. `not-resumable`: this one cannot go on later. */
  readonly type: 'resume' | 'restart' | 'not-resumable'
  readonly operation: 'upload' | 'download'
  readonly key: string
  /** For a person. */
  readonly message: string
}

/** Receives what the bucket does behind the caller's back. What it throws is ignored. */
export type Logger = (event: LogEvent) => void

/** What a retried call is called in the log, and when it may be sent again. */
export interface RetryContext {
  readonly operation: RetryEvent['operation']
  readonly key: string
  readonly retry: RetryPolicy
  readonly logger: Logger | undefined
  readonly signal: AbortSignal | undefined
}

/**
 * Checks and completes retry options.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`.
 */
export function checkedRetryOptions(options: RetryOptions = {}): RetryPolicy {
  const { maxAttempts = 4, minDelayMs = 200, maxDelayMs = 10_000 } = options
  const valid =
    Number.isInteger(maxAttempts) && maxAttempts >= 1 && minDelayMs >= 0 && maxDelayMs >= minDelayMs
  if (!valid) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      'retry needs maxAttempts of at least 1 and 0 <= minDelayMs <= maxDelayMs.',
    )
  }
  return { maxAttempts, minDelayMs, maxDelayMs }
}

/** Tells whether the same request may succeed later, and nobody has repeated it yet. */
export function isRetryable(error: unknown): boolean {
  return TransportError.isInstance(error) && error.retryable && !error.retriesExhausted
}

/** Sends a request until it succeeds, fails for good, or was sent often enough. */
export async function withRetries<Result>(
  attempt: () => Promise<Result>,
  context: RetryContext,
  mayRetry: (error: unknown) => boolean = isRetryable,
): Promise<Result> {
  const { retry, signal } = context
  let failure: { readonly error: unknown } | undefined
  const guarded = async (): Promise<Result> => {
    try {
      return await attempt()
    } catch (error) {
      failure = { error }
      // p-retry would replace a thrown value that is no Error, such as the reason of an abort.
      throw error instanceof Error ? error : new AbortError('not an Error')
    }
  }
  try {
    return await pRetry(guarded, {
      retries: retry.maxAttempts - 1,
      minTimeout: retry.minDelayMs,
      maxTimeout: retry.maxDelayMs,
      randomize: true,
      ...(signal !== undefined && { signal }),
      shouldRetry: ({ error }) => mayRetry(error),
      onFailedAttempt: ({ error, attemptNumber, retriesLeft }) => {
        if (retriesLeft > 0 && mayRetry(error)) logRetry(context, error, attemptNumber)
      },
    })
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    throw failure === undefined ? error : failure.error
  }
}

function logRetry({ logger, operation, key }: RetryContext, error: unknown, attempt: number): void {
  if (!CseError.isInstance(error)) return
  const requestId = TransportError.isInstance(error) ? error.requestId : undefined
  log(logger, {
    type: 'retry',
    operation,
    key,
    attempt,
    code: error.code,
    ...(requestId !== undefined && { requestId }),
  })
}

/** Tells a logger. */
export function log(logger: Logger | undefined, event: LogEvent): void {
  try {
    logger?.(event)
  } catch {
    // See Logger.
  }
}
