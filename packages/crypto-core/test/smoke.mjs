// Run on the built package under every Node.js of the matrix.
import assert from 'node:assert/strict'
import { CtrCipher, decodeEnvelope, encodeEnvelope, Keyring } from '@oss-cse/crypto-core'
import { aesCtr } from '@oss-cse/crypto-core/aes-ctr'
import {
  createTestProvider,
  MemoryTransport,
  providerContract,
  transportContract,
} from '@oss-cse/crypto-core/testing'

assert.equal(aesCtr.name, 'node')

// NIST SP 800-38A, F.5.5, first block.
const contentKey = {
  cek: Buffer.from('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4', 'hex'),
  iv: Buffer.from('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff', 'hex'),
}
const block = await new CtrCipher(contentKey).bytes(Buffer.from('6bc1bee22e409f96e93d7e117393172a', 'hex'))
assert.equal(Buffer.from(block).toString('hex'), '601ec313775789a5b7a7f504bbf3d228')

const keyring = new Keyring({ encrypting: createTestProvider() })
const made = await keyring.generate()
const read = await keyring.unwrap(decodeEnvelope(encodeEnvelope(made.envelope)))
assert.deepEqual(read.cek, made.contentKey.cek)

const rules = [
  ...providerContract({
    create: () => createTestProvider(),
    createOther: () => createTestProvider({ seed: 2 }),
  }),
  ...transportContract({ create: () => new MemoryTransport() }),
]
for (const rule of rules) await rule.run()
console.log(`crypto-core: ${rules.length} contract rules hold on ${process.version}`)
