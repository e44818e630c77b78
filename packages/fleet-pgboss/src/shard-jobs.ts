import type { Shard } from '@oss-cse/fleet'
import type { Db, Job, JobAttempt, JobInsert } from 'pg-boss'
import { queueName } from './run-table.ts'
import type { Store } from './store.ts'

/** How often a shard is taken and neither completed nor released before it counts as failed. */
export const ALLOWED_FAILURES = 5

/** pg-boss has a default limit for each of these times, and deletes or fails what passed it. Shards have none. */
const FOR_EVER_SECONDS = 2 ** 31 - 1

/** The data of a job. The shard is JSON as text: `jsonb` does not store every string that is a key. */
interface ShardData {
  readonly shard: string
}

/** A job as it was taken: `retryCount` names the attempt. */
export interface TakenJob extends JobAttempt {
  readonly shard: Shard
  readonly leaseSeconds: number
}

/** The shards of runs as jobs of pg-boss: one queue for each run. */
export class ShardJobs {
  readonly #store: Store
  readonly #jobs: string

  constructor(store: Store) {
    this.#store = store
    this.#jobs = `${store.schema}.job`
  }

  /** Creates the queue of a run if it is missing. */
  async createQueue(runId: string): Promise<void> {
    await this.#store.boss.createQueue(queueName(runId))
  }

  /** Deletes the queue of a run with all of its shards. */
  async deleteQueue(runId: string): Promise<void> {
    await this.#store.boss.deleteQueue(queueName(runId))
  }

  async insert(db: Db, runId: string, shards: readonly Shard[], leaseSeconds: number): Promise<void> {
    const jobs = shards.map(
      (shard): JobInsert<ShardData> => ({
        data: { shard: JSON.stringify(shard) },
        // The shards are taken in the order of the keys.
        priority: -shard.index,
        heartbeatSeconds: leaseSeconds,
        retryLimit: ALLOWED_FAILURES - 1,
        expireInSeconds: FOR_EVER_SECONDS,
        retentionSeconds: FOR_EVER_SECONDS,
        // 0 keeps them.
        deleteAfterSeconds: 0,
      }),
    )
    await this.#store.boss.insert(queueName(runId), jobs, { db })
  }

  async take(db: Db, runId: string): Promise<TakenJob | undefined> {
    const [job] = await this.#store.boss.fetch<ShardData>(queueName(runId), { db })
    if (job === undefined) return undefined
    const { id, retryCount, heartbeatSeconds } = job as Job<ShardData> & JobAttempt
    return { id, retryCount, leaseSeconds: heartbeatSeconds ?? 0, shard: JSON.parse(job.data.shard) }
  }

  /** Extends the lease. Returns false if this attempt does not hold it any more. */
  async extend(runId: string, attempt: JobAttempt): Promise<boolean> {
    return wasDone(await this.#store.boss.touch(queueName(runId), attempt))
  }

  /** Returns false if this attempt does not hold the shard any more. */
  async complete(db: Db, runId: string, attempt: JobAttempt): Promise<boolean> {
    return wasDone(await this.#store.boss.complete(queueName(runId), attempt, null, { db }))
  }

  /** Tells whether this very attempt has completed the shard. */
  async isCompleted(db: Db, runId: string, { id, retryCount }: JobAttempt): Promise<boolean> {
    const { rows } = await db.executeSql(
      `SELECT FROM ${this.#jobs} WHERE name = $1 AND id = $2 AND retry_count = $3 AND state = 'completed'`,
      [queueName(runId), id, retryCount],
    )
    return rows.length > 0
  }

  /** Counts as a failure. Stores the code of the error only: its message may name objects. */
  async fail(runId: string, attempt: JobAttempt, code: string): Promise<void> {
    await this.#store.boss.fail(queueName(runId), attempt, { code })
  }

  /** Does not count as a failure. pg-boss has no call for that, so the attempt gets its failure back. */
  async release(runId: string, { id, retryCount }: JobAttempt): Promise<void> {
    await this.#store.db.executeSql(
      `UPDATE ${this.#jobs} SET state = 'retry', retry_limit = retry_limit + 1, heartbeat_on = NULL
        WHERE name = $1 AND id = $2 AND retry_count = $3 AND state = 'active'`,
      [queueName(runId), id, retryCount],
    )
  }

  /** Puts failed shards back, with as many failures allowed as a new one. pg-boss's own call allows one. */
  async retryFailed(runId: string): Promise<number> {
    const { rows } = await this.#store.db.executeSql(
      `UPDATE ${this.#jobs} SET state = 'retry', retry_limit = retry_count + $2::int, completed_on = NULL
        WHERE name = $1 AND state = 'failed' RETURNING id`,
      [queueName(runId), ALLOWED_FAILURES],
    )
    return rows.length
  }

  /** Ends the leases of all shards, which counts as their failure: the process that held them is known to be gone. */
  async failAll(): Promise<void> {
    const { rows } = await this.#store.db.executeSql(
      `SELECT name, array_agg(id::text) AS ids FROM ${this.#jobs} WHERE state = 'active' GROUP BY name`,
    )
    for (const { name, ids } of rows as { name: string; ids: string[] }[]) {
      await this.#store.boss.fail(name, ids, { code: 'ERR_CSE_LEASE_LOST' })
    }
  }
}

/** pg-boss says how many jobs a call changed. Its types don't. */
function wasDone(response: object): boolean {
  return (response as { readonly affected: number }).affected > 0
}
