import { transportContract, urlTransportContract } from '@oss-cse/crypto-core/testing'
import { type OssEmulator, startOssEmulator } from '@oss-cse/oss-emulator'
import { FetchTransport, FetchUrlTransport } from '@oss-cse/transport-fetch'
import OSS from 'ali-oss'
import { afterEach, describe, test } from 'vitest'
import { transportOf } from './emulated-bucket.ts'

describe.each(['v1', 'v4'] as const)(
  'ali-oss with signature %s keeps the transport contract',
  (signature) => {
    let emulator: OssEmulator
    afterEach(() => emulator.close())
    const rules = transportContract({
      async create() {
        emulator = await startOssEmulator()
        return transportOf(emulator, { signature })
      },
      failNext({ status, serviceCode: code }) {
        emulator.injectFault({ kind: 'status', status, ...(code !== undefined && { code }) })
      },
      async link(key, targetKey) {
        await clientOf(emulator).putSymlink(key, targetKey, {})
      },
      setVersioning: (versioning) => emulator.setVersioning('demo', versioning),
      objectSettings: true,
      signUrl: (key) => signedUrl(emulator, key, signature),
      workerSide: true,
    })
    for (const rule of rules) test(rule.name, rule.run)
  },
)

describe('fetch keeps the transport contract', () => {
  let emulator: OssEmulator
  afterEach(() => emulator.close())
  const rules = transportContract({
    async create() {
      emulator = await startOssEmulator()
      const { endpoint, region, accessKeyId, accessKeySecret } = emulator
      const credentials = { getCredential: async () => ({ accessKeyId, accessKeySecret }) }
      return new FetchTransport({ bucket: 'demo', endpoint, region, credentials })
    },
    failNext({ status, serviceCode: code }) {
      emulator.injectFault({ kind: 'status', status, ...(code !== undefined && { code }) })
    },
    async link(key, targetKey) {
      await clientOf(emulator).putSymlink(key, targetKey, {})
    },
    signUrl: (key) => signedUrl(emulator, key, 'v4'),
  })
  for (const rule of rules) test(rule.name, rule.run)
})

describe('fetch keeps the contract of presigned URLs', () => {
  let emulator: OssEmulator
  afterEach(() => emulator.close())
  const signUrl = (key: string) => signedUrl(emulator, key, 'v4')
  const rules = urlTransportContract({
    async create() {
      emulator = await startOssEmulator()
      return new FetchUrlTransport()
    },
    async store(key, bytes, headers) {
      const open = async function* () {
        yield bytes
      }
      await transportOf(emulator).put({ key, headers, body: { sizeBytes: bytes.length, open } })
      return signUrl(key)
    },
    signUrl,
    failNext({ status, serviceCode: code }) {
      emulator.injectFault({ kind: 'status', status, ...(code !== undefined && { code }) })
    },
  })
  for (const rule of rules) test(rule.name, rule.run)
})

/** A client as an application without encryption makes it. */
function clientOf({ endpoint, region, accessKeyId, accessKeySecret }: OssEmulator): OSS {
  return new OSS({
    endpoint,
    region: `oss-${region}`,
    accessKeyId,
    accessKeySecret,
    bucket: 'demo',
    sldEnable: true,
  } as OSS.Options)
}

async function signedUrl(emulator: OssEmulator, key: string, signature: 'v1' | 'v4'): Promise<URL> {
  const client = clientOf(emulator)
  return new URL(
    signature === 'v4'
      ? await client.signatureUrlV4('GET', 600, {}, key, [])
      : client.signatureUrl(key, { expires: 600 }),
  )
}
