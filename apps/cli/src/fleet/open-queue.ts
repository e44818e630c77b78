import type { JobQueue } from '@oss-cse/fleet'
import type { QueuePlace } from '../base/cli-environment.ts'
import { loadQueuePackage } from './load-queue-package.ts'

/**
 * Opens the queue of a fleet on pg-boss.
 *
 * @param signal - when it aborts, nothing waits any more for a database that is away
 * @throws CliError of kind `configuration` when its package is not installed; CseError `ERR_CSE_QUEUE`
 */
export async function openQueue(place: QueuePlace, signal?: AbortSignal): Promise<JobQueue> {
  const { openEmbeddedQueue, openPostgresQueue } = await loadQueuePackage()
  return 'directory' in place
    ? openEmbeddedQueue(place)
    : openPostgresQueue({ connectionString: place.address, signal })
}
