export {
  INVENTORY_MANIFEST,
  type InventoryContent,
  type InventoryEntry,
  inventoryFiles,
} from './inventory-files.ts'
export { type JobQueueContractOptions, jobQueueContract } from './job-queue-contract.ts'
export { MemoryJobQueue, type MemoryJobQueueOptions } from './memory-job-queue.ts'
