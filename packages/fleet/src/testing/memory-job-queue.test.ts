import { describe, test } from 'vitest'
import { jobQueueContract } from './job-queue-contract.ts'
import { MemoryJobQueue } from './memory-job-queue.ts'

describe('the contract of job queues', () => {
  const store = new MemoryJobQueue({ maxFailures: 3 })
  const rules = jobQueueContract({
    connect: () => store.connect(),
    expireLease: (runId, shardIndex) => store.expireLease(runId, shardIndex),
    maxFailures: 3,
  })
  for (const rule of rules) test(rule.name, rule.run)
})
