import { CseError } from '@oss-cse/crypto-core'
import { isOver, type JobQueue, type TakenShard } from '@oss-cse/fleet'
import { expect, test } from 'vitest'
import { openPostgresQueue, type PostgresQueueOptions } from '../src/index.ts'
import { describeOnPostgres } from './describe-on-postgres.ts'
import { Worker } from './worker.ts'

const SHORT_LEASE = 2
const LONG_LEASE = 3600

describeOnPostgres('workers that are lost', (server) => {
  test('the shard of a killed worker is taken by another one', async () => {
    const options = optionsOf('kill', SHORT_LEASE)
    const queue = await openPostgresQueue(options)
    const runId = await planRun(queue, 1)
    await using worker = await Worker.start(options)
    expect(await worker.tell({ order: 'take', runId })).toEqual({ report: 'taken', index: 0 })
    worker.signal('SIGKILL')
    const attempts = await completeAll(queue, runId)
    expect(Math.min(...attempts)).toBe(2)
    expect((await queue.getRun(runId)).totals).toEqual({ objects: 1, bytes: 10 })
    await queue.close()
  })

  test('a worker that was stopped for longer than its lease cannot complete its shard', async () => {
    const options = optionsOf('stop', SHORT_LEASE)
    const queue = await openPostgresQueue(options)
    const runId = await planRun(queue, 1)
    await using worker = await Worker.start(options)
    expect(await worker.tell({ order: 'take', runId })).toEqual({ report: 'taken', index: 0 })
    worker.signal('SIGSTOP')
    await completeAll(queue, runId)
    worker.signal('SIGCONT')
    expect(await worker.report()).toEqual({ report: 'lease lost' })
    expect(await worker.tell({ order: 'complete' })).toEqual({ report: 'failed', code: 'ERR_CSE_LEASE_LOST' })
    expect((await queue.getRun(runId)).totals).toEqual({ objects: 1, bytes: 10 })
    await queue.close()
  })

  test('shards that are held while the database restarts are completed once', async () => {
    const options = optionsOf('restart', LONG_LEASE)
    const queue = await openPostgresQueue(options)
    const runId = await planRun(queue, 4)
    await using early = await Worker.start(options)
    await using late = await Worker.start(options)
    await early.tell({ order: 'take', runId })
    await late.tell({ order: 'take', runId })
    const own = await queue.take(runId)
    await server().stop()
    const completed = early.tell({ order: 'complete' })
    await server().start()
    expect(await completed).toEqual({ report: 'completed' })
    expect(await late.tell({ order: 'complete' })).toEqual({ report: 'completed' })
    await own?.complete({ objects: 1, bytes: 10 })
    expect(await completeAll(queue, runId)).toEqual([1])
    const { shards, totals } = await queue.getRun(runId)
    expect(shards).toEqual({ waiting: 0, taken: 0, completed: 4, failed: 0 })
    expect(totals).toEqual({ objects: 4, bytes: 40 })
    await queue.close()
  })

  test('calls fail while the database is away, and the same shard is completed when it is back', async () => {
    const queue = await openPostgresQueue(optionsOf('away', LONG_LEASE))
    const runId = await planRun(queue, 1)
    const held = await queue.take(runId)
    await server().stop()
    await expect(held?.complete({ objects: 1, bytes: 10 })).rejects.toMatchObject({ code: 'ERR_CSE_QUEUE' })
    await server().start()
    await held?.complete({ objects: 1, bytes: 10 })
    expect((await queue.getRun(runId)).totals).toEqual({ objects: 1, bytes: 10 })
    await queue.close()
  })

  function optionsOf(schema: string, leaseSeconds: number): PostgresQueueOptions {
    return { connectionString: server().connectionString, schema, leaseSeconds }
  }
})

async function planRun(queue: JobQueue, count: number): Promise<string> {
  const runId = 'run'
  await queue.createRun({ id: runId, command: 'audit', settings: {} })
  const ends = Array.from({ length: count - 1 }, (_, index) => `key-${index}`)
  const shards = [...ends, undefined].map((until, index) => ({ index, after: ends[index - 1], until }))
  await queue.addShards(runId, { expectedShards: 0, shards, listedKeys: count })
  return runId
}

/** Completes what can be taken until the run is over. Returns the attempts that it took. */
async function completeAll(queue: JobQueue, runId: string): Promise<readonly number[]> {
  const attempts: number[] = []
  while (!isOver(await queue.getRun(runId))) {
    const held = await queue.take(runId)
    if (held === undefined) await queue.wait(runId)
    else if (await isCompleted(held)) attempts.push(held.attempt)
  }
  return attempts
}

/** A machine that is busy for longer than a short lease loses this one too. */
async function isCompleted(held: TakenShard): Promise<boolean> {
  try {
    await held.complete({ objects: 1, bytes: 10 })
    return true
  } catch (error) {
    if (CseError.isInstance(error) && error.code === 'ERR_CSE_LEASE_LOST') return false
    throw error
  }
}
