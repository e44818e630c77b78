import { providerContract } from '@oss-cse/crypto-core/testing'
import { describe, test } from 'vitest'
import { generateWebAesKey } from './aes-keys.ts'
import { createWebAesProvider } from './aes-provider.ts'
import { generateWebRsaKeyPair } from './rsa-keys.ts'
import { createWebRsaProvider } from './rsa-provider.ts'

const materialDescription = { key: 'ours' }

describe('the provider contract, with an AES key', async () => {
  const [ours, other] = await Promise.all([generateWebAesKey(), generateWebAesKey()])
  const rules = providerContract({
    create: () => createWebAesProvider(ours, { materialDescription }),
    createOther: () => createWebAesProvider(other),
    randomized: true,
  })
  for (const rule of rules) test(rule.name, rule.run)
})

describe('the provider contract, with an RSA key pair', async () => {
  const bits = 2048
  const [ours, other] = await Promise.all([generateWebRsaKeyPair({ bits }), generateWebRsaKeyPair({ bits })])
  const rules = providerContract({
    create: () => createWebRsaProvider(ours, { materialDescription }),
    createOther: () => createWebRsaProvider(other),
    randomized: true,
  })
  for (const rule of rules) test(rule.name, rule.run)
})
