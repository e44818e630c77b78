import pRetry from 'p-retry'
import { isPassing } from './queue-failure.ts'

/** Repeats a call after failures that may pass, with waits from 0.1 seconds that double. */
export function withRetries<Result>(retries: number, call: () => Promise<Result>): Promise<Result> {
  return pRetry(call, { retries, minTimeout: 100, shouldRetry: ({ error }) => isPassing(error) })
}
