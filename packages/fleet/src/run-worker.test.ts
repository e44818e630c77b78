import { CseError, TransportError } from '@oss-cse/crypto-core'
import type { MemoryJobQueue } from '@oss-cse/fleet/testing'
import { describe, expect, test } from 'vitest'
import { fleetBench, oneByteEach, RUN } from '../test/fleet-bench.ts'
import type { RunStatus } from './job-queue.ts'
import { planShards } from './plan-shards.ts'
import { runWorker } from './run-worker.ts'
import type { WorkerEvent, WorkerOptions } from './worker-options.ts'

const KEYS = Array.from({ length: 6 }, (_, i) => `key-${i}`)
const AWAY = new CseError('ERR_CSE_QUEUE', 'The database does not respond.')

/** A worker of a planned run with six shards, and what it reported. */
async function workerBench(options: Partial<WorkerOptions> & Pick<WorkerOptions, 'doShard'>) {
  const { catalog, queue } = await fleetBench(oneByteEach(KEYS))
  const events: WorkerEvent[] = []
  const start = (more: Partial<WorkerOptions> = {}): Promise<RunStatus> =>
    runWorker({
      queue,
      runId: RUN.id,
      plan: { catalog, maxKeys: 1 },
      queueRetry: { minDelayMs: 0, maxDelayMs: 0 },
      checkEveryMs: 1,
      onEvent: (event) => events.push(event),
      ...options,
      ...more,
    })
  return { catalog, queue, events, start, typesOf: () => events.map(({ type }) => type) }
}

/** A promise that the test settles. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

/** Rejects when the signal aborts, as work that follows its signal does. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason))
  })
}

/** Makes the calls of a method fail, before or after their effect, until it is told to stop. */
function failing(
  queue: MemoryJobQueue,
  operation: string,
  moment: 'before' | 'after' = 'before',
): () => void {
  queue.intercept = (name, at) => {
    if (name === operation && at === moment) throw AWAY
  }
  return () => {
    queue.intercept = undefined
  }
}

test('a worker plans a run and does all its shards', async () => {
  const { start } = await workerBench({ doShard: async () => ({ objects: 1 }) })
  expect(await start()).toMatchObject({
    state: 'active',
    plan: { complete: true, listedKeys: 6 },
    shards: { waiting: 0, taken: 0, completed: 6, failed: 0 },
    totals: { objects: 6 },
  })
})

test('a worker has at most `parallel` shards at a time', async () => {
  let inHand = 0
  let most = 0
  const full = gate()
  const { start } = await workerBench({
    parallel: 3,
    async doShard() {
      inHand += 1
      most = Math.max(most, inHand)
      if (inHand === 3) full.open()
      await full.opened
      inHand -= 1
      return { objects: 1 }
    },
  })
  expect((await start()).totals).toEqual({ objects: 6 })
  expect(most).toBe(3)
})

test('a worker without a plan waits for the shards of another', async () => {
  const planned = await workerBench({ doShard: async () => ({ objects: 1 }) })
  const waiting = gate()
  planned.queue.intercept = (name) => {
    if (name === 'wait') waiting.open()
  }
  const idle = planned.start({ plan: undefined })
  await waiting.opened
  await planned.start()
  expect((await idle).totals).toEqual({ objects: 6 })
})

describe('a failure of a shard', () => {
  test('returns it to the queue until it has failed too often', async () => {
    const { start, events } = await workerBench({
      async doShard({ index }) {
        if (index === 2) throw new Error('broken')
        return { objects: 1 }
      },
    })
    expect(await start()).toMatchObject({ shards: { completed: 5, failed: 1 }, totals: { objects: 5 } })
    expect(
      events.flatMap((event) => (event.type === 'shard-failed' ? [[event.shard.index, event.attempt]] : [])),
    ).toEqual([
      [2, 1],
      [2, 2],
      [2, 3],
    ])
  })

  test('because a bucket does not exist ends the worker, and no shard counts as failed', async () => {
    const missing = new TransportError('ERR_CSE_NOT_FOUND', 'No.', {
      retryable: false,
      serviceCode: 'NoSuchBucket',
    })
    let exists = false
    const inHand = gate()
    const { queue, start, events } = await workerBench({
      parallel: 2,
      async doShard({ index }, { signal }) {
        if (exists) return { objects: 1 }
        if (index === 0) {
          await inHand.opened
          throw missing
        }
        inHand.open()
        return aborted(signal)
      },
    })
    await expect(start()).rejects.toBe(missing)
    const types = events.map(({ type }) => type)
    expect(types.sort()).toEqual(['shard-released', 'shard-released', 'shard-taken', 'shard-taken'])
    expect((await queue.getRun(RUN.id)).shards).toMatchObject({ taken: 0, failed: 0, completed: 0 })
    exists = true
    expect(await start()).toMatchObject({ shards: { completed: 6, failed: 0 } })
  })

  test('is none if the totals are no counts: the worker fails', async () => {
    const { start } = await workerBench({ doShard: async () => ({ objects: -1 }) })
    await expect(start()).rejects.toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
  })
})

describe('a lost lease', () => {
  test('stops the shard, which another worker does', async () => {
    const { queue, start, typesOf } = await workerBench({
      async doShard({ index }, { signal, attempt }) {
        if (index !== 0 || attempt > 1) return { objects: 1 }
        queue.expireLease(RUN.id, 0)
        return aborted(signal)
      },
    })
    expect(await start()).toMatchObject({ shards: { completed: 6 }, totals: { objects: 6 } })
    expect(typesOf().filter((type) => type === 'lease-lost')).toHaveLength(1)
    expect(typesOf()).not.toContain('shard-failed')
  })

  test('that the worker learns of at the end does not count twice', async () => {
    const { queue, start, typesOf } = await workerBench({
      async doShard({ index }, { attempt }) {
        if (index === 0 && attempt === 1) queue.expireLease(RUN.id, 0)
        return { objects: 1 }
      },
    })
    expect(await start()).toMatchObject({ shards: { completed: 6 }, totals: { objects: 6 } })
    expect(typesOf().filter((type) => type === 'lease-lost')).toHaveLength(1)
  })
})

describe('an abort', () => {
  test('stops its shards, and releases them', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    let begun = 0
    const { queue, start } = await workerBench({
      parallel: 2,
      signal: controller.signal,
      doShard(_shard, { signal }) {
        begun += 1
        if (begun === 2) controller.abort(reason)
        return aborted(signal)
      },
    })
    await expect(start()).rejects.toBe(reason)
    const status = await queue.getRun(RUN.id)
    expect(status.shards).toMatchObject({ taken: 0, completed: 0, failed: 0 })
    expect((await queue.take(RUN.id))?.attempt).toBe(2)
  })

  test('during a take releases the shard that was taken', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const { catalog, queue, start } = await workerBench({
      plan: undefined,
      signal: controller.signal,
      doShard: async () => ({}),
    })
    await planShards({ queue, runId: RUN.id, catalog, maxKeys: 1 })
    queue.intercept = (name, moment) => {
      if (name === 'take' && moment === 'after') controller.abort(reason)
    }
    await expect(start()).rejects.toBe(reason)
    expect((await queue.take(RUN.id))?.attempt).toBe(2)
  })

  test('ends the wait for a queue that is away', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const { queue, start } = await workerBench({
      signal: controller.signal,
      doShard: async () => ({ objects: 1 }),
      onEvent: ({ type }) => type === 'queue-away' && controller.abort(reason),
    })
    failing(queue, 'complete')
    await expect(start()).rejects.toBe(reason)
    expect((await queue.getRun(RUN.id)).totals).toEqual({})
  })

  test('before the start does nothing', async () => {
    const { queue, start } = await workerBench({ doShard: async () => ({}) })
    const calls: string[] = []
    queue.intercept = (name) => void calls.push(name)
    await expect(start({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
    expect(calls).toEqual([])
  })
})

describe('a queue that is away', () => {
  test.each(['before', 'after'] as const)(
    'keeps the result and takes no other shard: calls fail %s their effect',
    async (moment) => {
      const calls: string[] = []
      const { queue, start } = await workerBench({ doShard: async () => ({ objects: 1 }) })
      let fails = 0
      queue.intercept = (name, at) => {
        if (at === 'before' && (name === 'take' || name === 'complete')) calls.push(name)
        if (name === 'complete' && at === moment && ++fails % 4 !== 0) throw AWAY
      }
      expect(await start()).toMatchObject({ shards: { completed: 6, failed: 0 }, totals: { objects: 6 } })
      const ofShard = 'take,complete,complete,complete,complete'
      // The worker may ask too early, while the plan has no shard: then it takes nothing.
      expect(calls.join().replaceAll('take,take', 'take')).toContain(`${ofShard},${ofShard}`)
      expect(calls.filter((name) => name === 'complete')).toHaveLength(24)
    },
  )

  test.each(['take', 'addShards', 'wait', 'fail', 'getRun'])('is asked again: %s', async (operation) => {
    const { queue, start, typesOf } = await workerBench({
      async doShard({ index }, { attempt }) {
        if (index === 0 && attempt === 1) throw new Error('broken')
        return { objects: 1 }
      },
    })
    // The question at the start is not repeated.
    const failedCall = operation === 'getRun' ? 2 : 1
    let calls = 0
    queue.intercept = (name, moment) => {
      if (name === operation && moment === 'before' && ++calls === failedCall) throw AWAY
    }
    expect((await start()).totals).toEqual({ objects: 6 })
    expect(typesOf()).toContain('queue-away')
  })

  test('at the start is an error', async () => {
    const { queue, start } = await workerBench({ doShard: async () => ({}) })
    const stop = failing(queue, 'getRun')
    await expect(start()).rejects.toBe(AWAY)
    stop()
    await expect(start({ runId: 'another' })).rejects.toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
  })
})

describe('a cancelled run', () => {
  test('stops its workers, which release their shards', async () => {
    const { queue, start } = await workerBench({
      async doShard(_shard, { signal }) {
        await queue.cancel(RUN.id)
        return aborted(signal)
      },
    })
    const status = await start()
    expect(status.state).toBe('cancelled')
    expect(status.shards).toMatchObject({ taken: 0, completed: 0, failed: 0 })
  })

  test('ends a worker that waits', async () => {
    const { queue, start } = await workerBench({ plan: undefined, doShard: async () => ({}) })
    queue.intercept = (name) => (name === 'wait' ? queue.cancel(RUN.id) : undefined)
    expect((await start()).state).toBe('cancelled')
  })
})

describe('a pause', () => {
  test('lets the worker complete its shard, and it continues afterwards', async () => {
    let done = 0
    const pauses: unknown[] = []
    const { queue, start } = await workerBench({
      async doShard() {
        done += 1
        if (done === 2) await queue.pause(RUN.id, 'a look')
        return { objects: 1 }
      },
      onEvent(event) {
        if (event.type !== 'paused') return
        pauses.push([event.reason, done])
        void queue.resume(RUN.id)
      },
    })
    expect((await start()).totals).toEqual({ objects: 6 })
    expect(pauses).toEqual([['a look', 2]])
    expect(done).toBe(6)
  })

  test('ends the worker that asks for it', async () => {
    const { queue, start } = await workerBench({
      whenPaused: 'return',
      async doShard() {
        await queue.pause(RUN.id, 'a look')
        return { objects: 1 }
      },
    })
    expect(await start()).toMatchObject({ state: 'paused', reason: 'a look', totals: { objects: 1 } })
  })
})

describe('the circuit breaker', () => {
  test('pauses the run, and its shards are done again after the pause', async () => {
    let denied = true
    const reasons: unknown[] = []
    const { queue, start } = await workerBench({
      breaker: { failures: 3, window: 5 },
      parallel: 2,
      async doShard(_shard, { signal, record }) {
        for (let object = 0; object < 4 && denied; object++) {
          record('ERR_CSE_ACCESS_DENIED')
          signal.throwIfAborted()
        }
        return { objects: 1 }
      },
      onEvent(event) {
        if (event.type !== 'paused') return
        reasons.push(event.reason)
        denied = false
        void queue.resume(RUN.id)
      },
    })
    expect(await start()).toMatchObject({ shards: { completed: 6, failed: 0 }, totals: { objects: 6 } })
    expect(reasons).toEqual(['3 of the last 3 objects failed: ERR_CSE_ACCESS_DENIED.'])
  })

  test('pauses a run whose shards all fail, before they count as failed', async () => {
    const { start } = await workerBench({
      whenPaused: 'return',
      breaker: { failures: 2, window: 2 },
      doShard: () => Promise.reject(new CseError('ERR_CSE_FILE', 'The disk is full.')),
    })
    expect(await start()).toMatchObject({ state: 'paused', shards: { taken: 0, completed: 0, failed: 0 } })
  })

  test('takes no other shard before the pause is stored', async () => {
    let begun = 0
    const { queue, start } = await workerBench({
      whenPaused: 'return',
      breaker: { failures: 1, window: 1 },
      async doShard(_shard, { record }) {
        begun += 1
        record('ERR_CSE_UNWRAP_FAILED')
        return { objects: 1 }
      },
    })
    let fails = 0
    queue.intercept = (name, moment) => {
      if (name === 'pause' && moment === 'before' && ++fails < 5) throw AWAY
    }
    const status = await start()
    expect(status).toMatchObject({ state: 'paused', totals: {}, shards: { taken: 0, completed: 0 } })
    expect(begun).toBe(1)
    expect(fails).toBe(5)
  })
})

describe('a failed planner', () => {
  test('ends the worker, which releases its shards', async () => {
    const failed = gate()
    const { catalog, queue, start } = await workerBench({
      async doShard(_shard, { signal }) {
        failed.open()
        return aborted(signal)
      },
    })
    const error = new Error('listing')
    catalog.intercept = async () => {
      if (catalog.requests.length < 3) return
      await failed.opened
      throw error
    }
    await expect(start()).rejects.toBe(error)
    expect((await queue.getRun(RUN.id)).shards).toMatchObject({ waiting: 2, taken: 0, failed: 0 })
  })
})

test.each<Partial<WorkerOptions>>([
  { parallel: 0 },
  { parallel: 1.5 },
  { checkEveryMs: 0 },
  { checkEveryMs: 2 ** 31 },
  { queueRetry: { minDelayMs: 2, maxDelayMs: 1 } },
  { breaker: { failures: 0 } },
])('%o is refused before any call', async (options) => {
  const { queue, start } = await workerBench({ doShard: async () => ({}) })
  const calls: string[] = []
  queue.intercept = (name) => void calls.push(name)
  await expect(start(options)).rejects.toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
  expect(calls).toEqual([])
})
