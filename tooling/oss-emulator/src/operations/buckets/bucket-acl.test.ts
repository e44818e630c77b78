import { afterAll, beforeAll, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../../emulator.ts'
import { signedRequest } from '../../testing/signed-request.ts'

let emulator: OssEmulator

beforeAll(async () => {
  emulator = await startOssEmulator()
})
afterAll(() => emulator.close())

it('PUT ?acl sets the ACL of a bucket, creates a missing bucket, and returns its Location', async () => {
  for (const [bucket, acl] of [
    ['made-by-acl', 'public-read'],
    ['made-by-acl', 'private'],
  ] as const) {
    const headers = { 'x-oss-acl': acl }
    const response = await signedRequest(emulator, { method: 'PUT', bucket, query: 'acl', headers })
    expect([response.status, response.headers.location]).toEqual([200, `/${bucket}`])
    const got = await signedRequest(emulator, { bucket, query: 'acl' })
    expect(got.element('Grant')).toBe(acl)
  }
})
