import {
  CseError,
  type CseErrorCode,
  callWithRetries,
  type RetryPolicy,
  TransportError,
} from '@oss-cse/crypto-core'
import { isRetryable } from '@oss-cse/crypto-core/internal'

/** An event for the logger. It never contains keys, headers or content. */
export type LogEvent = RetryEvent | TransferEvent

/** A request failed and is sent again. */
export interface RetryEvent {
  readonly type: 'retry'
  /**
   * What failed. `read` is the resumption of an interrupted get. `unwrap` is a call to the service of the master key.
   */
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
  /** The object's key. For a listing its prefix, for several keys the first one. */
  readonly key: string
  /** The number of the attempt that failed, starting at 1. */
  readonly attempt: number
  readonly code: CseErrorCode
  /** The service's request id of the failed attempt, if there was a response. */
  readonly requestId?: string
}

/** What happened to an earlier, interrupted transfer. */
export interface TransferEvent {
  /**
   * `resume`: it is resumed. `restart`: it cannot be resumed, and restarts. `not-resumable`: this transfer cannot be
   * resumed later.
   */
  readonly type: 'resume' | 'restart' | 'not-resumable'
  readonly operation: 'upload' | 'download'
  readonly key: string
  /** For a person to read. */
  readonly message: string
}

/** Receives events that the caller would not see otherwise. An error that it throws is ignored. */
export type Logger = (event: LogEvent) => void

/** The name of a retried call in the log, and the rules for its retries. */
export interface RetryContext {
  readonly operation: RetryEvent['operation']
  readonly key: string
  readonly retry: RetryPolicy
  readonly logger: Logger | undefined
  readonly signal: AbortSignal | undefined
}

/** Sends a request until it succeeds, fails permanently, or has used all attempts. Logs each retry. */
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

/** Sends an event to a logger. */
export function log(logger: Logger | undefined, event: LogEvent): void {
  try {
    logger?.(event)
  } catch {
    // See Logger.
  }
}
