import { type ReportOutcome, type ReportRow, type ReportStore, type Shard, writePart } from '@oss-cse/fleet'
import { MemoryJobQueue } from '@oss-cse/fleet/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addRetryPlan, retryPlan } from './retry-plan.ts'

/** A report in memory. */
function memoryStore(): ReportStore & { readonly parts: Map<string, string[]> } {
  const parts = new Map<string, string[]>()
  return {
    parts,
    async writePart(name, lines) {
      const list: string[] = []
      for await (const line of lines) list.push(line)
      parts.set(name, list)
    },
    async *partNames() {
      yield* [...parts.keys()].sort()
    },
    async *readPart(name) {
      yield* parts.get(name) ?? []
    },
    writeResult: () => Promise.reject(new Error('not used')),
  }
}

const FAILED: ReadonlySet<ReportOutcome> = new Set(['failed'])

const row = (key: string, failed: boolean): ReportRow => ({
  key,
  outcome: failed ? 'failed' : 'plain',
  sizeBytes: 1,
  lastModified: '2026-11-30T00:00:00.000Z',
  ...(failed && { code: 'ERR_CSE_SERVICE' }),
})

async function* rows(list: readonly ReportRow[]): AsyncGenerator<ReportRow> {
  yield* list
}

/** Each number is a key; whether it failed. `undefined` is the end of a shard, whose part may be missing. */
const report = fc.array(
  fc.record({ failed: fc.array(fc.boolean(), { maxLength: 5 }), isMissing: fc.boolean() }),
  { minLength: 1, maxLength: 6 },
)

const isIn = ({ after, until }: Shard, key: string): boolean =>
  (after === undefined || key > after) && (until === undefined || key <= until)

test('the chosen shards cover each failed object and each missing part, and the plan is one without gaps', async () => {
  await fc.assert(
    fc.asyncProperty(report, async (parts) => {
      const store = memoryStore()
      const wanted: string[] = []
      const unwanted: string[] = []
      let after: string | undefined
      let serial = 0
      for (const [index, { failed, isMissing }] of parts.entries()) {
        const list = failed.map((hasFailed) => ({ key: String(serial++).padStart(4, '0'), hasFailed }))
        const until = index === parts.length - 1 ? undefined : String(serial++).padStart(4, '0')
        if (!isMissing)
          await writePart(
            store,
            { index, after, until },
            rows(list.map((one) => row(one.key, one.hasFailed))),
          )
        const failures = list.map((one) => one.hasFailed)
        for (const [at, one] of list.entries()) {
          if (isMissing || one.hasFailed) wanted.push(one.key)
          // Outside of the failures of its part.
          else if (at < failures.indexOf(true) || at > failures.lastIndexOf(true)) unwanted.push(one.key)
        }
        after = until
      }
      const planned = await retryPlan('run', store, parts.length, FAILED).catch((error: Error) => error)
      if (planned instanceof Error) {
        expect([planned.message, wanted]).toEqual(['Nothing failed in the run run.', []])
        return
      }
      const chosen = planned.shards.filter(({ index }) => planned.chosen.includes(index))
      for (const key of wanted) expect(chosen.filter((shard) => isIn(shard, key))).toHaveLength(1)
      // A missing part takes one object of the next one.
      const missing = parts.filter(({ isMissing }) => isMissing).length
      expect(unwanted.filter((key) => chosen.some((shard) => isIn(shard, key))).length).toBeLessThanOrEqual(
        missing,
      )
      const queue = new MemoryJobQueue()
      await queue.createRun({ id: 'new', command: 'audit', settings: {} })
      await addRetryPlan(queue, 'new', planned)
      expect((await queue.getRun('new')).plan.complete).toBe(true)
    }),
  )
})

test('the caller says which outcomes are failures', async () => {
  const store = memoryStore()
  await writePart(store, { index: 0 }, rows([row('a', true), row('b', false), row('c', true)]))
  const { failedObjects, shards, chosen } = await retryPlan('run', store, 1, new Set(['plain']))
  expect(failedObjects).toBe(1)
  expect(chosen.map((index) => shards[index])).toEqual([{ index: 1, after: 'a', until: 'b' }])
})

test('a report with redacted keys cannot be retried', async () => {
  const store = memoryStore()
  await writePart(store, { index: 0 }, rows([row('a', true)]), { redactKeys: new Uint8Array(32).fill(1) })
  await expect(retryPlan('run', store, 1, FAILED)).rejects.toThrow('--redact-keys')
})
