import { afterAll, beforeAll, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../../emulator.ts'
import { signedRequest } from '../../testing/signed-request.ts'

let emulator: OssEmulator

beforeAll(async () => {
  emulator = await startOssEmulator()
})
afterAll(() => emulator.close())

it('a tagging document that does not match its Content-MD5 is refused', async () => {
  await emulator.putStoredObject('demo', 'tagged', { bytes: Buffer.from('x') })
  const body = '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>'
  const headers = { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' }
  const response = await signedRequest(emulator, {
    method: 'PUT',
    key: 'tagged',
    query: 'tagging',
    body,
    headers,
  })
  expect([response.status, response.element('Code')]).toEqual([400, 'InvalidDigest'])
})
