import { setTimeout as delay } from 'node:timers/promises'
import { isPassing } from './queue-failure.ts'

const FIRST_WAIT_MS = 100

/** How often a call is repeated, and until when. */
export interface QueueRetries {
  readonly retries: number
  /** When it aborts, a call that fails is not repeated. A call that succeeds still counts. */
  readonly signal?: AbortSignal | undefined
  /** A failure that comes later than this is not followed by another attempt, in milliseconds. Default: no limit. */
  readonly withinMs?: number | undefined
}

/** Repeats a call after failures that may pass, with waits from 0.1 seconds that double. */
export async function withRetries<Result>(
  { retries, signal, withinMs = Number.POSITIVE_INFINITY }: QueueRetries,
  call: () => Promise<Result>,
): Promise<Result> {
  const start = performance.now()
  for (let attempt = 0; ; attempt++) {
    try {
      return await call()
    } catch (error) {
      const isLate = attempt >= retries || performance.now() - start > withinMs
      if (isLate || !isPassing(error)) throw error
      await delay(FIRST_WAIT_MS * 2 ** attempt, undefined, { signal }).catch(() => {})
      if (signal?.aborted) throw error
    }
  }
}
