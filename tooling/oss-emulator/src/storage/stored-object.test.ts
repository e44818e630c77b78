import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../emulator.ts'
import { aliOssClient } from '../testing/ali-oss-client.ts'
import { md5Hex } from '../testing/signed-request.ts'

let emulator: OssEmulator

beforeAll(async () => {
  emulator = await startOssEmulator()
})
afterAll(() => emulator.close())

describe('a planted object', () => {
  it('keeps its headers if only the bytes change', async () => {
    const client = aliOssClient(emulator)
    await client.put('tamper', Buffer.from('abc'), { meta: { a: '1' } })
    await emulator.putStoredObject('demo', 'tamper', { bytes: Buffer.from('abX') })
    const got = await client.get('tamper')
    expect([got.content.toString(), got.res.headers['x-oss-meta-a']]).toEqual(['abX', '1'])
    expect(got.res.headers.etag).toBe(`"${md5Hex('abX')}"`)
  })
})
