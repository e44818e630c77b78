import type { RunStatus, ShardTotals } from './job-queue.ts'

/** The totals of a run at a time. */
export interface ProgressSample {
  readonly at: Date
  readonly totals: ShardTotals
}

/** How fast a run is. */
export interface RunProgress {
  /** Absent without two samples at different times. */
  readonly objectsPerSecond?: number
  /** Bytes a second. Absent as `objectsPerSecond`. */
  readonly bytesPerSecond?: number
  /** The time that is left, in milliseconds: an estimate. Absent while the plan is incomplete, and while nothing moves. */
  readonly etaMs?: number
}

/**
 * Computes the speed of a run, and when it will be over at this speed. A failed shard counts as nothing that is left.
 *
 * @param status - the run now
 * @param history - samples of its totals, the oldest first. The speed is that between the first one and the last one, so
 * the caller drops those that are too old
 * @param objectsInHand - the objects that are done, in shards that are not complete, as far as the caller knows
 */
export function runProgress(
  { plan, shards }: Pick<RunStatus, 'plan' | 'shards'>,
  history: readonly ProgressSample[],
  objectsInHand = 0,
): RunProgress {
  const [first, last] = [history[0], history.at(-1)]
  if (first === undefined || last === undefined) return {}
  const seconds = (last.at.getTime() - first.at.getTime()) / 1000
  if (!(seconds > 0)) return {}
  const speed = (total: (sample: ProgressSample) => number | undefined): number =>
    Math.max(0, (total(last) ?? 0) - (total(first) ?? 0)) / seconds
  const objectsPerSecond = speed(({ totals }) => totals['objects'])
  const bytesPerSecond = speed(({ totals }) => totals['bytes'])
  const speeds = { objectsPerSecond, bytesPerSecond }
  if (!plan.complete) return speeds
  const shardsLeft = shards.waiting + shards.taken
  if (shardsLeft === 0) return { ...speeds, etaMs: 0 }
  if (objectsPerSecond === 0) return speeds
  // Not listed keys minus objects: keys appear and disappear after they were listed, and failed shards have keys too.
  const objectsLeft = Math.max(0, plan.listedKeys * (shardsLeft / plan.shards) - objectsInHand)
  return { ...speeds, etaMs: (objectsLeft / objectsPerSecond) * 1000 }
}
