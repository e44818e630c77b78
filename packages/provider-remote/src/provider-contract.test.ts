import { createTestProvider, providerContract } from '@oss-cse/crypto-core/testing'
import { beforeAll, describe, test } from 'vitest'
import { connectSites, KeySite } from '../test/support/key-site.ts'

const ours = new KeySite(createTestProvider({ seed: 1 }))
const other = new KeySite(createTestProvider({ seed: 2 }))

beforeAll(connectSites)

describe('the provider contract, with a key that encrypts on the server', () => {
  const rules = providerContract({
    create: () => ours.provider(),
    createOther: () => other.provider(),
    createUnavailable: () => ours.provider({ url: 'https://nobody.example/' }),
    withoutWrap: true,
    secrets: ['s3cret'],
  })
  for (const rule of rules) test(rule.name, rule.run)
})
