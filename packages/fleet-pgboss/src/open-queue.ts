import { CseError } from '@oss-cse/crypto-core'
import { openEmbeddedStore } from './embedded-store.ts'
import { PgBossJobQueue } from './pgboss-job-queue.ts'
import { openPostgresStore } from './postgres-store.ts'
import { queueFailure } from './queue-failure.ts'
import { RunTable } from './run-table.ts'
import { ShardJobs } from './shard-jobs.ts'
import type { Store } from './store.ts'
import { withRetries } from './with-retries.ts'

const DEFAULT_SCHEMA = 'oss_cse_fleet'
const DEFAULT_LEASE_SECONDS = 60

/** Options of every job queue on pg-boss. */
export interface PgBossQueueOptions {
  /**
   * For how many seconds a worker keeps a shard without a sign of life: a whole number from 2 to 3600. Default 60. Each
   * process of a fleet should have the same value. A shard keeps that of the process that planned it.
   */
  readonly leaseSeconds?: number | undefined
}

/** Options of `openPostgresQueue`. */
export interface PostgresQueueOptions extends PgBossQueueOptions {
  /**
   * Where the database is: `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full`. Its user may create a schema
   * there, or owns the schema if that exists.
   */
  readonly connectionString: string
  /**
   * The schema of all tables: 1 to 50 lower-case letters, digits and `_`, not with a digit first. Default `oss_cse_fleet`.
   */
  readonly schema?: string | undefined
  /**
   * When it aborts, calls are no longer repeated: they fail with `ERR_CSE_QUEUE` while the database is away. So a process
   * that is told to stop does not wait for it.
   */
  readonly signal?: AbortSignal | undefined
}

/** Options of `openEmbeddedQueue`. */
export interface EmbeddedQueueOptions extends PgBossQueueOptions {
  /** The directory of the database. It is created if it is missing, and closed to other users. */
  readonly directory: string
}

/**
 * Opens a job queue in a PostgreSQL database, for workers on any number of machines. Creates the tables if they are
 * missing. See `PgBossJobQueue` for when the shards of a killed worker are taken again.
 *
 * @throws CseError `ERR_CSE_QUEUE` when the database cannot be reached or refuses; `ERR_CSE_INVALID_ARGUMENT`
 *
 * @example
 * ```ts
 * const queue = await openPostgresQueue({ connectionString: 'postgres://fleet@db.internal/fleet?sslmode=verify-full' })
 * try { await queue.createRun({ id: 'audit-1', command: 'audit', settings: {} }) } finally { await queue.close() }
 * ```
 */
export async function openPostgresQueue(options: PostgresQueueOptions): Promise<PgBossJobQueue> {
  const { connectionString, schema = DEFAULT_SCHEMA, signal } = options
  const leaseSeconds = checkedLease(options)
  // The message must not repeat the string: it has a password.
  if (typeof connectionString !== 'string' || connectionString === '') {
    throw new CseError('ERR_CSE_INVALID_ARGUMENT', 'connectionString must be a non-empty string.')
  }
  if (!/^[a-z_][a-z0-9_]{0,49}$/.test(schema)) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      'schema must be 1 to 50 lower-case letters, digits and "_", and not start with a digit.',
    )
  }
  return openQueue(await openPostgresStore(connectionString, schema, leaseSeconds, signal), leaseSeconds)
}

/**
 * Opens a job queue in a directory, for the workers of one process: PostgreSQL runs inside of it. Creates the database if
 * it is missing, which takes some seconds. The shards that another process held when it ended are free at once.
 *
 * Nothing is lost when the process is killed. A power failure can damage the directory.
 *
 * @throws CseError `ERR_CSE_QUEUE` when another process has the directory open, it belongs to another user, or it cannot be
 * used; `ERR_CSE_INVALID_ARGUMENT`
 *
 * @example
 * ```ts
 * const queue = await openEmbeddedQueue({ directory: '/var/lib/fleet/audit-1' })
 * try { await queue.createRun({ id: 'audit-1', command: 'audit', settings: {} }) } finally { await queue.close() }
 * ```
 */
export async function openEmbeddedQueue(options: EmbeddedQueueOptions): Promise<PgBossJobQueue> {
  const { directory } = options
  const leaseSeconds = checkedLease(options)
  if (typeof directory !== 'string' || directory === '') {
    throw new CseError('ERR_CSE_INVALID_ARGUMENT', 'directory must be a non-empty string.')
  }
  const store = await openEmbeddedStore(directory, DEFAULT_SCHEMA, leaseSeconds)
  return openQueue(store, leaseSeconds, () => new ShardJobs(store).failAll())
}

/** Prepares the tables of runs in a store, and makes a queue on it. */
export async function openQueue(
  store: Store,
  leaseSeconds: number,
  prepare?: () => Promise<void>,
): Promise<PgBossJobQueue> {
  try {
    await withRetries(store.retries, async () => {
      await store.transaction((db) => new RunTable(store.db, store.schema).create(db))
      await prepare?.()
    })
  } catch (error) {
    await store.close().catch(() => {})
    throw queueFailure(error)
  }
  return new PgBossJobQueue(store, leaseSeconds)
}

function checkedLease({ leaseSeconds = DEFAULT_LEASE_SECONDS }: PgBossQueueOptions): number {
  if (Number.isInteger(leaseSeconds) && leaseSeconds >= 2 && leaseSeconds <= 3600) return leaseSeconds
  throw new CseError('ERR_CSE_INVALID_ARGUMENT', 'leaseSeconds must be a whole number from 2 to 3600.')
}
