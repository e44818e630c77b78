import { AsyncLocalStorage } from 'node:async_hooks'
import { join, resolve } from 'node:path'
import type { Transaction } from '@electric-sql/pglite'
import { type Db, fromPglite, PgBoss } from 'pg-boss'
import { bossOptions } from './boss-options.ts'
import { type LockedDirectory, lockDirectory } from './locked-directory.ts'
import { queueFailure } from './queue-failure.ts'
import type { Store } from './store.ts'

/** Opens the database in a directory, or creates it there. No other process can have it open. */
export async function openEmbeddedStore(
  directory: string,
  schema: string,
  leaseSeconds: number,
): Promise<Store> {
  const locked = await lockDirectory(resolve(directory))
  try {
    return await openDatabase(locked, schema, leaseSeconds)
  } catch (error) {
    await locked.unlock()
    throw queueFailure(error)
  }
}

async function openDatabase(locked: LockedDirectory, schema: string, leaseSeconds: number): Promise<Store> {
  // Loaded here, because it is large, and a queue on a server has no use for it.
  const { PGlite } = await import('@electric-sql/pglite')
  const database = await PGlite.create({ dataDir: join(locked.path, 'database') })
  const alone = fromPglite(database)
  const running = new AsyncLocalStorage<Transaction>()
  // There is one connection only. A statement that pg-boss adds to a transaction by itself, such as to look up a queue,
  // would otherwise wait for the end of that transaction, which waits for it.
  const db: Db = {
    executeSql: (text, values) => running.getStore()?.query(text, values) ?? alone.executeSql(text, values),
  }
  const boss = new PgBoss({ ...bossOptions(schema, leaseSeconds), db, backend: 'pglite' })
  // A pass that fails in the background is repeated. What it would have done is not lost.
  boss.on('error', () => {})
  const close = async () => {
    try {
      await boss.stop()
      await database.close()
    } finally {
      await locked.unlock()
    }
  }
  try {
    await boss.start()
  } catch (error) {
    await close()
    throw error
  }
  return {
    boss,
    schema,
    db,
    retries: { retries: 0 },
    transaction: (steps) => database.transaction((transaction) => running.run(transaction, () => steps(db))),
    close,
  }
}
