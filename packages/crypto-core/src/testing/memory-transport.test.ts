import { describe, test } from 'vitest'
import { MemoryTransport } from './memory-transport.ts'
import { transportContract } from './transport-contract.ts'

describe('the transport contract', () => {
  for (const rule of transportContract({ create: () => new MemoryTransport() })) test(rule.name, rule.run)
})
