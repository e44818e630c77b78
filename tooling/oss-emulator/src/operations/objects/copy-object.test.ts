import { afterAll, beforeAll, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../../emulator.ts'
import { signedRequest } from '../../testing/signed-request.ts'

let emulator: OssEmulator

beforeAll(async () => {
  emulator = await startOssEmulator()
})
afterAll(() => emulator.close())

it('the conditions of a copy source are those of a read: a date counts only without an ETag condition', async () => {
  await emulator.putStoredObject('demo', 'judged', { bytes: Buffer.from('x') })
  const copy = async (headers: Record<string, string>) =>
    (
      await signedRequest(emulator, {
        method: 'PUT',
        key: 'judged-copy',
        headers: { 'x-oss-copy-source': '/demo/judged', ...headers },
      })
    ).status
  const future = new Date(Date.now() + 3_600_000).toUTCString()
  expect(await copy({ 'x-oss-copy-source-if-modified-since': future })).toBe(304)
  expect(
    await copy({
      'x-oss-copy-source-if-modified-since': future,
      'x-oss-copy-source-if-none-match': '"0"',
    }),
  ).toBe(200)
})
