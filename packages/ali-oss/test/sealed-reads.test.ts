import { readFile } from 'node:fs/promises'
import { CryptoBucket } from '@oss-cse/bucket'
import { OssTransport } from '@oss-cse/transport-oss'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { provider, random, Subject } from './subject.ts'

let subject: Subject

beforeEach(async () => {
  subject = await Subject.start('CryptoOSS')
})
afterEach(() => subject.end())

test('sealed objects are read, and all lengths are those of their plaintext', async () => {
  const { endpoint, region, accessKeyId, accessKeySecret } = subject.emulator
  const transport = new OssTransport({ bucket: 'demo', endpoint, region, accessKeyId, accessKeySecret })
  const bytes = random(200_000)
  await new CryptoBucket({ transport, provider, format: 'sealed' }).put('a', bytes)

  const { client } = subject
  const whole = await client.get('a')
  expect(Buffer.compare(whole.content as Buffer, bytes)).toBe(0)
  expect(whole.res.headers).toMatchObject({ 'content-length': '200000' })
  const range = await client.get('a', { headers: { Range: 'bytes=100000-100009' } })
  expect(range.content).toEqual(bytes.subarray(100_000, 100_010))
  expect(range.res.headers).toMatchObject({
    'content-range': 'bytes 100000-100009/200000',
    'content-length': '10',
  })
  expect((await client.head('a')).res.headers).toMatchObject({ 'content-length': '200000' })
  await client.get('a', subject.path('file'))
  expect(Buffer.compare(await readFile(subject.path('file')), bytes)).toBe(0)
  const { stream } = await client.getStream('a')
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  expect(Buffer.compare(Buffer.concat(chunks), bytes)).toBe(0)
})
