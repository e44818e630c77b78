import { CseError } from '@oss-cse/crypto-core'
import { MemoryTransport } from '@oss-cse/crypto-core/testing'
import { MemoryJobQueue } from '@oss-cse/fleet/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RUN } from '../test/fleet-bench.ts'
import type { RunStatus } from './job-queue.ts'
import { shardObjects } from './ordered-listing.ts'
import { runWorker } from './run-worker.ts'
import { shardName } from './shard.ts'

/** What happens to one attempt of a shard. */
type Fate = 'finishes' | 'is killed' | 'is stopped, and comes back' | 'fails' | 'is stopped by the breaker'

const fate = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Fate>('finishes') },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Fate>(
      'is killed',
      'is stopped, and comes back',
      'fails',
      'is stopped by the breaker',
    ),
  },
)

const scenario = fc.record({
  scheduler: fc.scheduler(),
  keys: fc.uniqueArray(fc.stringMatching(/^[abｚ\u{1f600}]{1,4}$/u), { maxLength: 25 }),
  maxKeys: fc.integer({ min: 1, max: 6 }),
  maxBytes: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
  parallel: fc.integer({ min: 1, max: 2 }),
  fates: fc.array(fate, { maxLength: 12 }),
  outages: fc.array(fc.boolean(), { maxLength: 30 }),
})

/** Calls that may be stored although they fail. A take that fails after its effect is an adapter's business. */
const UNSURE = ['addShards', 'complete', 'release', 'fail', 'pause']

test('each key is done in one completed shard: two planners, three workers, kills, outages', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async ({ scheduler, keys, maxKeys, maxBytes, parallel, fates, outages }) => {
      const store = new MemoryJobQueue({ maxFailures: 1000 })
      await store.createRun(RUN)
      const catalog = new MemoryTransport()
      for (const key of keys) await catalog.plant(key, new Uint8Array(2))
      const parts = new Map<string, readonly string[]>()
      const left = { fates: [...fates], outages: [...outages] }
      const turn = () => scheduler.schedule(Promise.resolve())

      const startWorker = (name: number): Promise<RunStatus> => {
        const queue = store.connect()
        const process = { alive: true, started: false }
        const step = async (): Promise<void> => {
          if (process.alive) await turn()
          if (!process.alive) await new Promise(() => {})
        }
        queue.intercept = async (operation, moment) => {
          if (operation === 'pause' && moment === 'after') void turn().then(() => store.resume(RUN.id))
          await step()
          const mayFail = moment === 'before' ? process.started : UNSURE.includes(operation)
          if (operation === 'getRun') process.started = true
          if (mayFail && left.outages.shift()) throw new CseError('ERR_CSE_QUEUE', 'away')
        }
        const listing = {
          // Planners that do not cut at the same keys.
          maxKeys: maxKeys + name,
          catalog: {
            list: async (request: Parameters<typeof catalog.list>[0]) => {
              await step()
              return catalog.list(request)
            },
          },
        }
        return runWorker({
          queue,
          runId: RUN.id,
          parallel,
          queueRetry: { minDelayMs: 0, maxDelayMs: 0 },
          breaker: { failures: 1, window: 1 },
          ...(name < 2 && { plan: { ...listing, maxBytes } }),
          async doShard(shard, { signal, record }) {
            // The first worker survives, so that the run comes to its end.
            const fate = left.fates.shift() ?? 'finishes'
            if (fate === 'fails') throw new Error('broken')
            if (fate === 'is killed' && name > 0) {
              process.alive = false
              void turn().then(() => queue.expireLeases())
              return new Promise(() => {})
            }
            if (fate === 'is stopped by the breaker') {
              record('ERR_CSE_ACCESS_DENIED')
              signal.throwIfAborted()
            }
            if (fate === 'is stopped, and comes back') {
              void turn().then(() => store.expireLease(RUN.id, shard.index))
              await turn()
            }
            const done: string[] = []
            for await (const { key } of shardObjects(shard, listing)) done.push(key)
            parts.set(shardName(shard), done)
            return { objects: done.length, [`shard-${shard.index}`]: 1 }
          },
        })
      }
      const workers = [0, 1, 2].map(startWorker)
      const status = await scheduler.waitFor(workers[0] as Promise<RunStatus>)

      expect(status.plan).toMatchObject({ complete: true, listedKeys: keys.length })
      expect(status.shards).toEqual({ waiting: 0, taken: 0, completed: status.plan.shards, failed: 0 })
      expect([...parts.values()].flat().sort()).toEqual([...keys].sort())
      const { objects = 0, ...once } = status.totals
      expect(objects).toBe(keys.length)
      expect(Object.values(once)).toEqual(Array.from({ length: status.plan.shards }, () => 1))
    }),
  )
})
