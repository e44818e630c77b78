import { chmod, chown, cp, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryTransport } from '@oss-cse/crypto-core/testing'
import { runWorker, shardObjects } from '@oss-cse/fleet'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openEmbeddedQueue } from '../src/index.ts'
import { Worker } from './worker.ts'

const LONG_LEASE = 3600
const runId = 'run'

let parent: string
let created: string
let directory: string
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'fleet-'))
  // To create a database takes seconds, to copy it does not.
  created = join(parent, 'deep', 'created')
  const queue = await openEmbeddedQueue({ directory: created })
  await queue.close()
})
beforeEach(async ({ task }) => {
  directory = join(parent, task.id)
  await cp(created, directory, { recursive: true })
})
afterAll(() => rm(parent, { recursive: true, force: true }))

test('a run resumes after its only process was killed, and the shards it held are free at once', async () => {
  const first = await openEmbeddedQueue({ directory })
  await first.createRun({ id: runId, command: 'verify', settings: { bucket: 'b' } })
  const shards = [
    { index: 0, until: 'k' },
    { index: 1, after: 'k', until: 'm' },
  ]
  await first.addShards(runId, { expectedShards: 0, shards, listedKeys: 2 })
  await first.close()

  await using worker = await Worker.start({ directory, leaseSeconds: LONG_LEASE })
  await worker.tell({ order: 'take', runId })
  expect(await worker.tell({ order: 'complete' })).toEqual({ report: 'completed' })
  expect(await worker.tell({ order: 'take', runId })).toEqual({ report: 'taken', index: 1 })
  await worker[Symbol.asyncDispose]()

  const queue = await openEmbeddedQueue({ directory })
  expect(await queue.getRun(runId)).toMatchObject({
    command: 'verify',
    settings: { bucket: 'b' },
    plan: { shards: 2, cursor: 'm', listedKeys: 2, complete: false },
    shards: { waiting: 1, taken: 0, completed: 1, failed: 0 },
    totals: { objects: 1, bytes: 10 },
  })
  expect(await queue.take(runId)).toMatchObject({ shard: shards[1], attempt: 2 })
  await queue.close()
})

test('a planner and workers on one queue do each object once', async () => {
  const keys = Array.from({ length: 50 }, (_, index) => `key-${String(index).padStart(2, '0')}`)
  const catalog = new MemoryTransport()
  for (const key of keys) await catalog.plant(key, new Uint8Array(1))
  const queue = await openEmbeddedQueue({ directory })
  await queue.createRun({ id: runId, command: 'audit', settings: {} })
  const done: string[] = []
  const status = await runWorker({
    queue,
    runId,
    parallel: 4,
    plan: { catalog, maxKeys: 7 },
    doShard: async (shard, { signal }) => {
      let objects = 0
      for await (const { key } of shardObjects(shard, { catalog, signal })) {
        done.push(key)
        objects += 1
      }
      return { objects }
    },
  })
  expect(done.sort()).toEqual(keys)
  expect(status).toMatchObject({ plan: { listedKeys: 50, complete: true }, totals: { objects: 50 } })
  await queue.close()
})

test('a second process and a second queue are refused', async () => {
  const inUse = { code: 'ERR_CSE_QUEUE', message: expect.stringContaining('in use by another process') }
  {
    await using _worker = await Worker.start({ directory })
    await expect(openEmbeddedQueue({ directory })).rejects.toMatchObject(inUse)
  }
  const queue = await openEmbeddedQueue({ directory })
  await expect(openEmbeddedQueue({ directory })).rejects.toMatchObject(inUse)
  await queue.close()
})

test('the directory is closed to other users', async () => {
  expect((await stat(created)).mode & 0o777).toBe(0o700)
  await chmod(directory, 0o755)
  const queue = await openEmbeddedQueue({ directory })
  expect((await stat(directory)).mode & 0o777).toBe(0o700)
  await queue.close()
})

test.runIf(process.getuid?.() === 0)('the directory of another user is refused', async () => {
  await chown(directory, 65534, 65534)
  await expect(openEmbeddedQueue({ directory })).rejects.toMatchObject({
    code: 'ERR_CSE_QUEUE',
    message: expect.stringContaining('belongs to another user'),
  })
})

test('a path that is no directory is refused', async () => {
  const failure = await openEmbeddedQueue({ directory: '/dev/null' }).catch((error) => error)
  expect(failure).toMatchObject({ code: 'ERR_CSE_QUEUE', message: expect.stringContaining('/dev/null') })
})
