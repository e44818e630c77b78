import pLimit from 'p-limit'
import { type Db, PgBoss } from 'pg-boss'
import { bossOptions } from './boss-options.ts'
import { queueFailure } from './queue-failure.ts'
import type { Store } from './store.ts'
import { withRetries } from './with-retries.ts'

/** About six seconds: longer than a server takes to restart. */
const RETRIES = 6

/**
 * A server that does not respond at all costs more than ten seconds for each attempt. An address may be wrong, so the first
 * failure after this time is reported.
 */
const OPENING_MS = 6000

const CONNECTIONS = 10

/**
 * A transaction holds a connection, and pg-boss may need a second one during it, to look up a queue. If transactions had
 * all connections, each would wait for another.
 */
const TRANSACTIONS = CONNECTIONS - 2

/** Opens a database of PostgreSQL, and creates the tables of pg-boss there if they are missing. */
export async function openPostgresStore(
  connectionString: string,
  schema: string,
  leaseSeconds: number,
  signal?: AbortSignal | undefined,
): Promise<Store> {
  const retries = { retries: RETRIES, signal }
  const boss = new PgBoss({
    ...bossOptions(schema, leaseSeconds),
    connectionString,
    max: CONNECTIONS,
    application_name: 'oss-cse fleet',
  })
  // A pass that fails in the background is repeated. What it would have done is not lost.
  boss.on('error', () => {})
  try {
    await withRetries({ ...retries, withinMs: OPENING_MS }, () => boss.start())
  } catch (error) {
    await boss.stop().catch(() => {})
    throw queueFailure(error)
  }
  const db = boss.getDb()
  const limit = pLimit(TRANSACTIONS)
  return {
    boss,
    schema,
    db,
    retries,
    transaction: (steps) => limit(() => inTransaction(db, steps)),
    close: () => boss.stop(),
  }
}

async function inTransaction<Result>(db: Db, steps: (db: Db) => Promise<Result>): Promise<Result> {
  const transaction = await db.beginTransaction?.()
  if (transaction === undefined) throw new Error('pg-boss has no transactions')
  try {
    const result = await steps(transaction.db)
    await transaction.commit()
    return result
  } catch (error) {
    await transaction.rollback()
    throw error
  }
}
