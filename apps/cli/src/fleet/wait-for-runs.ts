import { setTimeout as delay } from 'node:timers/promises'
import type { JobQueue, RunStatus } from '@oss-cse/fleet'
import { isQueueAway } from './ask-patiently.ts'

/** A queue tells of changes of one run, and not of new ones. */
const POLL_MS = 5000

/**
 * Waits until there may be a run to work on: a change of a paused one, or a new one. It returns early if the queue is away.
 *
 * @throws the signal's reason
 */
export async function waitForRuns(
  queue: JobQueue,
  paused: readonly RunStatus[],
  signal: AbortSignal,
): Promise<void> {
  const [first] = paused
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  const polled = delay(POLL_MS, undefined, { signal: either })
  const changed = first === undefined ? polled : queue.wait(first.id, { signal: either })
  try {
    await Promise.race([polled, changed])
  } catch (error) {
    signal.throwIfAborted()
    if (!isQueueAway(error)) throw error
  } finally {
    stop.abort()
    await Promise.allSettled([polled, changed])
  }
}
