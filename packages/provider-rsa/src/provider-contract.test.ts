import { providerContract } from '@oss-cse/crypto-core/testing'
import { describe, test } from 'vitest'
import { keyDirectory } from '../test/support/key-directory.ts'
import { generateRsaKeyPair, type RsaKeyPair } from './generate-key-pair.ts'
import { LocalRsaProvider } from './local-rsa-provider.ts'
import { RsaProvider } from './rsa-provider.ts'

const [ours, other] = await Promise.all([
  generateRsaKeyPair({ bits: 2048 }),
  generateRsaKeyPair({ bits: 2048 }),
])

const pemFiles = ({ privateKey, publicKey }: RsaKeyPair) => ({
  privateKeyPem: privateKey,
  publicKeyPem: publicKey,
})

describe('the provider contract', () => {
  const rules = providerContract({
    create: () => new RsaProvider({ privateKey: ours.privateKey, materialDescription: { key: 'ours' } }),
    createOther: () => new RsaProvider({ privateKey: other.privateKey }),
    createEncryptOnly: () => new RsaProvider({ publicKey: ours.publicKey }),
  })
  for (const rule of rules) test(rule.name, rule.run)
})

describe.each(['v1', 'v2'] as const)('the provider contract, with key files and the format %s', (format) => {
  const rules = providerContract({
    create: () => new LocalRsaProvider({ directory: keyDirectory(pemFiles(ours)), format }),
    createOther: () => new LocalRsaProvider({ directory: keyDirectory(pemFiles(other)), format }),
  })
  for (const rule of rules) test(rule.name, rule.run)
})
