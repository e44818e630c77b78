import { EventEmitter, once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { type CallOptions, CseError } from '@oss-cse/crypto-core'
import { linkedAbort, printable } from '@oss-cse/crypto-core/internal'
import {
  addTotals,
  advancePlan,
  checkNewRun,
  checkSameRun,
  type JobQueue,
  type NewRun,
  type PlanStep,
  type RunState,
  type RunStatus,
  runIsCancelled,
  type ShardTotals,
  type TakenShard,
  unknownRun,
} from '@oss-cse/fleet'
import type { Db } from 'pg-boss'
import { HeldShard } from './held-shard.ts'
import { queueFailure } from './queue-failure.ts'
import { queueName, type RunProgress, RunTable } from './run-table.ts'
import { ShardJobs, type TakenJob } from './shard-jobs.ts'
import type { Store } from './store.ts'
import { withRetries } from './with-retries.ts'

/** What other processes did is seen after this time. What this process did is seen at once. */
const POLL_MS = 1000

/**
 * A job queue on pg-boss. `openPostgresQueue` and `openEmbeddedQueue` return one.
 *
 * A shard whose worker is killed or stopped is taken again after its lease, which is extended three times in each
 * `leaseSeconds`. pg-boss looks for ended leases every `leaseSeconds / 5`, at least every second. So the shard is free
 * after two thirds of `leaseSeconds` at the earliest, and after `leaseSeconds` and two such intervals at the latest. With
 * 60 seconds, that is 40 to 84 seconds.
 *
 * A shard counts as failed after it was taken 5 times and neither completed nor released.
 */
export class PgBossJobQueue implements JobQueue {
  readonly #store: Store
  readonly #leaseSeconds: number
  readonly #runs: RunTable
  readonly #shards: ShardJobs
  readonly #held = new Set<HeldShard>()
  /** Emits the name of the queue of a run that this process changed. */
  readonly #changes = new EventEmitter().setMaxListeners(0)
  #closing: Promise<void> | undefined

  constructor(store: Store, leaseSeconds: number) {
    this.#store = store
    this.#leaseSeconds = leaseSeconds
    this.#runs = new RunTable(store.db, store.schema)
    this.#shards = new ShardJobs(store)
  }

  async createRun(run: NewRun): Promise<void> {
    checkNewRun(run)
    await this.#call(async () => {
      await this.#shards.createQueue(run.id)
      await this.#runs.insert(run)
      checkSameRun(await this.#read(run.id), run)
    })
  }

  listRuns(): Promise<readonly RunStatus[]> {
    return this.#call(() => this.#runs.list())
  }

  getRun(runId: string): Promise<RunStatus> {
    return this.#call(() => this.#read(runId))
  }

  addShards(runId: string, step: PlanStep): Promise<boolean> {
    return this.#change(runId, async (run, db) => {
      const plan = advancePlan(run.plan, step)
      if (plan === undefined || run.state === 'cancelled') return { result: false }
      await this.#shards.insert(db, runId, step.shards, this.#leaseSeconds)
      return { result: true, changed: { ...run, plan } }
    })
  }

  async take(runId: string): Promise<TakenShard | undefined> {
    const job = await this.#transaction(async (db) => {
      const state = await this.#runs.lockState(db, runId)
      if (state === undefined) throw unknownRun(runId)
      return state === 'active' ? await this.#shards.take(db, runId) : undefined
    })
    if (job === undefined) return undefined
    const held = this.#hold(runId, job)
    if (this.#closing === undefined) return held
    // It was taken while the queue was closed, which no longer releases it.
    await held.release().catch(() => {})
    throw closed()
  }

  async wait(runId: string, { signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    const link = linkedAbort(signal)
    try {
      const changed = once(this.#changes, queueName(runId), { signal: link.signal })
      const polled = delay(POLL_MS, undefined, { signal: link.signal })
      changed.catch(() => {})
      polled.catch(() => {})
      if (!(await this.#isIdle(runId))) return
      await Promise.race([changed, polled])
    } catch (error) {
      throw signal?.aborted ? signal.reason : error
    } finally {
      link.abort(undefined)
      link.unlink()
    }
  }

  pause(runId: string, reason?: string): Promise<void> {
    return this.#setState(runId, (state) =>
      state === 'active' ? { state: 'paused', reason: reason && printable(reason) } : undefined,
    )
  }

  resume(runId: string): Promise<void> {
    return this.#setState(runId, (state) => {
      if (state === 'cancelled') throw runIsCancelled(runId)
      return state === 'paused' ? { state: 'active', reason: undefined } : undefined
    })
  }

  cancel(runId: string): Promise<void> {
    return this.#setState(runId, (state) => (state === 'cancelled' ? undefined : { state: 'cancelled' }))
  }

  async retryFailed(runId: string): Promise<number> {
    const retried = await this.#call(async () => {
      await this.#read(runId)
      return this.#shards.retryFailed(runId)
    })
    this.#changes.emit(queueName(runId))
    return retried
  }

  /**
   * Removes a run with all of its shards. Does nothing if there is none with this id. Workers that still hold a shard of it
   * get `ERR_CSE_LEASE_LOST`.
   *
   * @throws CseError `ERR_CSE_QUEUE` when the database cannot be reached or failed
   */
  async removeRun(runId: string): Promise<void> {
    await this.#call(async () => {
      await this.#runs.delete(runId)
      await this.#shards.deleteQueue(runId)
    })
    this.#changes.emit(queueName(runId))
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    // A shard that cannot be released now is free when its lease ends.
    await Promise.allSettled([...this.#held].map((held) => held.release()))
    try {
      await this.#store.close()
    } catch (error) {
      throw queueFailure(error)
    }
  }

  #hold(runId: string, { shard, leaseSeconds, ...attempt }: TakenJob): HeldShard {
    const held = new HeldShard(shard, attempt.retryCount + 1, leaseSeconds, {
      extend: () => this.#shards.extend(runId, attempt),
      complete: (totals) => this.#complete(runId, attempt, totals),
      release: () => this.#end(runId, () => this.#shards.release(runId, attempt)),
      fail: (code) => this.#end(runId, () => this.#shards.fail(runId, attempt, code)),
      ended: () => this.#held.delete(held),
    })
    this.#held.add(held)
    return held
  }

  async #complete(
    runId: string,
    attempt: Pick<TakenJob, 'id' | 'retryCount'>,
    totals: ShardTotals,
  ): Promise<boolean> {
    const completed = await this.#transaction(async (db) => {
      const run = await this.#runs.lock(db, runId)
      // The run was removed.
      if (run === undefined) return false
      const sum = addTotals(run.totals, totals)
      const completed = await this.#shards.complete(db, runId, attempt)
      if (!completed) return this.#shards.isCompleted(db, runId, attempt)
      await this.#runs.update(db, runId, { ...run, totals: sum })
      return true
    })
    this.#changes.emit(queueName(runId))
    return completed
  }

  /** Gives a shard back, also while the queue closes. */
  async #end(runId: string, end: () => Promise<void>): Promise<void> {
    try {
      await withRetries(this.#closing === undefined ? this.#store.retries : { retries: 0 }, end)
    } catch (error) {
      throw queueFailure(error)
    }
    this.#changes.emit(queueName(runId))
  }

  async #isIdle(runId: string): Promise<boolean> {
    const outlook = await this.#call(() => this.#runs.outlook(runId))
    if (outlook === undefined) throw unknownRun(runId)
    const { state, planComplete, waiting, taken } = outlook
    if (state === 'paused') return true
    return state === 'active' && !waiting && (!planComplete || taken)
  }

  async #read(runId: string): Promise<RunStatus> {
    const [run] = await this.#runs.list(runId)
    if (run === undefined) throw unknownRun(runId)
    return run
  }

  async #setState(runId: string, next: (state: RunState) => Partial<RunProgress> | undefined): Promise<void> {
    await this.#change(runId, async (run) => {
      const update = next(run.state)
      return { result: undefined, ...(update && { changed: { ...run, ...update } }) }
    })
  }

  /** Changes a run in a transaction that no other one of this run overlaps. */
  async #change<Result>(
    runId: string,
    steps: (run: RunProgress, db: Db) => Promise<{ readonly result: Result; readonly changed?: RunProgress }>,
  ): Promise<Result> {
    const result = await this.#transaction(async (db) => {
      const run = await this.#runs.lock(db, runId)
      if (run === undefined) throw unknownRun(runId)
      const { result, changed } = await steps(run, db)
      if (changed !== undefined) await this.#runs.update(db, runId, changed)
      return result
    })
    this.#changes.emit(queueName(runId))
    return result
  }

  #transaction<Result>(steps: (db: Db) => Promise<Result>): Promise<Result> {
    return this.#call(() => this.#store.transaction(steps))
  }

  async #call<Result>(call: () => Promise<Result>): Promise<Result> {
    if (this.#closing !== undefined) throw closed()
    try {
      return await withRetries(this.#store.retries, call)
    } catch (error) {
      throw queueFailure(error)
    }
  }
}

function closed(): CseError {
  return new CseError('ERR_CSE_QUEUE', 'The job queue is closed.')
}
