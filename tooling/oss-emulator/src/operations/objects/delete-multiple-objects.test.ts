import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../../emulator.ts'
import { signedRequest } from '../../testing/signed-request.ts'

let emulator: OssEmulator

beforeAll(async () => {
  emulator = await startOssEmulator()
})
afterAll(() => emulator.close())

describe('a Delete of many', () => {
  const body = '<Delete><Object><Key>a</Key></Object></Delete>'
  it.each([
    [{}, 'MissingArgument'],
    [{ 'content-md5': Buffer.alloc(16).toString('base64') }, 'InvalidDigest'],
  ])('needs a correct Content-MD5: %j', async (headers, code) => {
    const response = await signedRequest(emulator, {
      method: 'POST',
      query: 'delete',
      headers: headers as Record<string, string>,
      body,
    })
    expect([response.status, response.element('Code')]).toEqual([400, code])
  })
})

it('a Delete with one malformed entry deletes nothing', async () => {
  await emulator.putStoredObject('demo', 'stays', { bytes: Buffer.from('x') })
  const body = '<Delete><Object><Key>stays</Key></Object><Object></Object></Delete>'
  const headers = { 'content-md5': createHash('md5').update(body).digest('base64') }
  const response = await signedRequest(emulator, { method: 'POST', query: 'delete', body, headers })
  expect([response.status, response.element('Code')]).toEqual([400, 'MalformedXML'])
  expect(await emulator.getStoredObject('demo', 'stays')).toBeDefined()
})
