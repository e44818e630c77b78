import type { CallOptions } from '@oss-cse/crypto-core'
import type { Shard } from './shard.ts'

/** What is done to each object of a run. */
export type FleetCommand = 'audit' | 'verify' | 'rotate' | 'migrate'

/**
 * What each worker of a run must know: plain JSON, chosen by the program that creates the run and checked by the one that
 * reads it. It never contains a credential or a key.
 */
export type RunSettings = Readonly<Record<string, unknown>>

/** A run to create. */
export interface NewRun {
  /** 1 to 64 ASCII letters, digits, `-` and `_`. */
  readonly id: string
  readonly command: FleetCommand
  readonly settings: RunSettings
}

/**
 * What a run is doing:
 * - `active`: its shards are planned and taken;
 * - `paused`: no shard is taken until it is resumed;
 * - `cancelled`: no shard is added or taken ever again.
 *
 * A run is over when it is cancelled, or when its plan is complete and each shard has completed or failed: see `isOver`.
 */
export type RunState = 'active' | 'paused' | 'cancelled'

/** How far the planner of a run is. */
export interface PlanProgress {
  /** The number of shards that are in the queue. The next one has this `index`. */
  readonly shards: number
  /** The `until` of the last shard that has one: the next shard starts after it. Absent before that shard. */
  readonly cursor?: string | undefined
  /** The number of keys that were listed for these shards, or that an inventory has for them. */
  readonly listedKeys: number
  /** Whether the last shard of the run is in the queue: the one without `until`. */
  readonly complete: boolean
}

/** How many shards of a run are in which state. */
export interface ShardCounts {
  readonly waiting: number
  readonly taken: number
  readonly completed: number
  /** Shards that failed as often as the queue allows: nothing takes them again until they are retried. */
  readonly failed: number
}

/** A run as the queue knows it. */
export interface RunStatus extends NewRun {
  readonly state: RunState
  /** Why the run is paused, if a worker paused it: one sentence without a secret. */
  readonly reason?: string | undefined
  readonly created: Date
  readonly plan: PlanProgress
  readonly shards: ShardCounts
  /** The sum of what was passed to `complete`, by name. Each completed shard counts once, however often it was done. */
  readonly totals: Readonly<Record<string, number>>
}

/**
 * Numbers that describe a completed shard, by name. Whole numbers, at least 0. All commands state `objects` and `bytes`,
 * from which `runProgress` computes.
 */
export type ShardTotals = Readonly<Record<string, number>>

/** Adds shards to the plan of a run. */
export interface PlanStep {
  /** `PlanProgress.shards` as the planner saw it. */
  readonly expectedShards: number
  /**
   * The shards that follow, at least one: the first starts at the cursor of the plan, each other one where the one before
   * it ends. A shard without `until` completes the plan.
   */
  readonly shards: readonly Shard[]
  /** The number of keys that were listed for these shards, or that an inventory has for them. */
  readonly listedKeys: number
}

/**
 * A shard that belongs to one worker, as long as the worker holds its lease. The queue extends the lease by itself while the
 * process runs. A worker that is killed, or stopped for longer than the lease, loses it, and another worker takes the shard.
 */
export interface TakenShard {
  readonly shard: Shard
  /** How often the shard has been taken, from 1. Whatever ended the earlier attempts, each counts. */
  readonly attempt: number
  /** Aborts when the lease is known to be lost, with `ERR_CSE_LEASE_LOST`. */
  readonly leaseLost: AbortSignal
  /**
   * Marks the shard as completed, also in a paused or cancelled run. Does nothing if this very attempt has completed it
   * already, so it may be called again after `ERR_CSE_QUEUE`: the queue may have stored the first call.
   *
   * @throws CseError `ERR_CSE_LEASE_LOST` when another worker has taken the shard since, or when the shard was released
   * or failed: these totals do not count. `ERR_CSE_INVALID_ARGUMENT` for totals that are not whole numbers of at least 0
   */
  complete(totals: ShardTotals): Promise<void>
  /**
   * Returns the shard to the queue at once, as when the worker stops. It doesn't count as a failure. Does nothing if the
   * lease is lost, or the shard has been released, failed or completed.
   */
  release(): Promise<void>
  /**
   * Returns the shard to the queue after a failure. After as many failures as the queue allows, it counts as failed. Does
   * nothing where `release` does nothing.
   */
  fail(error: unknown): Promise<void>
}

/**
 * The jobs and the state of fleets' runs. It stores shards, cursors and counters: keys only as the ends of ranges, and no
 * credential. `jobQueueContract` of `@oss-cse/fleet/testing` holds an implementation to these rules.
 *
 * Each method rejects with `ERR_CSE_INVALID_ARGUMENT` for an unknown run, and with `ERR_CSE_QUEUE` when the store of the
 * queue cannot be reached or responds with a failure, also after the queue's own retries.
 */
export interface JobQueue {
  /**
   * Creates a run. Does nothing if the same run exists already: the same command and settings.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when a run with this id and other settings exists, or the id is invalid
   */
  createRun(run: NewRun): Promise<void>
  /** Returns all runs, the newest first. */
  listRuns(): Promise<readonly RunStatus[]>
  getRun(runId: string): Promise<RunStatus>
  /**
   * Adds shards and moves the cursor, in one transaction. Planning continues while a run is paused. `advancePlan` checks
   * the step and computes the plan.
   *
   * @returns false, without any change, if the plan no longer has `expectedShards`, because another planner was faster or
   * an earlier call was stored in spite of `ERR_CSE_QUEUE`; also if the run is cancelled
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for shards that leave a gap or overlap
   */
  addShards(runId: string, step: PlanStep): Promise<boolean>
  /**
   * Takes a waiting shard of an active run, or one whose lease ended. Two workers never hold the same shard at once.
   * Shards of an earlier step of the plan come first.
   *
   * A lease that ended counts as a failure of the shard, so that a shard that kills each of its workers is not taken for
   * ever. A call that fails leaves no lease that the queue extends: if a shard was taken, its lease ends by itself.
   *
   * @returns `undefined` if there is none at the moment, or if the run is paused or cancelled
   */
  take(runId: string): Promise<TakenShard | undefined>
  /**
   * Waits until the run may have a shard to take, is over, or has changed its state: until it was notified, or for the time
   * between two polls. It returns at once if there is a shard to take, or if the run is over. It may return early.
   */
  wait(runId: string, options?: CallOptions): Promise<void>
  /**
   * Pauses an active run. Shards that are taken are completed. Does nothing to a paused run, whose reason stays, and to a
   * cancelled one.
   */
  pause(runId: string, reason?: string): Promise<void>
  /**
   * Makes a paused run active, without a reason. Does nothing to an active run.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the run is cancelled
   */
  resume(runId: string): Promise<void>
  /** Cancels a run. It cannot be resumed. Its workers stop at the next object. Does nothing to a cancelled run. */
  cancel(runId: string): Promise<void>
  /** Puts the failed shards of a run back into the queue. Their failures count from 0 again. Returns their number. */
  retryFailed(runId: string): Promise<number>
  /** Ends the connections. Shards that were taken through this object are released. Does nothing the second time. */
  close(): Promise<void>
}
