import { type ContractCase, expectCode, expectThat, rejection } from '@oss-cse/crypto-core/testing'
import type { JobQueue, NewRun, TakenShard } from '../job-queue.ts'
import { isOver } from '../run-rules.ts'
import type { Shard } from '../shard.ts'

/** Options of the contract of job queues. */
export interface JobQueueContractOptions {
  /** Opens a queue, as another process does. All of them work on the same store. The suite closes it. */
  connect(): JobQueue | Promise<JobQueue>
  /**
   * Ends the lease of a taken shard at once, as if the process of its worker had been stopped for too long: the next `take`
   * of any queue may return the shard.
   */
  expireLease(runId: string, shardIndex: number): void | Promise<void>
  /** After this many failures, the queues of `connect` count a shard as failed. At least 2. */
  readonly maxFailures: number
}

/** What a rule works with: two queues on one store, and a new run. */
interface Bench {
  readonly queue: JobQueue
  readonly other: JobQueue
  readonly run: NewRun
  readonly runId: string
}

/**
 * Returns the rules for every job queue. They do not depend on a test runner. Each rule has its own run, so that all of
 * them can use one store.
 *
 * @example
 * ```ts
 * const store = new MemoryJobQueue({ maxFailures: 3 })
 * const rules = jobQueueContract({
 *   connect: () => store.connect(),
 *   expireLease: (runId, index) => store.expireLease(runId, index),
 *   maxFailures: 3,
 * })
 * for (const rule of rules) test(rule.name, rule.run)
 * ```
 */
export function jobQueueContract(options: JobQueueContractOptions): readonly ContractCase[] {
  const rule = (name: string, check: (bench: Bench) => Promise<void>): ContractCase => ({
    name,
    async run() {
      const [queue, other] = [await options.connect(), await options.connect()]
      try {
        const runId = crypto.randomUUID()
        const run: NewRun = { id: runId, command: 'audit', settings: { bucket: 'b', deep: { a: 1, b: [2] } } }
        await queue.createRun(run)
        await check({ queue, other, run, runId })
      } finally {
        await Promise.all([queue.close(), other.close()])
      }
    },
  })
  return [...runRules(rule), ...planRules(rule), ...takeRules(rule, options), ...stateRules(rule, options)]
}

type Rule = (name: string, check: (bench: Bench) => Promise<void>) => ContractCase

function runRules(rule: Rule): readonly ContractCase[] {
  return [
    rule('a new run is active and has no shard', async ({ other, run, runId }) => {
      const status = await other.getRun(runId)
      expectThat(status.id === runId && status.command === run.command, 'the id and the command')
      expectThat(
        JSON.stringify(sorted(status.settings)) === JSON.stringify(sorted(run.settings)),
        'the settings',
      )
      expectThat(status.state === 'active' && status.reason === undefined, 'the state')
      expectThat(status.created instanceof Date && !Number.isNaN(status.created.getTime()), 'the date')
      const { shards, cursor, listedKeys, complete } = status.plan
      expectThat(shards === 0 && listedKeys === 0 && cursor === undefined && !complete, 'the plan')
      await expectShards(other, runId, {})
      expectThat(Object.keys(status.totals).length === 0, 'the totals')
    }),
    rule('the same run may be created again, also at once', async ({ queue, other, run, runId }) => {
      const reordered = { ...run, settings: { deep: { b: [2], a: 1 }, bucket: 'b' } }
      await addAll(queue, runId, 1)
      await Promise.all([queue.createRun(run), other.createRun(reordered), other.createRun(run)])
      await expectShards(queue, runId, { waiting: 1 })
      const second = { ...run, id: crypto.randomUUID() }
      await Promise.all([queue.createRun(second), other.createRun(second)])
      await expectShards(queue, second.id, {})
    }),
    rule('another run with the same id is refused', async ({ queue, other, run }) => {
      for (const changed of [
        { ...run, command: 'verify' as const },
        { ...run, settings: { ...run.settings, bucket: 'c' } },
        { ...run, settings: { bucket: 'b' } },
        { ...run, settings: { ...run.settings, deep: { a: 1, b: [2, 3] } } },
      ]) {
        await expectCode(other.createRun(changed), 'ERR_CSE_INVALID_ARGUMENT', JSON.stringify(changed))
      }
      await queue.createRun(run)
    }),
    rule('an invalid id is refused', async ({ queue, run }) => {
      for (const id of ['', 'a b', 'a/b', 'ä', '..', 'a\n', "a'", 'x'.repeat(65)]) {
        await expectCode(queue.createRun({ ...run, id }), 'ERR_CSE_INVALID_ARGUMENT', JSON.stringify(id))
      }
      const longest = `${crypto.randomUUID()}_-AZaz09`.padEnd(64, 'x')
      await queue.createRun({ ...run, id: longest })
      expectThat((await queue.getRun(longest)).id === longest, 'an id of 64 characters')
    }),
    rule('an unknown run is refused', async ({ queue }) => {
      const id = crypto.randomUUID()
      for (const [what, call] of Object.entries({
        getRun: () => queue.getRun(id),
        addShards: () => queue.addShards(id, { expectedShards: 0, shards: [{ index: 0 }], listedKeys: 0 }),
        take: () => queue.take(id),
        wait: () => queue.wait(id),
        pause: () => queue.pause(id),
        resume: () => queue.resume(id),
        cancel: () => queue.cancel(id),
        retryFailed: () => queue.retryFailed(id),
      })) {
        await expectCode(call(), 'ERR_CSE_INVALID_ARGUMENT', what)
      }
    }),
    rule('runs are listed, the newest first', async ({ queue, other, run, runId }) => {
      const ids = [runId]
      for (let i = 0; i < 2; i++) {
        const id = crypto.randomUUID()
        await queue.createRun({ ...run, id })
        ids.unshift(id)
      }
      await addAll(queue, runId, 2)
      const runs = await other.listRuns()
      const listed = runs.map(({ id }) => id).filter((id) => ids.includes(id))
      expectThat(listed.join() === ids.join(), 'the order of the runs')
      expectThat(runs.find(({ id }) => id === runId)?.shards.waiting === 2, 'the status of a listed run')
    }),
    rule('runs do not share shards', async ({ queue, other, run, runId }) => {
      const second = { ...run, id: crypto.randomUUID() }
      await queue.createRun(second)
      await addAll(queue, runId, 1)
      expectThat((await other.take(second.id)) === undefined, 'the other run has no shard')
      await (await taken(other, runId)).complete({ objects: 1 })
      await expectShards(queue, second.id, {})
    }),
  ]
}

function planRules(rule: Rule): readonly ContractCase[] {
  return [
    rule('steps move the cursor and add to the counts', async ({ queue, other, runId }) => {
      const shards = chain(4)
      expectThat(
        await queue.addShards(runId, { expectedShards: 0, shards: shards.slice(0, 1), listedKeys: 7 }),
        'the first step',
      )
      let { plan } = await other.getRun(runId)
      expectThat(plan.shards === 1 && plan.listedKeys === 7 && !plan.complete, 'the plan after a step')
      expectThat(plan.cursor === shards[0]?.until, 'the cursor after a step')
      expectThat(
        await other.addShards(runId, { expectedShards: 1, shards: shards.slice(1), listedKeys: 5 }),
        'the last step',
      )
      plan = (await queue.getRun(runId)).plan
      expectThat(plan.shards === 4 && plan.listedKeys === 12 && plan.complete, 'the complete plan')
      await expectShards(queue, runId, { waiting: 4 })
    }),
    rule('of planners that add the same step, one succeeds', async ({ queue, other, runId }) => {
      const shards = chain(6)
      for (const [expectedShards, shard] of shards.entries()) {
        const added = await Promise.all(
          [queue, other, queue, other].map((planner) =>
            planner.addShards(runId, { expectedShards, shards: [shard], listedKeys: 3 }),
          ),
        )
        expectThat(added.filter(Boolean).length === 1, 'one planner adds the step')
      }
      const { plan } = await queue.getRun(runId)
      expectThat(plan.shards === 6 && plan.listedKeys === 18, 'each step counts once')
      await expectShards(queue, runId, { waiting: 6 })
    }),
    rule('a step for another number of shards changes nothing', async ({ queue, runId }) => {
      const shards = chain(3)
      const step = { expectedShards: 1, shards: shards.slice(1), listedKeys: 2 }
      expectThat(!(await queue.addShards(runId, step)), 'a step that is ahead')
      await queue.addShards(runId, { expectedShards: 0, shards: shards.slice(0, 1), listedKeys: 1 })
      expectThat(
        !(await queue.addShards(runId, { expectedShards: 0, shards, listedKeys: 3 })),
        'a step that is behind',
      )
      await queue.addShards(runId, step)
      expectThat(
        !(await queue.addShards(runId, { ...step, expectedShards: 3, shards: [{ index: 3 }] })),
        'a step after the last one',
      )
      await expectShards(queue, runId, { waiting: 3 })
      expectThat((await queue.getRun(runId)).plan.listedKeys === 3, 'the number of keys')
    }),
    rule('shards that leave a gap or overlap are refused', async ({ queue, runId }) => {
      await queue.addShards(runId, { expectedShards: 0, shards: [{ index: 0, until: 'm' }], listedKeys: 1 })
      const refused: readonly (readonly Shard[])[] = [
        [],
        [{ index: 2, after: 'm' }],
        [{ index: 1 }],
        [{ index: 1, after: 'n' }],
        [{ index: 1, after: 'a', until: 'z' }],
        [{ index: 1, after: 'm', until: 'm' }],
        [{ index: 1, after: 'm', until: 'a' }],
        [{ index: 1, after: 'm' }, { index: 2 }],
        [
          { index: 1, after: 'm', until: 'p' },
          { index: 2, after: 'q' },
        ],
      ]
      for (const shards of refused) {
        await expectCode(
          queue.addShards(runId, { expectedShards: 1, shards, listedKeys: 1 }),
          'ERR_CSE_INVALID_ARGUMENT',
          JSON.stringify(shards),
        )
      }
      expectThat((await queue.getRun(runId)).plan.cursor === 'm', 'the plan is unchanged')
    }),
    rule('keys are kept as they are, in byte order', async ({ queue, runId }) => {
      const shards = chainOf(["'; --", 'ä/\u0000\n\t"\\', 'ｚ', '\u{1f600}'])
      await queue.addShards(runId, { expectedShards: 0, shards, listedKeys: 4 })
      for (const shard of shards) {
        expectThat(
          JSON.stringify(sorted((await taken(queue, runId)).shard)) === JSON.stringify(sorted(shard)),
          JSON.stringify(shard),
        )
      }
    }),
  ]
}

function takeRules(
  rule: Rule,
  { expireLease, maxFailures }: JobQueueContractOptions,
): readonly ContractCase[] {
  return [
    rule('each shard is taken once, however many workers ask at once', async ({ queue, other, runId }) => {
      await addAll(queue, runId, 20)
      const all = await Promise.all(
        Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? queue : other).take(runId)),
      )
      const held = all.filter((one) => one !== undefined)
      const more = await drain(other, runId)
      const indexes = [...held, ...more].map(({ shard }) => shard.index).sort((a, b) => a - b)
      expectThat(indexes.join() === Array.from({ length: 20 }, (_, i) => i).join(), 'each shard once')
      expectThat(
        held.every(({ attempt }) => attempt === 1),
        'it is the first attempt',
      )
      expectThat(!held.some(({ leaseLost }) => leaseLost.aborted), 'no lease is lost')
      await expectShards(other, runId, { taken: 20 })
    }),
    rule('shards of an earlier step are taken first', async ({ queue, runId }) => {
      const shards = chain(10)
      for (let at = 0; at < shards.length; at += 2) {
        await queue.addShards(runId, { expectedShards: at, shards: shards.slice(at, at + 2), listedKeys: 2 })
      }
      const steps = (await drain(queue, runId)).map(({ shard }) => Math.floor(shard.index / 2))
      expectThat(steps.join() === '0,0,1,1,2,2,3,3,4,4', `the order of the steps: ${steps}`)
    }),
    rule('the totals of each completed shard are added once', async ({ queue, other, runId }) => {
      await addAll(queue, runId, 5)
      const held = [...(await drain(queue, runId))]
      await Promise.all(held.map((one, i) => one.complete({ objects: i, bytes: 10, [`only-${i}`]: 1 })))
      // As after a response that was lost.
      await held[3]?.complete({ objects: 3, bytes: 10, 'only-3': 1 })
      const { totals, shards } = await other.getRun(runId)
      expectThat(shards.completed === 5 && shards.taken === 0, 'the counts')
      expectThat(totals['objects'] === 10 && totals['bytes'] === 50, 'the sums')
      expectThat(totals['only-3'] === 1, 'a total of one shard')
      expectThat((await other.take(runId)) === undefined, 'nothing is left')
      expectThat(isOver(await other.getRun(runId)), 'the run is over')
    }),
    rule('totals that are no counts are refused, and the shard stays taken', async ({ queue, runId }) => {
      await addAll(queue, runId, 1)
      const held = await taken(queue, runId)
      for (const objects of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        await expectCode(held.complete({ objects }), 'ERR_CSE_INVALID_ARGUMENT', `objects ${objects}`)
      }
      await held.complete({ objects: 0 })
      await expectShards(queue, runId, { completed: 1 })
    }),
    rule(
      'a shard whose lease ended is taken by another worker, and counts once',
      async ({ queue, other, runId }) => {
        await addAll(queue, runId, 1)
        const lost = await taken(queue, runId)
        await expireLease(runId, 0)
        const again = await taken(other, runId)
        expectThat(again.shard.index === 0 && again.attempt === 2, 'the second attempt')
        await expectCode(lost.complete({ objects: 100 }), 'ERR_CSE_LEASE_LOST', 'while another has it')
        await again.complete({ objects: 1 })
        await expectCode(lost.complete({ objects: 100 }), 'ERR_CSE_LEASE_LOST', 'after another completed it')
        await again.complete({ objects: 1 })
        const { totals } = await queue.getRun(runId)
        expectThat(totals['objects'] === 1, 'the totals of the lost attempt do not count')
        await expectShards(queue, runId, { completed: 1 })
      },
    ),
    rule(
      'a worker that lost its lease cannot return the shard of another',
      async ({ queue, other, runId }) => {
        await addAll(queue, runId, 1)
        const lost = await taken(queue, runId)
        await expireLease(runId, 0)
        const again = await taken(other, runId)
        await lost.release()
        await lost.fail(new Error('late'))
        await expectShards(queue, runId, { taken: 1 })
        await again.complete({})
        await lost.release()
        await lost.fail(new Error('later'))
        await expectShards(queue, runId, { completed: 1 })
      },
    ),
    rule('a released shard is back at once, and has not failed', async ({ queue, other, runId }) => {
      await addAll(queue, runId, 1)
      for (let attempt = 1; attempt <= maxFailures + 2; attempt++) {
        const held = await taken(attempt % 2 === 0 ? queue : other, runId)
        expectThat(held.attempt === attempt, `attempt ${held.attempt}, expected ${attempt}`)
        await held.release()
        await held.release()
        await expectCode(held.complete({}), 'ERR_CSE_LEASE_LOST', 'complete after release')
        await expectShards(queue, runId, { waiting: 1 })
      }
    }),
    rule(
      'a shard that fails too often is left aside until it is retried',
      async ({ queue, other, runId }) => {
        await addAll(queue, runId, 2)
        const whole = await taken(queue, runId)
        for (let failures = 1; failures <= maxFailures; failures++) {
          const held = await taken(other, runId)
          expectThat(held.attempt === failures, `attempt ${held.attempt}, expected ${failures}`)
          await held.fail(new Error('broken'))
          await held.fail(new Error('the same failure'))
        }
        await expectShards(queue, runId, { taken: 1, failed: 1 })
        expectThat((await queue.take(runId)) === undefined, 'the failed shard is not taken')
        await whole.complete({})
        expectThat(isOver(await queue.getRun(runId)), 'the run is over')
        expectThat((await queue.retryFailed(runId)) === 1, 'the number of retried shards')
        await expectShards(queue, runId, { waiting: 1, completed: 1 })
        const held = await taken(other, runId)
        expectThat(held.attempt === maxFailures + 1, 'the attempts are counted on')
        await held.fail(new Error('again'))
        await expectShards(queue, runId, { waiting: 1, completed: 1 })
        await (await taken(queue, runId)).complete({ objects: 1 })
        expectThat((await queue.retryFailed(runId)) === 0, 'nothing is left to retry')
        await expectShards(queue, runId, { completed: 2 })
      },
    ),
    rule('a lease that ended counts as a failure', async ({ queue, runId }) => {
      await addAll(queue, runId, 1)
      for (let failures = 1; failures <= maxFailures; failures++) {
        await taken(queue, runId)
        await expireLease(runId, 0)
      }
      expectThat((await queue.take(runId)) === undefined, 'the failed shard is not taken')
      await expectShards(queue, runId, { failed: 1 })
    }),
    rule('close returns the shards that were taken through it', async ({ queue, other, runId }) => {
      await addAll(queue, runId, 3)
      const kept = await taken(other, runId)
      const held = [await taken(queue, runId), await taken(queue, runId)]
      await held[0]?.complete({})
      await queue.close()
      await queue.close()
      await expectShards(other, runId, { waiting: 1, taken: 1, completed: 1 })
      expectThat((await taken(other, runId)).attempt === 2, 'the shard is taken again')
      await kept.complete({})
    }),
    rule('a closed queue refuses calls', async ({ queue, runId }) => {
      await queue.close()
      await expectCode(queue.take(runId), 'ERR_CSE_QUEUE', 'take')
      await expectCode(queue.getRun(runId), 'ERR_CSE_QUEUE', 'getRun')
    }),
  ]
}

function stateRules(rule: Rule, { expireLease }: JobQueueContractOptions): readonly ContractCase[] {
  return [
    rule(
      'nothing of a paused run is taken, and taken shards are completed',
      async ({ queue, other, runId }) => {
        await addAll(queue, runId, 3)
        const [completed, released] = [await taken(queue, runId), await taken(queue, runId)]
        await other.pause(runId, 'The key is disabled.')
        await queue.pause(runId, 'another reason')
        expectThat((await queue.take(runId)) === undefined, 'take in a pause')
        await completed.complete({ objects: 1 })
        await released.release()
        expectThat((await other.take(runId)) === undefined, 'take of a released shard in a pause')
        const status = await other.getRun(runId)
        expectThat(status.state === 'paused', 'the state')
        expectThat(status.reason === 'The key is disabled.', 'the first reason stays')
        await expectShards(other, runId, { waiting: 2, completed: 1 })
        await queue.resume(runId)
        await other.resume(runId)
        const resumed = await other.getRun(runId)
        expectThat(resumed.state === 'active' && resumed.reason === undefined, 'the state after resume')
        await taken(other, runId)
      },
    ),
    rule('a paused run is planned', async ({ queue, runId }) => {
      await queue.pause(runId)
      await addAll(queue, runId, 2)
      await expectShards(queue, runId, { waiting: 2 })
      expectThat((await queue.take(runId)) === undefined, 'take in a pause')
    }),
    rule('a cancelled run stays cancelled', async ({ queue, other, runId }) => {
      const shards = chain(3)
      await queue.addShards(runId, { expectedShards: 0, shards: shards.slice(0, 2), listedKeys: 2 })
      const held = await taken(queue, runId)
      await other.cancel(runId)
      await other.cancel(runId)
      expectThat((await queue.take(runId)) === undefined, 'take of a cancelled run')
      await queue.pause(runId, 'late')
      await expectCode(queue.resume(runId), 'ERR_CSE_INVALID_ARGUMENT', 'resume')
      expectThat(
        !(await queue.addShards(runId, { expectedShards: 2, shards: shards.slice(2), listedKeys: 1 })),
        'no shard is added',
      )
      await held.complete({ objects: 4 })
      const status = await queue.getRun(runId)
      expectThat(status.state === 'cancelled' && status.reason === undefined, 'the state')
      expectThat(status.totals['objects'] === 4, 'the totals of a shard that was taken before')
      expectThat(isOver(status), 'the run is over')
      await expectShards(queue, runId, { waiting: 1, completed: 1 })
    }),
    ...Object.entries<(bench: Bench) => Promise<unknown>>({
      'a shard is added': ({ other, runId }) => addAll(other, runId, 1),
      'the run is paused': ({ other, runId }) => other.pause(runId),
      'the run is cancelled': ({ other, runId }) => other.cancel(runId),
    }).map(([what, change]) =>
      rule(`wait ends when ${what}`, async (bench) => {
        const waiting = bench.queue.wait(bench.runId)
        await Promise.all([waiting, change(bench)])
      }),
    ),
    ...Object.entries<(held: TakenShard, bench: Bench) => Promise<unknown>>({
      'the last shard is completed': (held) => held.complete({}),
      'a shard is released': (held) => held.release(),
      'a shard failed': (held) => held.fail(new Error('broken')),
      'a lease ended': async (_held, { runId }) => expireLease(runId, 0),
    }).map(([what, change]) =>
      rule(`wait ends when ${what}`, async (bench) => {
        await addAll(bench.queue, bench.runId, 1)
        const held = await taken(bench.other, bench.runId)
        const waiting = bench.queue.wait(bench.runId)
        await Promise.all([waiting, change(held, bench)])
      }),
    ),
    rule('wait ends at once when there is a shard, or the run is over', async ({ queue, runId }) => {
      await addAll(queue, runId, 1)
      await queue.wait(runId)
      await (await taken(queue, runId)).complete({})
      await queue.wait(runId)
    }),
    rule('wait rejects with the reason of its signal', async ({ queue, runId }) => {
      const reason = new Error('enough')
      const aborted = queue.wait(runId, { signal: AbortSignal.abort(reason) })
      expectThat((await rejection(aborted, 'an aborted signal')) === reason, 'an aborted signal')
      const controller = new AbortController()
      const waiting = rejection(queue.wait(runId, { signal: controller.signal }), 'an abort while it waits')
      // A queue that polls may have returned early by now: the abort comes before its first poll.
      controller.abort(reason)
      expectThat((await waiting) === reason, 'an abort while it waits')
    }),
  ]
}

/** The shards of a complete plan whose keys count up. */
function chain(count: number): readonly Shard[] {
  return chainOf(Array.from({ length: count - 1 }, (_, i) => `key-${String(i).padStart(4, '0')}`))
}

/** The shards of a complete plan that end at these keys. */
function chainOf(ends: readonly string[]): readonly Shard[] {
  return [...ends, undefined].map((until, index) => ({
    index,
    ...(index > 0 && { after: ends[index - 1] }),
    ...(until !== undefined && { until }),
  }))
}

async function addAll(queue: JobQueue, runId: string, count: number): Promise<void> {
  const step = { expectedShards: 0, shards: chain(count), listedKeys: count }
  expectThat(await queue.addShards(runId, step), 'the shards are added')
}

async function taken(queue: JobQueue, runId: string): Promise<TakenShard> {
  const held = await queue.take(runId)
  expectThat(held !== undefined, 'a shard can be taken')
  return held
}

async function drain(queue: JobQueue, runId: string): Promise<readonly TakenShard[]> {
  const all: TakenShard[] = []
  for (;;) {
    const held = await queue.take(runId)
    if (held === undefined) return all
    all.push(held)
  }
}

async function expectShards(
  queue: JobQueue,
  runId: string,
  expected: Readonly<Partial<Record<'waiting' | 'taken' | 'completed' | 'failed', number>>>,
): Promise<void> {
  const { shards } = await queue.getRun(runId)
  for (const state of ['waiting', 'taken', 'completed', 'failed'] as const) {
    const wanted = expected[state] ?? 0
    expectThat(shards[state] === wanted, `${shards[state]} shards are ${state}, expected ${wanted}`)
  }
}

function sorted(value: object): object {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, part]) => part !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}
