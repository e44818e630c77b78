import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Envelope, MasterKeyProvider } from '@oss-cse/crypto-core'
import { generateIv } from '@oss-cse/crypto-core/internal'
import { providerContract } from '@oss-cse/crypto-core/testing'
import { generateRsaKeyPair, LocalRsaProvider, RsaProvider } from '@oss-cse/provider-rsa'
import { afterAll, describe, expect, test } from 'vitest'
import { importWebRsaKeyPair } from './rsa-keys.ts'
import { createWebRsaProvider } from './rsa-provider.ts'
import { createWebRsaPublicProvider } from './rsa-public-provider.ts'

const directory = mkdtempSync(join(tmpdir(), 'provider-web-'))
afterAll(() => rmSync(directory, { recursive: true }))

const [ours, other] = await Promise.all([
  generateRsaKeyPair({ bits: 2048 }),
  generateRsaKeyPair({ bits: 2048 }),
])
writeFileSync(join(directory, '.private_key.pem'), ours.privateKey)
writeFileSync(join(directory, '.public_key.pem'), ours.publicKey)

const local = new LocalRsaProvider({ directory })
const web = await createWebRsaProvider(await importWebRsaKeyPair(ours))

async function wrappedBy(provider: MasterKeyProvider) {
  const iv = generateIv()
  const { cek, ...wrapped } = await provider.generateContentKey(iv)
  const envelope: Envelope = {
    version: 2,
    cekAlgorithm: 'AES/CTR/NoPadding',
    wrapAlgorithm: provider.wrapAlgorithm,
    materialDescription: {},
    ...wrapped,
  }
  return { key: { cek, iv }, envelope }
}

describe('a key pair of oss2', () => {
  test('is one key in WebCrypto and in key files', () => {
    expect(web.keyIdentity).toBe(local.keyIdentity)
    expect(web.wrapAlgorithm).toBe(local.wrapAlgorithm)
  })

  test('what WebCrypto wrapped, LocalRsaProvider unwraps', async () => {
    const { key, envelope } = await wrappedBy(web)
    expect(await local.unwrap(envelope)).toEqual(key)
  })

  test('what LocalRsaProvider wrapped, WebCrypto unwraps', async () => {
    const { key, envelope } = await wrappedBy(local)
    expect(await web.unwrap(envelope)).toEqual(key)
  })
})

describe('the provider contract, with a public key whose private half RsaProvider has', () => {
  /** The pair, of which the page has the public half. */
  const whole = ({ publicKey, privateKey }: typeof ours): MasterKeyProvider => {
    const page = createWebRsaPublicProvider({ publicKey })
    const server = new RsaProvider({ privateKey })
    return {
      ...page,
      canUnwrap: true,
      unwrap: (envelope, call) => server.unwrap(envelope, call),
    }
  }
  const rules = providerContract({
    create: () => whole(ours),
    createOther: () => whole(other),
    createEncryptOnly: () => createWebRsaPublicProvider({ publicKey: ours.publicKey }),
    randomized: true,
  })
  for (const rule of rules) test(rule.name, rule.run)

  test('states the identity that RsaProvider states', () => {
    const { publicKey } = ours
    expect(createWebRsaPublicProvider({ publicKey }).keyIdentity).toBe(new RsaProvider(ours).keyIdentity)
  })
})
