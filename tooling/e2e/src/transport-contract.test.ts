import { transportContract } from '@oss-cse/crypto-core/testing'
import { type OssEmulator, startOssEmulator } from '@oss-cse/oss-emulator'
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
        const { endpoint, region, accessKeyId, accessKeySecret } = emulator
        const client = new OSS({
          endpoint,
          region: `oss-${region}`,
          accessKeyId,
          accessKeySecret,
          bucket: 'demo',
          sldEnable: true,
        } as OSS.Options)
        await client.putSymlink(key, targetKey, {})
      },
    })
    for (const rule of rules) test(rule.name, rule.run)
  },
)
