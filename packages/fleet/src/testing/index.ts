export { type JobQueueContractOptions, jobQueueContract } from './job-queue-contract.ts'
export { MemoryJobQueue, type MemoryJobQueueOptions } from './memory-job-queue.ts'
