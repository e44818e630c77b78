import fc from 'fast-check'
import { expect, test } from 'vitest'
import { auditShard } from '../src/objects/audit-shard.ts'
import { verifyShard } from '../src/objects/verify-shard.ts'
import { mergeReport } from '../src/report/merge-report.ts'
import { writePart } from '../src/report/write-part.ts'
import { runWorker } from '../src/run-worker.ts'
import { MemoryJobQueue } from '../src/testing/memory-job-queue.ts'
import { arbitraryBucket } from './arbitrary-objects.ts'
import { MemoryReportStore } from './memory-report-store.ts'
import { KINDS, mixedBucket, QUICK } from './mixed-bucket.ts'

test('the report of a run has each object once and adds up to the totals of the queue, also when shards are done again', async () => {
  await fc.assert(
    fc.asyncProperty(
      arbitraryBucket,
      fc.constantFrom('audited', 'verified'),
      fc.integer({ min: 1, max: 5 }),
      async ({ objects }, command, maxKeys) => {
        const { transport, bucket } = await mixedBucket(objects)
        const queue = new MemoryJobQueue()
        await queue.createRun({ id: 'run', command: 'audit', settings: {} })
        const store = new MemoryReportStore()
        const failed = new Set<number>()
        const options = { catalog: transport, transport, bucket, retry: QUICK }
        await runWorker({
          queue,
          runId: 'run',
          plan: { catalog: transport, maxKeys },
          parallel: 2,
          async doShard(shard, { signal, attempt, record }) {
            const rows =
              command === 'audited'
                ? auditShard(shard, { ...options, signal })
                : verifyShard(shard, { ...options, signal })
            const totals = await writePart(store, shard, rows, {
              attempt,
              signal,
              onRow: ({ code }) => record(code),
            })
            // As when the worker dies after it has written the part: the part of the next attempt counts.
            const first = !failed.has(shard.index)
            failed.add(shard.index)
            if (first) throw new Error('lost')
            return totals
          },
        })
        const { plan, totals } = await queue.getRun('run')
        const summary = await mergeReport(store, { shards: plan.shards, totals })
        // What vanished in the first attempt is not listed in the second one.
        const left = objects.filter(({ mishap }) => mishap !== 'vanishes')
        expect(summary).toMatchObject({ objects: left.length, problems: [] })
        const plain = left.filter(
          ({ kind, mishap }) => KINDS[kind][command] === 'plain' && mishap !== 'breaks',
        )
        expect(summary.outcomes['plain']?.objects ?? 0).toBe(plain.length)
      },
    ),
    { numRuns: 30 },
  )
})
