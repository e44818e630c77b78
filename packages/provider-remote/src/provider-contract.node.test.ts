import { providerContract } from '@oss-cse/crypto-core/testing'
import { generateRsaKeyPair, RsaProvider } from '@oss-cse/provider-rsa'
import { beforeAll, describe, expect, test } from 'vitest'
import { connectSites, KeySite } from '../test/support/key-site.ts'

const [ours, other] = await Promise.all([
  generateRsaKeyPair({ bits: 2048 }),
  generateRsaKeyPair({ bits: 2048 }),
])
const ourSite = new KeySite(new RsaProvider(ours))
const otherSite = new KeySite(new RsaProvider(other))

beforeAll(connectSites)

describe('the provider contract, with an RSA public key in the page', () => {
  const { publicKey } = ours
  const rules = providerContract({
    create: () => ourSite.provider({ publicKey }),
    createOther: () => otherSite.provider({ publicKey: other.publicKey }),
    createEncryptOnly: () => ourSite.provider({ publicKey, url: undefined }),
    randomized: true,
  })
  for (const rule of rules) test(rule.name, rule.run)
})

test('page and server state the same identity of an RSA key', () => {
  const { publicKey } = ours
  expect(ourSite.provider({ publicKey }).keyIdentity).toBe(new RsaProvider(ours).keyIdentity)
  expect(ourSite.provider({ publicKey }).keyIdentity).toBe(new RsaProvider({ publicKey }).keyIdentity)
})

test('what the page wrapped, the key pair unwraps by itself', async () => {
  const callsBefore = ourSite.calls.length
  const provider = ourSite.provider({ publicKey: ours.publicKey })
  const iv = crypto.getRandomValues(new Uint8Array(16))
  const { cek, wrappedCek, wrappedIv } = await provider.generateContentKey(iv)
  const envelope = {
    version: 2,
    cekAlgorithm: 'AES/CTR/NoPadding',
    wrapAlgorithm: provider.wrapAlgorithm,
    materialDescription: {},
    wrappedCek,
    wrappedIv,
  } as const
  expect(await new RsaProvider(ours).unwrap(envelope)).toEqual({ cek, iv })
  expect(ourSite.calls).toHaveLength(callsBefore)
})
