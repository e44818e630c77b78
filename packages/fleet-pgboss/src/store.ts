import type { Db, PgBoss } from 'pg-boss'
import type { QueueRetries } from './with-retries.ts'

/** A database with pg-boss on it. */
export interface Store {
  readonly boss: PgBoss
  /** The schema of pg-boss and of the table of runs: an SQL identifier that needs no quotes. */
  readonly schema: string
  /** Runs one statement. */
  readonly db: Db
  /** How often a call is repeated after a failure that may pass, and until when. */
  readonly retries: QueueRetries
  /** Runs the steps in one transaction: all of their statements go through the `db` they get. */
  transaction<Result>(steps: (db: Db) => Promise<Result>): Promise<Result>
  /** Stops pg-boss and closes the database. */
  close(): Promise<void>
}
