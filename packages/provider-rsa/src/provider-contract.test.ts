import { providerContract } from '@oss-cse/crypto-core/testing'
import { describe, test } from 'vitest'
import { keyDirectory } from '../test/support/key-directory.ts'
import { generateRsaKeyPair, type RsaKeyPair } from './generate-key-pair.ts'
import { LocalRsaProvider } from './local-rsa-provider.ts'
import { RsaProvider } from './rsa-provider.ts'
import type { RsaUnwrapOptions } from './rsa-unwrapper.ts'

const [ours, other] = await Promise.all([
  generateRsaKeyPair({ bits: 2048 }),
  generateRsaKeyPair({ bits: 2048 }),
])

const pemFiles = ({ privateKey, publicKey }: RsaKeyPair) => ({
  privateKeyPem: privateKey,
  publicKeyPem: publicKey,
})

const unwrapCache = { maxEntries: 100, ttlMs: 60_000 }
const modes: readonly (readonly [string, RsaUnwrapOptions])[] = [
  ['by default', {}],
  ['with a cache', { unwrapCache }],
  ['in a worker', { unwrapInWorker: true }],
  ['in a worker, with a cache', { unwrapInWorker: true, unwrapCache }],
]

describe.each(modes)('the provider contract, %s', (_mode, options) => {
  const rules = providerContract({
    create: () =>
      new RsaProvider({ privateKey: ours.privateKey, materialDescription: { key: 'ours' }, ...options }),
    createOther: () => new RsaProvider({ privateKey: other.privateKey, ...options }),
    createEncryptOnly: () => new RsaProvider({ publicKey: ours.publicKey }),
    randomized: true,
  })
  for (const rule of rules) test(rule.name, rule.run)

  describe.each(['v1', 'v2'] as const)('with key files and the format %s', (format) => {
    const rules = providerContract({
      create: () => new LocalRsaProvider({ directory: keyDirectory(pemFiles(ours)), format, ...options }),
      createOther: () =>
        new LocalRsaProvider({ directory: keyDirectory(pemFiles(other)), format, ...options }),
      withoutWrap: format === 'v1',
      randomized: true,
    })
    for (const rule of rules) test(rule.name, rule.run)
  })
})
