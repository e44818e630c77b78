import {
  CseError,
  type CseErrorCode,
  callWithRetries,
  type RetryPolicy,
  TransportError,
} from '@oss-cse/crypto-core'
import { isRetryable } from '@oss-cse/crypto-core/internal'

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

/** Sends a request until it succeeds, fails for good, or was sent often enough; tells the logger of each repetition. */
export async function withRetries<Result>(
  call: () => Promise<Result>,
  context: RetryContext,
  mayRetry: (error: unknown) => boolean = isRetryable,
): Promise<Result> {
  const { retry, signal } = context
  const onRetry = (error: unknown, attempt: number): void => logRetry(context, error, attempt)
  return callWithRetries(call, { retry, signal, mayRetry, onRetry })
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
