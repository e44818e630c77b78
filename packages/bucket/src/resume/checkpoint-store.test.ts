import { checkpointStoreContract } from '../../test/checkpoint-store-contract.ts'
import { MemoryCheckpointStore } from './checkpoint-store.ts'

checkpointStoreContract(() => {
  const store = new MemoryCheckpointStore()
  return { store, other: store }
})
