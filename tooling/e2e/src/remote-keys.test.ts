import { CryptoBucket } from '@oss-cse/bucket'
import { Keyring, type MasterKeyProvider } from '@oss-cse/crypto-core'
import { providerContract } from '@oss-cse/crypto-core/testing'
import { type KmsEmulator, startKmsEmulator } from '@oss-cse/kms-emulator'
import { type OssEmulator, startOssEmulator } from '@oss-cse/oss-emulator'
import { RemoteProvider } from '@oss-cse/provider-remote'
import { generateRsaKeyPair, RsaProvider } from '@oss-cse/provider-rsa'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { keyPair, random, transportOf } from './emulated-bucket.ts'
import { type RunningKeyServer, startKeyServer, storeEnvelope } from './emulated-key-server.ts'
import { kmsProviderOf } from './emulated-kms.ts'
import { StoredProvider } from './stored-provider.ts'

const otherPair = await generateRsaKeyPair({ bits: 2048 })
const code = (value: string) => expect.objectContaining({ code: value })

let oss: OssEmulator
let kms: KmsEmulator
let otherKeyId: string
const servers = new Map<string, RunningKeyServer>()

beforeAll(async () => {
  oss = await startOssEmulator()
  kms = await startKmsEmulator()
  otherKeyId = (await kms.createKey()).keyId
})

afterAll(async () => {
  for (const server of servers.values()) await server.close()
  await kms.close()
  await oss.close()
})

/** The key server of a master key, started when it is first needed. */
async function serverOf(name: string, encrypting: () => MasterKeyProvider): Promise<RunningKeyServer> {
  const server =
    servers.get(name) ??
    (await startKeyServer({
      keyring: new Keyring({ encrypting: encrypting() }),
      transport: transportOf(oss),
    }))
  servers.set(name, server)
  return server
}

const rsaServer = (pair = keyPair) => serverOf(pair.publicKey, () => new RsaProvider(pair))
const kmsServer = (keyId = kms.keyId) => serverOf(keyId, () => kmsProviderOf(kms, { keyId }))
const store = (envelope: Parameters<typeof storeEnvelope>[1]) => storeEnvelope(transportOf(oss), envelope)

describe('the provider contract over HTTP, with RSA', () => {
  const rules = providerContract({
    create: async () =>
      new StoredProvider({ url: (await rsaServer()).url, publicKey: keyPair.publicKey }, store),
    createOther: async () =>
      new StoredProvider({ url: (await rsaServer(otherPair)).url, publicKey: otherPair.publicKey }, store),
    createEncryptOnly: () => new StoredProvider({ publicKey: keyPair.publicKey }, store),
    randomized: true,
    secrets: [keyPair.privateKey],
  })
  for (const rule of rules) test(rule.name, rule.run)
})

describe('the provider contract over HTTP, with KMS', () => {
  const provider = async (server: Promise<{ readonly url: string }>, keyId: string) =>
    new StoredProvider(
      { url: (await server).url, wrapAlgorithm: 'KMS/ALICLOUD', keyIdentity: `kms:${keyId}` },
      store,
    )
  const rules = providerContract({
    create: () => provider(kmsServer(), kms.keyId),
    createOther: () => provider(kmsServer(otherKeyId), otherKeyId),
    createUnavailable: () => provider(Promise.resolve({ url: 'http://127.0.0.1:1/' }), kms.keyId),
    withoutWrap: true,
  })
  for (const rule of rules) test(rule.name, rule.run)
})

describe.each([
  [
    'RSA',
    async () => new RemoteProvider({ url: (await rsaServer()).url, publicKey: keyPair.publicKey }),
    () => new RsaProvider(keyPair),
  ],
  [
    'KMS',
    async () => new RemoteProvider({ url: (await kmsServer()).url, wrapAlgorithm: 'KMS/ALICLOUD' }),
    () => kmsProviderOf(kms),
  ],
] as const)('a bucket with a key server and %s', (name, remote, local) => {
  const bytes = random(300_001)
  const bucketWith = (provider: MasterKeyProvider) =>
    new CryptoBucket({
      transport: transportOf(oss),
      provider,
      retry: { minDelayMs: 1, maxDelayMs: 20 },
    })

  test('reads and writes the same objects as one with the master key', async () => {
    const [page, owner] = [bucketWith(await remote()), bucketWith(local())]
    await page.put(`${name}/by-page`, bytes)
    await page.upload(`${name}/in-parts`, bytes, { partSizeBytes: 100 * 1024, multipartThresholdBytes: 0 })
    await owner.put(`${name}/by-owner`, bytes)
    for (const key of ['by-page', 'in-parts', 'by-owner'].map((one) => `${name}/${one}`)) {
      for (const bucket of [page, owner]) {
        expect(await bucket.getBytes(key)).toEqual(bytes)
        expect(await bucket.getBytes(key, { range: '1234-99999' })).toEqual(bytes.subarray(1234, 100_000))
      }
    }
  })

  test('reads many small objects at the same time', async () => {
    const page = bucketWith(await remote())
    const keys = Array.from({ length: 40 }, (_, i) => `${name}/thumbnails/${i}`)
    await Promise.all(keys.map((key) => page.put(key, key)))
    const texts = await Promise.all(
      keys.map(async (key) => new TextDecoder().decode(await page.getBytes(key))),
    )
    expect(texts).toEqual(keys)
  })
})

test('an object that is replaced between the page’s GET and the key server’s HEAD is an error, and no garbage', async () => {
  const { url } = await rsaServer()
  const transport = transportOf(oss)
  const provider = new RemoteProvider({ url, publicKey: keyPair.publicKey })
  const page = new CryptoBucket({ transport, provider })
  await page.put('replaced', 'first')
  const unwrap = vi.spyOn(provider, 'unwrap').mockImplementationOnce(async (...call) => {
    await page.put('replaced', 'second')
    return RemoteProvider.prototype.unwrap.apply(provider, call)
  })
  await expect(page.getBytes('replaced')).rejects.toEqual(code('ERR_CSE_PRECONDITION_FAILED'))
  expect(unwrap).toHaveBeenCalledOnce()
  expect(new TextDecoder().decode(await page.getBytes('replaced'))).toBe('second')
})

test('the bucket asks again when the key server could not decide', async () => {
  const transport = transportOf(oss)
  let failures = 2
  const server = await startKeyServer({
    keyring: new Keyring({ encrypting: new RsaProvider(keyPair) }),
    transport,
    authorize: () => {
      failures -= 1
      if (failures >= 0) throw new Error('the database is down')
      return 'somebody'
    },
  })
  servers.set('failing', server)
  const events: string[] = []
  const page = new CryptoBucket({
    transport,
    provider: new RemoteProvider({ url: server.url, publicKey: keyPair.publicKey }),
    retry: { minDelayMs: 0, maxDelayMs: 0 },
    logger: (event) => events.push(`${event.type} ${'code' in event ? event.code : ''}`),
  })
  await page.put('retried', 'text')
  expect(new TextDecoder().decode(await page.getBytes('retried'))).toBe('text')
  expect(events).toEqual(['retry ERR_CSE_SERVICE', 'retry ERR_CSE_SERVICE'])
  expect(server.calls()).toBe(3)
})

test('sealed objects are bound to their names: the envelope of another object is worth nothing', async () => {
  const transport = transportOf(oss)
  const context = (key: string) => `my-bucket/${key}`
  const keyring = new Keyring({ encrypting: new RsaProvider(keyPair) })
  const server = await startKeyServer({ keyring, transport, accept: 'sealed', context })
  servers.set('sealed', server)
  const provider = new RemoteProvider({ url: server.url, publicKey: keyPair.publicKey })
  const page = new CryptoBucket({ transport, provider, accept: 'sealed', context })
  await page.put('bob/diary', 'secret')
  expect(new TextDecoder().decode(await page.getBytes('bob/diary'))).toBe('secret')
  await transport.copy({ sourceKey: 'bob/diary', key: 'alice/copy', headers: {} })
  const unbound = new CryptoBucket({
    transport,
    provider,
    accept: 'sealed',
    context: () => context('bob/diary'),
  })
  expect(new TextDecoder().decode(await unbound.getBytes('bob/diary'))).toBe('secret')
  // As a sealed object under an RSA key, a key that is refused ends like altered content.
  await expect(unbound.getBytes('alice/copy')).rejects.toEqual(code('ERR_CSE_AUTHENTICATION_FAILED'))
})

test('a caller who is gone ends the work of the key server', async () => {
  let arrive = (_signal: AbortSignal): void => {}
  const arrived = new Promise<AbortSignal>((resolve) => {
    arrive = resolve
  })
  const server = await startKeyServer({
    keyring: new Keyring({ encrypting: new RsaProvider(keyPair) }),
    transport: transportOf(oss),
    authorize: ({ signal }) => {
      arrive(signal)
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined)))
    },
  })
  servers.set('slow', server)
  const provider = new StoredProvider({ url: server.url, publicKey: keyPair.publicKey }, store)
  const { envelope } = await new Keyring({ encrypting: provider }).generate()
  const controller = new AbortController()
  const reading = provider.unwrap(envelope, { signal: controller.signal })
  const signal = await arrived
  controller.abort(new Error('scrolled away'))
  await expect(reading).rejects.toThrow('scrolled away')
  await vi.waitFor(() => expect(signal.aborted).toBe(true))
})
