import { CseError, callWithRetries } from '@oss-cse/crypto-core'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { failureOf } from '../output/failure.ts'
import { warn } from '../output/report.ts'
import { failureText } from '../output/report-failure.ts'

/** The same as of `runWorker`. */
const RETRY = { maxAttempts: Number.POSITIVE_INFINITY, minDelayMs: 500, maxDelayMs: 30_000 }

/**
 * Repeats a call for as long as the queue is away, and says so once. For what a worker asks after it has opened its queue: the
 * address was right.
 *
 * @throws the signal's reason; errors other than `ERR_CSE_QUEUE`
 */
export function askPatiently<Result>(call: () => Promise<Result>, cli: CliEnvironment): Promise<Result> {
  return callWithRetries(call, {
    retry: RETRY,
    signal: cli.signal,
    mayRetry: isQueueAway,
    onRetry(error, attempt) {
      if (attempt === 1) warn(cli, queueAwayText(error, cli))
    },
  })
}

/** Tells whether a call failed because the queue cannot be reached at the moment. */
export function isQueueAway(error: unknown): boolean {
  return CseError.isInstance(error) && error.code === 'ERR_CSE_QUEUE'
}

/** What a worker says when the queue goes away. */
export function queueAwayText(error: unknown, cli: CliEnvironment): string {
  return `The queue cannot be reached, and is tried again: ${failureText(failureOf(error, cli))}`
}
