import { inspect } from 'node:util'
import { postgresPassword } from '@oss-cse/postgres-server'
import { describe, expect, test } from 'vitest'
import { openEmbeddedQueue, openPostgresQueue } from '../src/index.ts'
import { openPostgresStore } from '../src/postgres-store.ts'
import { describeOnPostgres } from './describe-on-postgres.ts'

describeOnPostgres('a queue on PostgreSQL', (server) => {
  test('several processes can create the tables at once', async () => {
    const options = { connectionString: server().connectionString, schema: 'at_once' }
    const queues = await Promise.all(Array.from({ length: 4 }, () => openPostgresQueue(options)))
    await queues[0]?.createRun({ id: 'run', command: 'audit', settings: {} })
    for (const queue of queues) {
      expect(await queue.listRuns()).toHaveLength(1)
      await queue.close()
    }
  })

  test('no wait is too long for a shard: none is deleted, and none that is worked on is given away', async () => {
    const schema = 'long'
    const { connectionString } = server()
    const queue = await openPostgresQueue({ connectionString, schema, leaseSeconds: 3600 })
    await queue.createRun({ id: 'run', command: 'audit', settings: {} })
    const shards = ['a', 'b', 'c', 'd'].map((until, index, all) => ({ index, after: all[index - 1], until }))
    await queue.addShards('run', { expectedShards: 0, shards, listedKeys: 4 })
    for (let failures = 0; failures < 5; failures++)
      await (await queue.take('run'))?.fail(new Error('broken'))
    await (await queue.take('run'))?.complete({})
    await queue.take('run')
    const counts = { waiting: 1, taken: 1, completed: 1, failed: 1 }
    expect((await queue.getRun('run')).shards).toEqual(counts)

    const { boss, db, close } = await openPostgresStore(connectionString, schema, 3600)
    await db.executeSql(
      `UPDATE ${schema}.job SET created_on = created_on - age, start_after = start_after - age,
        started_on = started_on - age, completed_on = completed_on - age, keep_until = keep_until - age
        FROM (SELECT interval '2 years' AS age) AS ages`,
    )
    await db.executeSql(
      `UPDATE ${schema}.queue SET maintain_on = NULL, monitor_on = NULL, monitor_claim_on = NULL`,
    )
    await boss.supervise()
    await close()
    expect((await queue.getRun('run')).shards).toEqual(counts)
    await queue.close()
  })

  test('the error of a failed shard is stored without its message', async () => {
    const schema = 'quiet'
    const { connectionString } = server()
    const queue = await openPostgresQueue({ connectionString, schema })
    await queue.createRun({ id: 'run', command: 'audit', settings: {} })
    await queue.addShards('run', { expectedShards: 0, shards: [{ index: 0 }], listedKeys: 1 })
    await (await queue.take('run'))?.fail(new Error('secret-key-name'))
    const { db, close } = await openPostgresStore(connectionString, schema, 60)
    const { rows } = await db.executeSql(`SELECT job::text AS text FROM ${schema}.job`)
    expect(rows).toHaveLength(1)
    expect(rows[0].text).not.toContain('secret-key-name')
    await close()
    await queue.close()
  })

  test('removing a run removes its shards, and no other run', async () => {
    const queue = await openPostgresQueue({ connectionString: server().connectionString, schema: 'removal' })
    for (const id of ['one', 'two']) {
      await queue.createRun({ id, command: 'audit', settings: {} })
      await queue.addShards(id, { expectedShards: 0, shards: [{ index: 0 }], listedKeys: 1 })
    }
    const held = await queue.take('one')
    await queue.removeRun('one')
    await queue.removeRun('one')
    await expect(queue.getRun('one')).rejects.toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
    await expect(held?.complete({})).rejects.toMatchObject({ code: 'ERR_CSE_LEASE_LOST' })
    expect(await queue.listRuns()).toMatchObject([{ id: 'two', shards: { waiting: 1 } }])
    await queue.createRun({ id: 'one', command: 'audit', settings: { other: true } })
    expect((await queue.getRun('one')).shards.waiting).toBe(0)
    await queue.close()
  })

  test('a run may have an id that means something elsewhere', async () => {
    const queue = await openPostgresQueue({ connectionString: server().connectionString, schema: 'names' })
    for (const id of ['error', '__proto__', 'constructor']) {
      await queue.createRun({ id, command: 'audit', settings: {} })
      await queue.addShards(id, { expectedShards: 0, shards: [{ index: 0 }], listedKeys: 1 })
      await (await queue.take(id))?.complete({ [id]: 1 })
      expect(Object.entries((await queue.getRun(id)).totals)).toEqual([[id, 1]])
    }
    await queue.close()
  })

  describe('errors have the code ERR_CSE_QUEUE and no password', () => {
    test.each([
      ['the password is wrong', (right: string) => right.replace('geheim', 'wrong')],
      ['the user is unknown', (right: string) => right.replace('//postgres:', '//nobody:')],
      ['the database is unknown', (right: string) => right.replace('/postgres?', '/missing?')],
      ['the connection string is malformed', (right: string) => right.replace('@', '@[')],
    ])('%s', async (_what, change) => {
      const connectionString = change(server().connectionString)
      const error = await openPostgresQueue({ connectionString }).catch((error) => error)
      expect(error).toMatchObject({ code: 'ERR_CSE_QUEUE', cause: expect.anything() })
      for (const password of [postgresPassword, encodeURIComponent(postgresPassword), 'wrong&100']) {
        expect(inspect(error, { depth: null, showHidden: true })).not.toContain(password)
      }
    })
  })
})

test('invalid options are refused before any connection', async () => {
  const connectionString = 'postgres://nowhere.invalid/x'
  const refused = [
    openPostgresQueue({ connectionString: '' }),
    openPostgresQueue({ connectionString, schema: 'Fleet' }),
    openPostgresQueue({ connectionString, schema: 'x"; drop schema public' }),
    openPostgresQueue({ connectionString, leaseSeconds: 1 }),
    openPostgresQueue({ connectionString, leaseSeconds: 2.5 }),
    openPostgresQueue({ connectionString, leaseSeconds: 3601 }),
    openEmbeddedQueue({ directory: '' }),
  ]
  for (const call of refused) await expect(call).rejects.toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
})
