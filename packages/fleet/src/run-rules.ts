import { CseError } from '@oss-cse/crypto-core'
import type { NewRun, RunStatus, ShardTotals } from './job-queue.ts'

const RUN_ID = /^[A-Za-z0-9_-]{1,64}$/

/**
 * Checks a run before a queue stores it.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for an invalid id
 */
export function checkNewRun({ id }: NewRun): void {
  if (RUN_ID.test(id)) return
  throw new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    'The id of a run must be 1 to 64 letters, digits, "-" and "_".',
  )
}

/**
 * Checks that a stored run is the one that `createRun` asks for: the same command, and settings that are equal as JSON,
 * in any order of their names.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if it is another one
 */
export function checkSameRun(stored: NewRun, asked: NewRun): void {
  if (stored.command === asked.command && sortedJson(stored.settings) === sortedJson(asked.settings)) return
  throw new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    `The run ${asked.id} exists with another command or other settings. Continue it with its own settings, or choose another id.`,
  )
}

/** The error of a call for a run that the queue does not have: `ERR_CSE_INVALID_ARGUMENT`. */
export function unknownRun(runId: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `The queue has no run ${runId}.`)
}

/** The error of `resume` for a cancelled run: `ERR_CSE_INVALID_ARGUMENT`. */
export function runIsCancelled(runId: string): CseError {
  return new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    `The run ${runId} is cancelled, and cannot be resumed. Create another run.`,
  )
}

/** The error of a worker that has lost a shard: `ERR_CSE_LEASE_LOST`. */
export function leaseLost(shardIndex: number): CseError {
  return new CseError(
    'ERR_CSE_LEASE_LOST',
    `The lease of shard ${shardIndex} ended, and another worker may have it. This attempt does not count.`,
  )
}

/**
 * Adds the totals of a shard to those of its run.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a number that is not whole or is negative
 */
export function addTotals(sum: ShardTotals, totals: ShardTotals): ShardTotals {
  const added = new Map(Object.entries(sum))
  for (const [name, count] of Object.entries(totals)) {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new CseError(
        'ERR_CSE_INVALID_ARGUMENT',
        `Totals of a shard must be whole numbers of at least 0: ${name} is ${count}.`,
      )
    }
    added.set(name, (added.get(name) ?? 0) + count)
  }
  return Object.fromEntries(added)
}

/** Tells whether a run is over: nothing of it is taken any more, unless its failed shards are retried. */
export function isOver({ state, plan, shards }: Pick<RunStatus, 'state' | 'plan' | 'shards'>): boolean {
  return state === 'cancelled' || (plan.complete && shards.waiting === 0 && shards.taken === 0)
}

function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}
