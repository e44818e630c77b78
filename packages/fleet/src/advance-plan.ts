import { CseError } from '@oss-cse/crypto-core'
import { compareCodePoints } from '@oss-cse/crypto-core/internal'
import type { PlanProgress, PlanStep } from './job-queue.ts'

/** The plan of a run that has no shard yet. */
export const EMPTY_PLAN: PlanProgress = { shards: 0, listedKeys: 0, complete: false }

/**
 * Computes the plan after a step. It is for implementations of `JobQueue.addShards`, which run it in their transaction.
 *
 * @returns `undefined` if another planner was faster: the plan does not have `expectedShards`, or is complete
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for shards that are none, leave a gap or overlap
 */
export function advancePlan(plan: PlanProgress, step: PlanStep): PlanProgress | undefined {
  if (!Number.isSafeInteger(step.listedKeys) || step.listedKeys < 0) {
    throw invalid('listedKeys must be a whole number of at least 0')
  }
  const last = step.shards.at(-1)
  if (last === undefined) throw invalid('it has no shard')
  if (plan.complete || plan.shards !== step.expectedShards) return undefined
  let end = plan.cursor
  for (const [position, { index, after, until }] of step.shards.entries()) {
    if (index !== plan.shards + position) throw invalid(`shard ${index} is not the next one`)
    if (after !== end) throw invalid(`shard ${index} does not start where the one before it ends`)
    if (until === undefined && position !== step.shards.length - 1) {
      throw invalid(`shard ${index} has no end, and is not the last one`)
    }
    if (until !== undefined && compareCodePoints(until, after ?? '') <= 0) {
      throw invalid(`shard ${index} ends before it starts`)
    }
    end = until ?? end
  }
  return {
    shards: plan.shards + step.shards.length,
    cursor: end,
    listedKeys: plan.listedKeys + step.listedKeys,
    complete: last.until === undefined,
  }
}

function invalid(why: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `Invalid step of a plan: ${why}.`)
}
