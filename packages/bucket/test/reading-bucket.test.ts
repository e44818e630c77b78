import { Keyring } from '@oss-cse/crypto-core'
import { createTestProvider, MemoryTransport } from '@oss-cse/crypto-core/testing'
import { describe, expect, test } from 'vitest'
import { ReadingBucket, type ReadingBucketOptions } from '../src/reading-bucket.ts'
import { pattern } from './bytes.ts'
import { memoryBucket } from './memory-bucket.ts'
import { lost } from './multipart.ts'

const data = pattern(200_000)
const provider = createTestProvider()

describe.each(['aes-ctr', 'sealed'] as const)('of an object in the format %s', (format) => {
  test('a reading bucket returns what the whole bucket returns', async () => {
    const { bucket, transport } = memoryBucket({ format })
    await bucket.put('a', data, { metadata: { by: 'me' } })
    const { get, head } = transport
    // It needs nothing else of a transport.
    const half = { get: get.bind(transport), head: head.bind(transport) }
    const reading = new ReadingBucket({ transport: half, provider })
    expect(await reading.head('a')).toEqual(await bucket.head('a'))
    expect(await reading.getBytes('a')).toEqual(data)
    const { body, ...result } = await reading.get('a', { range: '5-' })
    const { body: other, ...expected } = await bucket.get('a', { range: '5-' })
    expect(result).toEqual(expected)
    await Promise.all([body.cancel(), other.cancel()])
    const reader = await reading.openObject('a')
    const read = reader.read({ start: 100_000, end: 100_009 })
    const bytes: number[] = []
    for await (const chunk of read) bytes.push(...chunk)
    expect(bytes).toEqual([...data.subarray(100_000, 100_010)])
    await reader.close()
  })
})

test('it follows links, and retries', async () => {
  const { bucket, transport } = memoryBucket()
  await bucket.put('a', data)
  transport.links.set('link', 'a')
  let failures = 1
  transport.intercept = async () => {
    if (failures-- > 0) throw lost
  }
  const reading = new ReadingBucket({ transport, provider, retry: { minDelayMs: 0, maxDelayMs: 0 } })
  expect(await reading.getBytes('link')).toEqual(data)
})

test('it refuses plain objects, unless it lets them through, and what is not sealed, if it accepts nothing else', async () => {
  const { bucket, transport } = memoryBucket()
  await bucket.put('a', data)
  await transport.plant('plain', data)
  const reading = (options: Partial<ReadingBucketOptions>) =>
    new ReadingBucket({ transport, keyring: new Keyring({ encrypting: provider }), ...options })
  const code = (expected: string) => expect.objectContaining({ code: expected })
  await expect(reading({}).getBytes('plain')).rejects.toEqual(code('ERR_CSE_NOT_ENCRYPTED'))
  expect(await reading({ onPlainObject: 'passthrough' }).getBytes('plain')).toEqual(data)
  await expect(reading({ accept: 'sealed' }).getBytes('a')).rejects.toEqual(code('ERR_CSE_NOT_SEALED'))
})

test.each([
  [{ provider, keyring: new Keyring({ encrypting: provider }) }],
  [{}],
  [{ provider, transport: { get() {} } }],
  [{ provider, transport: undefined }],
  [{ provider, onPlainObject: 'maybe' }],
  [{ provider, accept: 'maybe' }],
  [{ provider, accept: 'sealed', onPlainObject: 'passthrough' }],
  [{ provider, context: 'a' }],
  [{ provider, retry: { maxAttempts: 0 } }],
])('the options %# contradict one another', (options) => {
  const all = { transport: new MemoryTransport(), ...options } as ReadingBucketOptions
  expect(() => new ReadingBucket(all)).toThrow(expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }))
})

test.each(['get', 'getBytes', 'openObject', 'head'] as const)('%s needs a key', async (call) => {
  const reading = new ReadingBucket({ transport: new MemoryTransport(), provider })
  await expect(reading[call]('')).rejects.toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
})
