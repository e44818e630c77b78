import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTick } from 'node:timers/promises'
import alicloud from '@alicloud/credentials'
import kmsSdk from '@alicloud/kms20160120'
import { Keyring, type MasterKeyProvider } from '@oss-cse/crypto-core'
import { providerContract } from '@oss-cse/crypto-core/testing'
import { type KmsEmulator, startKmsEmulator } from '@oss-cse/kms-emulator'
import { AlicloudKms, KmsProvider } from '@oss-cse/provider-kms'
import { generateRsaKeyPair, RsaProvider } from '@oss-cse/provider-rsa'
import { OssTransport } from '@oss-cse/transport-oss'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { bucketOf, keyPair, random, transportOf, withEmulator } from './emulated-bucket.ts'
import { kmsOf, kmsProviderOf, withKms } from './emulated-kms.ts'

const code = (value: string) => expect.objectContaining({ code: value })

describe.each(['blob', 'oss2'] as const)('the provider contract over HTTP, encoding %s', (encoding) => {
  let emulator: KmsEmulator
  let otherKeyId: string
  beforeAll(async () => {
    emulator = await startKmsEmulator()
    otherKeyId = (await emulator.createKey()).keyId
  })
  afterAll(() => emulator.close())
  const rules = providerContract({
    create: () => kmsProviderOf(emulator, { encoding, materialDescription: { key: 'ours' } }),
    createOther: () => kmsProviderOf(emulator, { encoding, keyId: otherKeyId }),
    createUnavailable: () =>
      kmsProviderOf(emulator, { client: kmsOf(emulator, { endpoint: 'http://127.0.0.1:1' }) }),
    randomized: true,
  })
  for (const rule of rules) test(rule.name, rule.run)
})

test.each(['blob', 'oss2'] as const)(
  'an object under a KMS key comes back, whole, by range and in parts: encoding %s',
  (encoding) =>
    withKms(async (kms, oss) => {
      const provider = kmsProviderOf(kms, { encoding, passphrase: 'Äpfel "und" Birnen' })
      const bucket = bucketOf(oss, {}, { keyring: new Keyring({ encrypting: provider }) })
      const bytes = random(700_001)
      await bucket.put('a', bytes)
      await bucket.upload('b', bytes, { partSizeBytes: 100 * 1024, multipartThresholdBytes: 0 })
      for (const key of ['a', 'b']) {
        expect(await bucket.getBytes(key)).toEqual(bytes)
        expect(await bucket.getBytes(key, { range: '99999-400000' })).toEqual(bytes.subarray(99_999, 400_001))
        expect((await bucket.head(key)).envelope?.wrapAlgorithm).toBe('KMS/ALICLOUD')
      }
    }),
)

test('a put and a get are two calls of KMS each, both under way at once; a cached get is none', () =>
  withKms(async (kms, oss) => {
    const provider = kmsProviderOf(kms, { unwrapCache: { maxEntries: 10, ttlMs: 60_000 } })
    const bucket = bucketOf(oss, {}, { keyring: new Keyring({ encrypting: provider }) })
    kms.setLatency(50)
    const callsOf = async (work: () => Promise<unknown>) => {
      kms.resetRequests()
      await work()
      return kms.requests
    }
    const put = await callsOf(() => bucket.put('a', 'text'))
    const get = await callsOf(() => bucket.getBytes('a'))
    expect(put.map(({ action }) => action).toSorted()).toEqual(['Encrypt', 'GenerateDataKey'])
    expect(get.map(({ action }) => action)).toEqual(['Decrypt', 'Decrypt'])
    for (const [first, second] of [put, get]) {
      // The second came before the first one's answer had gone.
      expect(second?.startedAt).toBeLessThan(first?.endedAt ?? 0)
    }
    expect(await callsOf(() => bucket.getBytes('a'))).toEqual([])
  }))

test('what the KMS client of an application wrote or reads is the same: its client can be used as it is', () =>
  withKms(async (kms, oss) => {
    const { accessKeyId, accessKeySecret, region, port } = kms
    const config = {
      accessKeyId,
      accessKeySecret,
      regionId: region,
      endpoint: `127.0.0.1:${port}`,
      protocol: 'http',
    }
    const client = new kmsSdk.default(config as never)
    const provider = new KmsProvider({
      client: new AlicloudKms({ client }),
      keyId: kms.keyId,
      encryptionContext: { a: 'b' },
    })
    const bucket = bucketOf(oss, {}, { keyring: new Keyring({ encrypting: provider }) })
    await bucket.put('a', 'text')
    expect(Buffer.from(await bucket.getBytes('a')).toString()).toBe('text')
    const { headers } = await transportOf(oss).head({ key: 'a', headers: {} })
    const blob = headers['x-oss-meta-client-side-encryption-key'] ?? ''
    const decrypt = (encryptionContext?: string) =>
      client.decrypt(
        new kmsSdk.DecryptRequest({ ciphertextBlob: blob, encryptionContext: encryptionContext as never }),
      )
    // The context is bound: without it KMS refuses.
    await expect(decrypt()).rejects.toThrow()
    expect(Buffer.from((await decrypt('{"a":"b"}')).plaintext, 'base64').length).toBe(32)
  }))

describe('many keys in one bucket', () => {
  test('each object is written under the current key, and read under the one that wrote it', () =>
    withKms(async (kms, oss) => {
      const second = await kms.createKey()
      const rsa: MasterKeyProvider = new RsaProvider({
        privateKey: keyPair.privateKey,
        materialDescription: { key: 'rsa' },
      })
      const kmsA = kmsProviderOf(kms, { materialDescription: { key: 'kms-a' } })
      const kmsB = kmsProviderOf(kms, {
        keyId: second.keyId,
        encoding: 'oss2',
        materialDescription: { key: 'kms-b' },
      })
      const generations = [rsa, kmsA, kmsB]
      for (const [index, encrypting] of generations.entries()) {
        const keyring = new Keyring({ encrypting, decrypting: generations.slice(0, index) })
        await bucketOf(oss, {}, { keyring }).put(`object-${index}`, `text ${index}`)
      }
      const reader = bucketOf(
        oss,
        {},
        { keyring: new Keyring({ encrypting: kmsB, decrypting: [rsa, kmsA] }) },
      )
      for (const index of generations.keys()) {
        kms.resetRequests()
        expect(Buffer.from(await reader.getBytes(`object-${index}`)).toString()).toBe(`text ${index}`)
        expect(kms.requests.length).toBe(index === 0 ? 0 : 2)
      }
      const forgetful = bucketOf(oss, {}, { keyring: new Keyring({ encrypting: rsa, decrypting: [kmsA] }) })
      kms.resetRequests()
      await expect(forgetful.getBytes('object-2')).rejects.toMatchObject({
        code: 'ERR_CSE_NO_MATCHING_KEY',
        message: expect.stringMatching(/"kms-b".*"rsa".*"kms-a"/s),
      })
      expect(kms.requests).toEqual([])
    }))
})

describe('a master key that does not answer', () => {
  const failures: [string, string, (kms: KmsEmulator) => Promise<void> | void, RegExp][] = [
    [
      'throttling',
      'ERR_CSE_THROTTLED',
      (kms) => kms.injectFault({ kind: 'throttle', count: 99 }),
      /too many/,
    ],
    [
      '5xx',
      'ERR_CSE_SERVICE',
      (kms) => kms.injectFault({ kind: 'status-503', count: 99 }),
      /had an internal error/,
    ],
    [
      'a gateway in its place',
      'ERR_CSE_SERVICE',
      (kms) => kms.injectFault({ kind: 'html-502', count: 99 }),
      /gateway/,
    ],
    [
      'connections that break',
      'ERR_CSE_NETWORK',
      (kms) => kms.injectFault({ kind: 'reset', count: 99 }),
      /ECONNRESET/,
    ],
    [
      'an empty answer',
      'ERR_CSE_SERVICE',
      (kms) => kms.injectFault({ kind: 'empty-answer', count: 99 }),
      /contains no usable key/,
    ],
    [
      'a malformed answer',
      'ERR_CSE_SERVICE',
      (kms) => kms.injectFault({ kind: 'malformed-answer', count: 99 }),
      /./,
    ],
    [
      'no permission',
      'ERR_CSE_ACCESS_DENIED',
      (kms) => kms.injectFault({ kind: 'no-permission', count: 99 }),
      /RAM policy/,
    ],
    [
      'a wrong clock',
      'ERR_CSE_CLOCK_SKEW',
      (kms) => kms.injectFault({ kind: 'clock-skew', count: 99 }),
      /clock/,
    ],
    ['a disabled key', 'ERR_CSE_MASTER_KEY_DISABLED', (kms) => kms.disableKey(kms.keyId), /disabled/],
    [
      'a key that waits for its deletion',
      'ERR_CSE_MASTER_KEY_DISABLED',
      (kms) => kms.deleteKey(kms.keyId),
      /deletion/,
    ],
    [
      'a deleted key',
      'ERR_CSE_MASTER_KEY_NOT_FOUND',
      (kms) => kms.deleteKey(kms.keyId, { immediately: true }),
      /The key does not exist there/,
    ],
  ]

  test.each(failures)('%s: %s, before a byte is sent or released', (_name, expected, fail, message) =>
    withKms(async (kms, oss) => {
      const keyring = new Keyring({ encrypting: kmsProviderOf(kms) })
      const bucket = bucketOf(oss, {}, { keyring })
      await bucket.put('a', 'text')
      await fail(kms)
      oss.resetRequests()
      for (const write of [
        () => bucket.put('b', 'text'),
        () => bucket.upload('b', random(200_000), { partSizeBytes: 100 * 1024, multipartThresholdBytes: 0 }),
      ]) {
        await expect(write()).rejects.toMatchObject({
          code: expected,
          message: expect.stringMatching(message),
        })
      }
      // The retries of the provider are not repeated by the bucket, and nothing was sent.
      expect(oss.requests).toEqual([])
      await expect(bucket.getBytes('a')).rejects.toMatchObject({ code: expected })
      await expect(bucket.exists('b')).resolves.toBe(false)
    }),
  )

  test('KMS that is slow: ERR_CSE_TIMEOUT', () =>
    withKms(async (kms, oss) => {
      const provider = kmsProviderOf(kms, { client: kmsOf(kms, { timeoutMs: 3000 }) })
      const bucket = bucketOf(oss, {}, { keyring: new Keyring({ encrypting: provider }) })
      kms.injectFault({ kind: 'stall', count: 99 })
      await expect(bucket.put('a', 'text')).rejects.toEqual(code('ERR_CSE_TIMEOUT'))
      expect(kms.requests.length).toBe(2)
    }))

  test('KMS that is down: ERR_CSE_NETWORK', () =>
    withEmulator(async (oss) => {
      const kms = await startKmsEmulator()
      const provider = kmsProviderOf(kms)
      const bucket = bucketOf(oss, {}, { keyring: new Keyring({ encrypting: provider }) })
      await kms.close()
      await expect(bucket.put('a', 'text')).rejects.toMatchObject({
        code: 'ERR_CSE_NETWORK',
        message: expect.stringContaining('ECONNREFUSED'),
      })
    }))

  test('a key of another region: not found there, and the message says which region was asked', () =>
    withKms(async (kms, oss) => {
      const elsewhere = await startKmsEmulator({ region: 'cn-beijing' })
      try {
        const provider = kmsProviderOf(elsewhere, { keyId: kms.keyId })
        const bucket = bucketOf(oss, {}, { keyring: new Keyring({ encrypting: provider }) })
        await expect(bucket.put('a', 'text')).rejects.toMatchObject({
          code: 'ERR_CSE_MASTER_KEY_NOT_FOUND',
          message: expect.stringMatching(/in cn-beijing .*regional/),
        })
        const { arn } = await kms.createKey()
        expect(() => kmsProviderOf(elsewhere, { keyId: arn })).toThrow(code('ERR_CSE_WRONG_REGION'))
      } finally {
        await elsewhere.close()
      }
    }))

  test('another context, another passphrase: ERR_CSE_UNWRAP_FAILED', () =>
    withKms(async (kms, oss) => {
      const under = (options: object) =>
        bucketOf(oss, {}, { keyring: new Keyring({ encrypting: kmsProviderOf(kms, options) }) })
      await under({ encryptionContext: { a: 'b' } }).put('a', 'text')
      for (const options of [{}, { encryptionContext: { a: 'c' } }, { passphrase: 'b' }]) {
        await expect(under(options).getBytes('a')).rejects.toEqual(code('ERR_CSE_UNWRAP_FAILED'))
      }
    }))

  test('throttling for a while is waited for', () =>
    withKms(async (kms, oss) => {
      const bucket = bucketOf(oss, {}, { keyring: new Keyring({ encrypting: kmsProviderOf(kms) }) })
      kms.injectFault({ kind: 'throttle', count: 3 })
      await bucket.put('a', 'text')
      kms.injectFault({ kind: 'status-500', count: 2 })
      expect(Buffer.from(await bucket.getBytes('a')).toString()).toBe('text')
    }))

  test('a key that is enabled again opens its objects again', () =>
    withKms(async (kms, oss) => {
      const bucket = bucketOf(oss, {}, { keyring: new Keyring({ encrypting: kmsProviderOf(kms) }) })
      await bucket.put('a', 'text')
      await kms.disableKey(kms.keyId)
      await expect(bucket.getBytes('a')).rejects.toEqual(code('ERR_CSE_MASTER_KEY_DISABLED'))
      await kms.enableKey(kms.keyId)
      expect(Buffer.from(await bucket.getBytes('a')).toString()).toBe('text')
    }))

  test('a rotated key reads what its earlier versions wrapped', () =>
    withKms(async (kms, oss) => {
      const bucket = bucketOf(oss, {}, { keyring: new Keyring({ encrypting: kmsProviderOf(kms) }) })
      await bucket.put('a', 'old')
      await kms.rotateKey(kms.keyId)
      await bucket.put('b', 'new')
      expect(Buffer.from(await bucket.getBytes('a')).toString()).toBe('old')
      expect(Buffer.from(await bucket.getBytes('b')).toString()).toBe('new')
    }))
})

describe('credentials for KMS', () => {
  test('a security token goes with every call; one that has expired has a code of its own', () =>
    withKms(
      async (kms, oss) => {
        const provider = kmsProviderOf(kms, { client: kmsOf(kms, { securityToken: 'token-1' }) })
        const bucket = bucketOf(oss, {}, { keyring: new Keyring({ encrypting: provider }) })
        await bucket.put('a', 'text')
        kms.expireSecurityToken()
        await expect(bucket.getBytes('a')).rejects.toEqual(code('ERR_CSE_CREDENTIALS_EXPIRED'))
      },
      { securityToken: 'token-1' },
    ))

  test('a line break behind a key, its secret or its token does not belong to it', () =>
    withKms(
      async (kms) => {
        const client = kmsOf(kms, {
          accessKeyId: `${kms.accessKeyId}\n`,
          accessKeySecret: ` ${kms.accessKeySecret}\r\n`,
          securityToken: 'token-1\n',
        })
        await expect(client.encrypt({ keyId: kms.keyId, plaintext: 'text' })).resolves.toHaveProperty(
          'ciphertextBlob',
        )
      },
      { securityToken: 'token-1' },
    ))

  test('credentials that change between and during calls are used whole, for KMS and OSS alike', () =>
    withKms(async (kms, oss) => {
      // What OSS accepts stays; what KMS accepts changes with each step below.
      let step = 0
      const now = () => ({
        accessKeyId: `ak-${step}`,
        accessKeySecret: `sk-${step}`,
        securityToken: `token-${step}`,
      })
      const credentials = {
        async getCredential() {
          const given = now()
          await nextTick()
          return given
        },
      }
      const { region, endpoint } = kms
      const client = new AlicloudKms({ region, endpoint, credentials })
      const provider = kmsProviderOf(kms, { client })
      const bucket = bucketOf(oss, {}, { keyring: new Keyring({ encrypting: provider }) })
      for (step = 1; step <= 10; step++) {
        kms.setCredentials(now())
        await Promise.all([bucket.put(`a-${step}`, 'text'), bucket.put(`b-${step}`, 'text')])
        expect(Buffer.from(await bucket.getBytes(`a-${step}`)).toString()).toBe('text')
      }
      expect(kms.requests.every(({ status }) => status === 200)).toBe(true)
    }))

  test('a Credential of @alicloud/credentials serves KMS and OSS as it is', () =>
    withKms(
      (kms) =>
        withEmulator(
          async (oss) => {
            const { accessKeyId, accessKeySecret } = kms
            const securityToken = 'token'
            const config = new alicloud.Config({ type: 'sts', accessKeyId, accessKeySecret, securityToken })
            const credentials = new alicloud.default(config)
            const { region, endpoint } = kms
            const provider = kmsProviderOf(kms, {
              client: new AlicloudKms({ region, endpoint, credentials }),
            })
            const transport = new OssTransport({
              bucket: 'demo',
              region,
              endpoint: oss.endpoint,
              credentials,
            })
            const bucket = bucketOf(oss, {}, { transport, keyring: new Keyring({ encrypting: provider }) })
            await bucket.put('a', 'text')
            expect(Buffer.from(await bucket.getBytes('a')).toString()).toBe('text')
          },
          { accessKeyId: kms.accessKeyId, accessKeySecret: kms.accessKeySecret, securityToken: 'token' },
        ),
      { securityToken: 'token' },
    ))

  test('a fresh default chain that is asked by several calls at once gives each its key', () =>
    withKms(async (kms, oss) => {
      const directory = mkdtempSync(join(tmpdir(), 'oss-cse-chain-'))
      const file = join(directory, 'credentials')
      const { region, endpoint, accessKeyId, accessKeySecret } = kms
      const lines = ['[default]', 'enable = true', 'type = access_key']
      writeFileSync(
        file,
        [...lines, `access_key_id = ${accessKeyId}`, `access_key_secret = ${accessKeySecret}`, ''].join('\n'),
      )
      vi.stubEnv('HOME', directory)
      vi.stubEnv('ALIBABA_CLOUD_CREDENTIALS_FILE', file)
      vi.stubEnv('ALIBABA_CLOUD_ECS_METADATA_DISABLED', 'true')
      try {
        const client = new AlicloudKms({ region, endpoint, credentials: new alicloud.default() })
        const bucket = bucketOf(
          oss,
          {},
          { keyring: new Keyring({ encrypting: kmsProviderOf(kms, { client }) }) },
        )
        await Promise.all(['a', 'b', 'c'].map((key) => bucket.put(key, 'text')))
        expect(Buffer.from(await bucket.getBytes('a')).toString()).toBe('text')
      } finally {
        vi.unstubAllEnvs()
        rmSync(directory, { recursive: true })
      }
    }))

  test('a transfer goes on while the credentials of OSS are renewed under it', () =>
    withKms(async (kms, oss) => {
      let asked = 0
      const { accessKeyId, accessKeySecret } = oss
      const credentials = { getCredential: async () => ({ accessKeyId, accessKeySecret, asked: ++asked }) }
      const transport = transportOf(oss, {
        accessKeyId: undefined,
        accessKeySecret: undefined,
        credentials,
      } as never)
      const bucket = bucketOf(
        oss,
        {},
        { transport, keyring: new Keyring({ encrypting: kmsProviderOf(kms) }) },
      )
      const bytes = random(1_000_000)
      await bucket.upload('a', bytes, { partSizeBytes: 100 * 1024, multipartThresholdBytes: 0, parallel: 3 })
      expect(await bucket.getBytes('a')).toEqual(bytes)
      expect(asked).toBeGreaterThan(0)
    }))
})

test('an answer that the client has not heard of is judged by its status', async () => {
  let status = 503
  const server = createHttpServer((_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ Code: 'SomethingNew', Message: 'new', RequestId: 'R-1' }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = new AlicloudKms({
    region: 'cn-hangzhou',
    endpoint: `http://127.0.0.1:${port}`,
    accessKeyId: 'a',
    accessKeySecret: 'b',
  })
  for (const [answered, expected, retryable] of [
    [503, 'ERR_CSE_THROTTLED', true],
    [429, 'ERR_CSE_THROTTLED', true],
    [502, 'ERR_CSE_SERVICE', true],
    [400, 'ERR_CSE_SERVICE', false],
  ] as const) {
    status = answered
    await expect(client.decrypt({ ciphertextBlob: 'YQ==' })).rejects.toMatchObject({
      code: expected,
      retryable,
      status: answered,
      requestId: 'R-1',
      serviceCode: 'SomethingNew',
    })
  }
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

test('an endpoint that accepts and says nothing is a timeout of the connection, too', async () => {
  const sockets = new Set<{ destroy(): void }>()
  const silent = createServer((socket) => void sockets.add(socket)).listen(0, '127.0.0.1')
  await new Promise((resolve) => silent.once('listening', resolve))
  const { port } = silent.address() as { port: number }
  const client = new AlicloudKms({
    region: 'cn-hangzhou',
    endpoint: `http://127.0.0.1:${port}`,
    accessKeyId: 'a',
    accessKeySecret: 'b',
    timeoutMs: 100,
  })
  await expect(client.decrypt({ ciphertextBlob: 'YQ==' })).rejects.toEqual(code('ERR_CSE_TIMEOUT'))
  for (const socket of sockets) socket.destroy()
  await new Promise((resolve) => silent.close(resolve))
})

test('an RSA key and a KMS key may share a description: the wrap algorithm tells them apart', () =>
  withKms(async (kms, oss) => {
    const { privateKey } = await generateRsaKeyPair({ bits: 2048 })
    const materialDescription = { key: 'same' }
    const rsa = new RsaProvider({ privateKey, materialDescription })
    const keyring = new Keyring({
      encrypting: kmsProviderOf(kms, { materialDescription }),
      decrypting: [rsa],
    })
    await bucketOf(oss, {}, { keyring: new Keyring({ encrypting: rsa }) }).put('a', 'text')
    expect(Buffer.from(await bucketOf(oss, {}, { keyring }).getBytes('a')).toString()).toBe('text')
  }))
