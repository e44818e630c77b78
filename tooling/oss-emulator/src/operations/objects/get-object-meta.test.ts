import { afterAll, beforeAll, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../../emulator.ts'
import { signedRequest } from '../../testing/signed-request.ts'

let emulator: OssEmulator

beforeAll(async () => {
  emulator = await startOssEmulator()
})
afterAll(() => emulator.close())

it('GET ?objectMeta announces no body', async () => {
  await emulator.putStoredObject('demo', 'meta', { bytes: Buffer.from('content') })
  expect(
    (await signedRequest(emulator, { key: 'meta', query: 'objectMeta' })).headers['content-length'],
  ).toBe('0')
})
