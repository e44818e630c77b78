import type { FleetCommand, NewRun, PlanProgress, RunState, RunStatus, ShardTotals } from '@oss-cse/fleet'
import { EMPTY_PLAN } from '@oss-cse/fleet'
import type { Db } from 'pg-boss'

/** What of a run changes. */
export interface RunProgress {
  readonly state: RunState
  readonly reason?: string | undefined
  readonly plan: PlanProgress
  readonly totals: ShardTotals
}

/** What of a run a worker must know to wait for the right thing. */
export interface RunOutlook {
  readonly state: RunState
  readonly planComplete: boolean
  readonly waiting: boolean
  readonly taken: boolean
}

interface RunRow {
  readonly id: string
  readonly command: FleetCommand
  readonly settings: string
  readonly created: Date
  readonly state: RunState
  readonly reason: string | null
  readonly plan: string
  readonly totals: string
}

interface CountedRow extends RunRow {
  readonly waiting: number
  readonly taken: number
  readonly failed: number
}

/** Returns the name of the pg-boss queue that has the shards of a run. pg-boss takes jobs by their queue alone. */
export function queueName(runId: string): string {
  return `run/${runId}`
}

/**
 * The table of runs, in the schema of pg-boss. Settings, plan and totals are JSON in columns of text: `jsonb` does not
 * store every string that is a key.
 */
export class RunTable {
  readonly #table: string
  readonly #jobs: string
  readonly #db: Db

  constructor(db: Db, schema: string) {
    this.#db = db
    this.#table = `${schema}.oss_cse_run`
    this.#jobs = `${schema}.job`
  }

  /** Creates the table if it is missing. Not in a transaction with other steps: other processes do the same. */
  async create(db: Db): Promise<void> {
    // Two processes that create a table at once fail, in spite of IF NOT EXISTS.
    await db.executeSql('SELECT pg_advisory_xact_lock(hashtext($1))', [this.#table])
    await db.executeSql(
      `CREATE TABLE IF NOT EXISTS ${this.#table} (
        id text PRIMARY KEY,
        command text NOT NULL,
        settings text NOT NULL,
        created timestamptz NOT NULL DEFAULT now(),
        state text NOT NULL,
        reason text,
        plan text NOT NULL,
        totals text NOT NULL
      )`,
    )
  }

  /** Adds a run, unless there is one with this id. */
  async insert({ id, command, settings }: NewRun): Promise<void> {
    await this.#db.executeSql(
      `INSERT INTO ${this.#table} (id, command, settings, state, plan, totals)
        VALUES ($1, $2, $3, 'active', $4, '{}') ON CONFLICT DO NOTHING`,
      [id, command, JSON.stringify(settings), JSON.stringify(EMPTY_PLAN)],
    )
  }

  async delete(runId: string): Promise<void> {
    await this.#db.executeSql(`DELETE FROM ${this.#table} WHERE id = $1`, [runId])
  }

  /** Reads a run, or all of them. The counts and the plan are of the same moment. */
  async list(runId?: string): Promise<readonly RunStatus[]> {
    const { rows } = await this.#db.executeSql(
      `SELECT run.*, coalesce(waiting, 0) AS waiting, coalesce(taken, 0) AS taken, coalesce(failed, 0) AS failed
        FROM ${this.#table} run
        LEFT JOIN (
          SELECT name,
            count(*) FILTER (WHERE state IN ('created', 'retry'))::int AS waiting,
            count(*) FILTER (WHERE state = 'active')::int AS taken,
            count(*) FILTER (WHERE state = 'failed')::int AS failed
          FROM ${this.#jobs}
          WHERE state IN ('created', 'retry', 'active', 'failed') ${runId === undefined ? '' : 'AND name = $2'}
          GROUP BY name
        ) job ON job.name = $1 || run.id
        ${runId === undefined ? '' : 'WHERE run.id = $3'}
        ORDER BY created DESC, id`,
      [queueName(''), ...(runId === undefined ? [] : [queueName(runId), runId])],
    )
    return (rows as CountedRow[]).map(runStatus)
  }

  /** Reads a run that no other transaction changes until the end of this one. */
  async lock(db: Db, runId: string): Promise<RunProgress | undefined> {
    const { rows } = await db.executeSql(`SELECT * FROM ${this.#table} WHERE id = $1 FOR UPDATE`, [runId])
    const [row] = rows as RunRow[]
    return (
      row && {
        state: row.state,
        ...reasonOf(row),
        plan: JSON.parse(row.plan),
        totals: JSON.parse(row.totals),
      }
    )
  }

  /** Reads the state of a run, which does not change until the end of this transaction. */
  async lockState(db: Db, runId: string): Promise<RunState | undefined> {
    const { rows } = await db.executeSql(`SELECT state FROM ${this.#table} WHERE id = $1 FOR SHARE`, [runId])
    return (rows as RunRow[])[0]?.state
  }

  /** Stores what changed in a locked run. */
  async update(db: Db, runId: string, { state, reason, plan, totals }: RunProgress): Promise<void> {
    await db.executeSql(
      `UPDATE ${this.#table} SET state = $2, reason = $3, plan = $4, totals = $5 WHERE id = $1`,
      [runId, state, reason ?? null, JSON.stringify(plan), JSON.stringify(totals)],
    )
  }

  async outlook(runId: string): Promise<RunOutlook | undefined> {
    const { rows } = await this.#db.executeSql(
      `SELECT state, plan,
          EXISTS (SELECT FROM ${this.#jobs} WHERE name = $2 AND state IN ('created', 'retry')) AS waiting,
          EXISTS (SELECT FROM ${this.#jobs} WHERE name = $2 AND state = 'active') AS taken
        FROM ${this.#table} WHERE id = $1`,
      [runId, queueName(runId)],
    )
    const [row] = rows as (RunRow & Pick<RunOutlook, 'waiting' | 'taken'>)[]
    if (row === undefined) return undefined
    const { complete } = JSON.parse(row.plan) as PlanProgress
    return { state: row.state, planComplete: complete, waiting: row.waiting, taken: row.taken }
  }
}

function runStatus({ waiting, taken, failed, ...row }: CountedRow): RunStatus {
  const plan = JSON.parse(row.plan) as PlanProgress
  return {
    id: row.id,
    command: row.command,
    settings: JSON.parse(row.settings),
    state: row.state,
    ...reasonOf(row),
    created: row.created,
    plan,
    shards: { waiting, taken, failed, completed: plan.shards - waiting - taken - failed },
    totals: JSON.parse(row.totals),
  }
}

function reasonOf({ reason }: RunRow): Pick<RunStatus, 'reason'> {
  return reason === null ? {} : { reason }
}
