import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jobQueueContract } from '@oss-cse/fleet/testing'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { openEmbeddedStore } from '../src/embedded-store.ts'
import { openQueue } from '../src/open-queue.ts'
import { openPostgresStore } from '../src/postgres-store.ts'
import { queueName } from '../src/run-table.ts'
import { ALLOWED_FAILURES } from '../src/shard-jobs.ts'
import type { Store } from '../src/store.ts'
import { describeOnPostgres } from './describe-on-postgres.ts'

const SCHEMA = 'contract'
/** Longer than any test: only `expireLease` ends one. */
const LEASE_SECONDS = 3600

describe('the contract of job queues, on PGlite', () => {
  let directory: string
  let store: Store
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fleet-'))
    store = await openEmbeddedStore(directory, SCHEMA, LEASE_SECONDS)
  })
  afterAll(async () => {
    await store.close()
    await rm(directory, { recursive: true })
  })
  // One process has the directory, so its queues share the store.
  holdsTheContract(
    () => store,
    () => ({ ...store, close: async () => {} }),
  )
})

describeOnPostgres('the contract of job queues, on PostgreSQL', (server) => {
  let store: Store
  const open = () => openPostgresStore(server().connectionString, SCHEMA, LEASE_SECONDS)
  beforeAll(async () => {
    store = await open()
  })
  afterAll(() => store.close())
  holdsTheContract(() => store, open)
})

function holdsTheContract(store: () => Store, open: () => Store | Promise<Store>): void {
  const rules = jobQueueContract({
    connect: async () => openQueue(await open(), LEASE_SECONDS),
    expireLease: (runId, shardIndex) => expireLease(store(), runId, shardIndex),
    maxFailures: ALLOWED_FAILURES,
  })
  for (const rule of rules) test(rule.name, rule.run)
}

/** Dates the last sign of life of a shard back, and has pg-boss look for ended leases now. */
async function expireLease({ boss, db, schema }: Store, runId: string, shardIndex: number): Promise<void> {
  const name = queueName(runId)
  const jobs = `${schema}.job WHERE name = $1 AND priority = $2 AND state = 'active'`
  const job = [name, -shardIndex]
  const before = (moment: string) => `${moment} = now() - interval '1 day'`
  do {
    await db.executeSql(
      `UPDATE ${schema}.job SET ${before('heartbeat_on')} WHERE name = $1 AND priority = $2`,
      job,
    )
    // pg-boss remembers when it looked last, and doesn't look again at once.
    await db.executeSql(`UPDATE ${schema}.queue SET ${before('monitor_claim_on')} WHERE name = $1`, [name])
    await boss.supervise(name)
  } while ((await db.executeSql(`SELECT FROM ${jobs}`, job)).rows.length > 0)
}
