import { describe, test } from 'vitest'
import { MemoryTransport } from './memory-transport.ts'
import { transportContract } from './transport-contract.ts'

describe('the transport contract', () => {
  let transport: MemoryTransport
  const rules = transportContract({
    create() {
      transport = new MemoryTransport()
      return transport
    },
    signUrl: (key) => new URL(`https://bucket.example/${encodeURIComponent(key)}?Signature=s3cret`),
    setVersioning(versioning) {
      transport.versioning = versioning
    },
    objectSettings: true,
    link: (key, targetKey) => void transport.links.set(key, targetKey),
  })
  for (const rule of rules) test(rule.name, rule.run)
})
