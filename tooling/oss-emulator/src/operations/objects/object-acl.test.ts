import { afterAll, beforeAll, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../../emulator.ts'
import { signedRequest } from '../../testing/signed-request.ts'

let emulator: OssEmulator

beforeAll(async () => {
  emulator = await startOssEmulator()
})
afterAll(() => emulator.close())

it('an ACL request whose Content-MD5 does not match its body is refused', async () => {
  await emulator.putStoredObject('demo', 'acl', { bytes: Buffer.from('x') })
  const headers = { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==', 'x-oss-object-acl': 'private' }
  const response = await signedRequest(emulator, { method: 'PUT', key: 'acl', query: 'acl', headers })
  expect([response.status, response.element('Code')]).toEqual([400, 'InvalidDigest'])
})
