import { providerContract } from '@oss-cse/crypto-core/testing'
import { describe, test } from 'vitest'
import { generateRsaKeyPair } from './generate-key-pair.ts'
import { RsaProvider } from './rsa-provider.ts'

const [ours, other] = await Promise.all([
  generateRsaKeyPair({ bits: 2048 }),
  generateRsaKeyPair({ bits: 2048 }),
])

describe('the provider contract', () => {
  const rules = providerContract({
    create: () => new RsaProvider({ privateKey: ours.privateKeyPem, materialDescription: { key: 'ours' } }),
    createOther: () => new RsaProvider({ privateKey: other.privateKeyPem }),
    createEncryptOnly: () => new RsaProvider({ publicKey: ours.publicKeyPem }),
  })
  for (const rule of rules) test(rule.name, rule.run)
})
