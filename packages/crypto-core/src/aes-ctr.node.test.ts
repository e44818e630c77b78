import { aesCtr } from '@oss-cse/crypto-core/aes-ctr'
import { expect, test } from 'vitest'
import { aesCtr as node } from './aes-ctr.node.ts'

test('Node.js uses the engine of node:crypto', () => {
  expect(aesCtr.name).toBe('node')
})

test('the engine of node:crypto returns plain Uint8Arrays, not Buffers', () => {
  const chunk = node.start(new Uint8Array(32), new Uint8Array(16)).update(new Uint8Array(5))
  expect(Object.getPrototypeOf(chunk)).toBe(Uint8Array.prototype)
})
