import { type CallOptions, CseError } from '@oss-cse/crypto-core'
import { advancePlan, EMPTY_PLAN } from '../advance-plan.ts'
import type {
  JobQueue,
  NewRun,
  PlanProgress,
  PlanStep,
  RunState,
  RunStatus,
  ShardTotals,
  TakenShard,
} from '../job-queue.ts'
import {
  addTotals,
  checkNewRun,
  checkSameRun,
  isOver,
  leaseLost,
  runIsCancelled,
  unknownRun,
} from '../run-rules.ts'
import type { Shard } from '../shard.ts'

/** Options of a queue in memory. */
export interface MemoryJobQueueOptions {
  /** After this many failures, a shard counts as failed. Default 5. */
  readonly maxFailures?: number | undefined
}

type ShardState = 'waiting' | 'taken' | 'completed' | 'failed'

interface StoredShard {
  readonly shard: Shard
  state: ShardState
  attempt: number
  failures: number
  /** The queue that has taken it, and what tells its worker that the lease is lost. */
  holder: { readonly queue: MemoryJobQueue; readonly lost: AbortController } | undefined
}

interface StoredRun extends NewRun {
  readonly created: Date
  readonly stored: StoredShard[]
  readonly waiters: Set<() => void>
  state: RunState
  reason: string | undefined
  plan: PlanProgress
  totals: ShardTotals
}

/**
 * A job queue in memory. It passes `jobQueueContract`. A lease ends by `expireLease` alone. Tests may set `intercept` to
 * make calls wait or fail.
 *
 * @example
 * ```ts
 * const queue = new MemoryJobQueue()
 * await queue.createRun({ id: 'run', command: 'audit', settings: {} })
 * ```
 */
export class MemoryJobQueue implements JobQueue {
  /**
   * Called before each call and after its effect, with the name of the method. If it throws before, the call fails without
   * an effect; if it throws after, the call fails although its effect stays.
   */
  intercept: ((operation: string, moment: 'before' | 'after') => void | Promise<void>) | undefined
  readonly #maxFailures: number
  #runs = new Map<string, StoredRun>()
  #closed = false

  constructor({ maxFailures = 5 }: MemoryJobQueueOptions = {}) {
    this.#maxFailures = maxFailures
  }

  /** Opens another queue on the same runs, as another process does. */
  connect(): MemoryJobQueue {
    const queue = new MemoryJobQueue({ maxFailures: this.#maxFailures })
    queue.#runs = this.#runs
    return queue
  }

  /** Ends the lease of a shard, as if the process of its worker had been stopped for too long. */
  expireLease(runId: string, shardIndex: number): void {
    const run = this.#find(runId)
    const stored = run.stored[shardIndex]
    if (stored?.state !== 'taken') return
    stored.holder?.lost.abort(leaseLost(shardIndex))
    this.#returned(run, stored, true)
  }

  /** Ends all leases of this queue, as if its process had been killed. */
  expireLeases(): void {
    for (const { run, stored } of this.#held()) this.expireLease(run.id, stored.shard.index)
  }

  createRun(run: NewRun): Promise<void> {
    return this.#call('createRun', () => {
      checkNewRun(run)
      const existing = this.#runs.get(run.id)
      if (existing !== undefined) return checkSameRun(existing, run)
      const { id, command, settings } = run
      this.#runs.set(id, {
        id,
        command,
        settings: JSON.parse(JSON.stringify(settings)),
        created: new Date(),
        stored: [],
        waiters: new Set(),
        state: 'active',
        reason: undefined,
        plan: EMPTY_PLAN,
        totals: {},
      })
    })
  }

  listRuns(): Promise<readonly RunStatus[]> {
    return this.#call('listRuns', () => [...this.#runs.values()].reverse().map(statusOf))
  }

  getRun(runId: string): Promise<RunStatus> {
    return this.#call('getRun', () => statusOf(this.#find(runId)))
  }

  addShards(runId: string, step: PlanStep): Promise<boolean> {
    return this.#call('addShards', () => {
      const run = this.#find(runId)
      const plan = advancePlan(run.plan, step)
      if (plan === undefined || run.state === 'cancelled') return false
      run.plan = plan
      for (const shard of step.shards)
        run.stored.push({ shard, state: 'waiting', attempt: 0, failures: 0, holder: undefined })
      notify(run)
      return true
    })
  }

  take(runId: string): Promise<TakenShard | undefined> {
    return this.#call('take', () => {
      const run = this.#find(runId)
      const stored = nextToTake(run)
      if (stored === undefined) return undefined
      stored.state = 'taken'
      stored.attempt += 1
      stored.holder = { queue: this, lost: new AbortController() }
      return this.#taken(run, stored, stored.attempt, stored.holder.lost.signal)
    })
  }

  async wait(runId: string, { signal }: CallOptions = {}): Promise<void> {
    await this.#call('wait', () => {
      const run = this.#find(runId)
      signal?.throwIfAborted()
      if (nextToTake(run) !== undefined || isOver(statusOf(run))) return undefined
      return new Promise<void>((resolve, reject) => {
        const end = (): void => {
          run.waiters.delete(end)
          signal?.removeEventListener('abort', end)
          if (signal?.aborted) reject(signal.reason)
          else resolve()
        }
        run.waiters.add(end)
        signal?.addEventListener('abort', end)
      })
    })
  }

  pause(runId: string, reason?: string): Promise<void> {
    return this.#call('pause', () => this.#changeState(runId, 'active', 'paused', reason))
  }

  resume(runId: string): Promise<void> {
    return this.#call('resume', () => {
      if (this.#find(runId).state === 'cancelled') throw runIsCancelled(runId)
      this.#changeState(runId, 'paused', 'active')
    })
  }

  cancel(runId: string): Promise<void> {
    return this.#call('cancel', () => this.#changeState(runId, this.#find(runId).state, 'cancelled'))
  }

  retryFailed(runId: string): Promise<number> {
    return this.#call('retryFailed', () => {
      const run = this.#find(runId)
      const failed = run.stored.filter(({ state }) => state === 'failed')
      for (const stored of failed) Object.assign(stored, { state: 'waiting', failures: 0 })
      notify(run)
      return failed.length
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const { run, stored } of this.#held()) {
      stored.holder?.lost.abort(leaseLost(stored.shard.index))
      this.#returned(run, stored, false)
    }
  }

  #held(): { readonly run: StoredRun; readonly stored: StoredShard }[] {
    return [...this.#runs.values()].flatMap((run) =>
      run.stored.filter(({ holder }) => holder?.queue === this).map((stored) => ({ run, stored })),
    )
  }

  #taken(run: StoredRun, stored: StoredShard, attempt: number, lost: AbortSignal): TakenShard {
    const isHeld = (): boolean => stored.state === 'taken' && stored.attempt === attempt
    const giveBack = (failed: boolean): void => {
      if (isHeld()) this.#returned(run, stored, failed)
    }
    return {
      shard: stored.shard,
      attempt,
      leaseLost: lost,
      complete: (totals) =>
        this.#call('complete', () => {
          const sum = addTotals(run.totals, totals)
          if (stored.state === 'completed' && stored.attempt === attempt) return
          if (!isHeld()) throw leaseLost(stored.shard.index)
          run.totals = sum
          stored.state = 'completed'
          stored.holder = undefined
          notify(run)
        }),
      release: () => this.#call('release', () => giveBack(false)),
      fail: () => this.#call('fail', () => giveBack(true)),
    }
  }

  #returned(run: StoredRun, stored: StoredShard, failed: boolean): void {
    stored.holder = undefined
    if (failed) stored.failures += 1
    stored.state = stored.failures >= this.#maxFailures ? 'failed' : 'waiting'
    notify(run)
  }

  #changeState(runId: string, from: RunState, to: RunState, reason?: string): void {
    const run = this.#find(runId)
    if (run.state !== from) return
    run.state = to
    run.reason = reason
    notify(run)
  }

  #find(runId: string): StoredRun {
    const run = this.#runs.get(runId)
    if (run === undefined) throw unknownRun(runId)
    return run
  }

  async #call<Result>(operation: string, work: () => Result | Promise<Result>): Promise<Result> {
    await this.intercept?.(operation, 'before')
    if (this.#closed) throw new CseError('ERR_CSE_QUEUE', 'The queue is closed.')
    const result = await work()
    await this.intercept?.(operation, 'after')
    return result
  }
}

function nextToTake(run: StoredRun): StoredShard | undefined {
  return run.state === 'active' ? run.stored.find(({ state }) => state === 'waiting') : undefined
}

function notify(run: StoredRun): void {
  for (const end of [...run.waiters]) end()
}

function statusOf({
  id,
  command,
  settings,
  created,
  stored,
  state,
  reason,
  plan,
  totals,
}: StoredRun): RunStatus {
  const count = (wanted: ShardState): number => stored.filter((one) => one.state === wanted).length
  const shards = {
    waiting: count('waiting'),
    taken: count('taken'),
    completed: count('completed'),
    failed: count('failed'),
  }
  return { id, command, settings, created, state, reason, plan, shards, totals }
}
