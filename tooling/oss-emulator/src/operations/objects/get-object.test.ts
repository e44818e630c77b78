import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../../emulator.ts'
import { signedRequest } from '../../testing/signed-request.ts'

let emulator: OssEmulator

beforeAll(async () => {
  emulator = await startOssEmulator()
})
afterAll(() => emulator.close())

describe('a GET', () => {
  it('overrides response headers with those of the query', async () => {
    await emulator.putStoredObject('demo', 'override', { bytes: Buffer.from('x') })
    const response = await signedRequest(emulator, {
      key: 'override',
      query: 'response-content-type=text%2Fcsv',
    })
    expect(response.headers['content-type']).toBe('text/csv')
  })
})

it('a response-* parameter that no header can hold is refused', async () => {
  await emulator.putStoredObject('demo', 'override', { bytes: Buffer.from('x') })
  const response = await signedRequest(emulator, { key: 'override', query: 'response-content-type=%01' })
  expect([response.status, response.element('Code')]).toEqual([400, 'InvalidArgument'])
})

it('a response-* parameter beyond Latin-1 is sent as UTF-8', async () => {
  await emulator.putStoredObject('demo', 'override', { bytes: Buffer.from('x') })
  const query = `response-content-disposition=${encodeURIComponent('attachment; filename="中.txt"')}`
  const response = await signedRequest(emulator, { key: 'override', query })
  const header = Buffer.from(response.headers['content-disposition'] ?? '', 'latin1').toString('utf8')
  expect([response.status, header]).toEqual([200, 'attachment; filename="中.txt"'])
})

describe('an empty object', () => {
  const read = async (range: string, behavior?: string) => {
    const { status, headers, body } = await signedRequest(emulator, {
      key: 'empty',
      headers: { range, ...(behavior !== undefined && { 'x-oss-range-behavior': behavior }) },
    })
    return [status, headers['content-range'], body.length === 0]
  }

  it.each(['bytes=-1', 'bytes=0-'])(
    'is returned whole for %s, or with 416 in the standard behaviour',
    async (range) => {
      await emulator.putStoredObject('demo', 'empty', { bytes: new Uint8Array() })
      expect(await read(range)).toEqual([200, undefined, true])
      expect(await read(range, 'standard')).toEqual([416, 'bytes */0', false])
    },
  )
})
