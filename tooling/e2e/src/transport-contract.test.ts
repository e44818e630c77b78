import { transportContract } from '@oss-cse/crypto-core/testing'
import { type OssEmulator, startOssEmulator } from '@oss-cse/oss-emulator'
import { afterEach, describe, test } from 'vitest'
import { transportOf } from './emulated-bucket.ts'

describe.each(['v1', 'v4'] as const)(
  'ali-oss with signature %s keeps the transport contract',
  (signature) => {
    let emulator: OssEmulator | undefined
    afterEach(() => emulator?.close())
    const create = async () => {
      emulator = await startOssEmulator()
      return transportOf(emulator, { signature })
    }
    for (const rule of transportContract({ create })) test(rule.name, rule.run)
  },
)
