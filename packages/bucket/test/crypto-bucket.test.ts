import { CseError, Keyring, TransportError } from '@oss-cse/crypto-core'
import { createTestProvider, MemoryTransport } from '@oss-cse/crypto-core/testing'
import { describe, expect, test } from 'vitest'
import { CryptoBucket } from '../src/crypto-bucket.ts'
import { pattern } from './bytes.ts'
import { memoryBucket } from './memory-bucket.ts'

const code = (value: string) => expect.objectContaining({ code: value })
describe('the constructor of a bucket', () => {
  const transport = new MemoryTransport()
  const provider = createTestProvider()
  const keyring = new Keyring({ encrypting: provider })
  test.each([
    ['neither keyring nor provider', { transport }],
    ['both keyring and provider', { transport, provider, keyring }],
    ['a transport without get', { transport: { put: transport.put, head: transport.head }, provider }],
    ['an unknown policy', { transport, provider, onPlainObject: 'ignore' }],
    ['no attempts', { transport, provider, retry: { maxAttempts: 0 } }],
    ['a shorter longest wait', { transport, provider, retry: { minDelayMs: 5, maxDelayMs: 1 } }],
  ])('%s is refused', (_what, options) => {
    expect(() => new CryptoBucket(options as never)).toThrow(code('ERR_CSE_INVALID_ARGUMENT'))
  })

  test('works with a transport of three functions, and reports the missing operations', async () => {
    const { put, get, head } = transport
    const narrow = { put: put.bind(transport), get: get.bind(transport), head: head.bind(transport) }
    const bucket = new CryptoBucket({ transport: narrow, provider })
    await bucket.put('a', 'text')
    expect(new TextDecoder().decode(await bucket.getBytes('a'))).toBe('text')
    await expect(bucket.delete('a')).rejects.toEqual(code('ERR_CSE_OPERATION_REFUSED'))
    await expect(bucket.list().next()).rejects.toEqual(code('ERR_CSE_OPERATION_REFUSED'))
  })
})

describe('head, exists', () => {
  test('head returns plaintext size, metadata without the envelope, and the envelope without keys', async () => {
    const { bucket } = memoryBucket({ provider: createTestProvider({ materialDescription: { k: 'a' } }) })
    await bucket.put('a', pattern(1000), { metadata: { Mine: 'yes' }, contentType: 'text/x' })
    const head = await bucket.head('a')
    expect(head).toMatchObject({
      key: 'a',
      sizeBytes: 1000,
      metadata: { mine: 'yes' },
      contentType: 'text/x',
    })
    expect(head.envelope).toEqual({
      version: 2,
      cekAlgorithm: 'AES/CTR/NoPadding',
      wrapAlgorithm: 'TEST/AES-KW',
      materialDescription: { k: 'a' },
      unencryptedContentLength: 1000,
    })
  })

  test('head of a plain object has no envelope; of a damaged one it throws', async () => {
    const { bucket, transport } = memoryBucket()
    await transport.plant('plain', pattern(5), {})
    expect((await bucket.head('plain')).envelope).toBeUndefined()
    await transport.plant('damaged', pattern(5), { 'x-oss-meta-client-side-encryption-key': 'x' })
    await expect(bucket.head('damaged')).rejects.toEqual(code('ERR_CSE_ENVELOPE_DAMAGED'))
  })

  test('exists returns true, false, and rejects when the service gives no result', async () => {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', 'x')
    expect(await bucket.exists('a')).toBe(true)
    expect(await bucket.exists('b')).toBe(false)
    transport.intercept = () => {
      throw new CseError('ERR_CSE_ACCESS_DENIED', 'no')
    }
    await expect(bucket.exists('a')).rejects.toEqual(code('ERR_CSE_ACCESS_DENIED'))
    transport.intercept = () => {
      throw new TransportError('ERR_CSE_NOT_FOUND', 'no bucket', {
        serviceCode: 'NoSuchBucket',
        retryable: false,
      })
    }
    await expect(bucket.exists('a')).rejects.toEqual(code('ERR_CSE_NOT_FOUND'))
  })
})

describe('list, delete, copy', () => {
  test('a listing reads all pages and groups prefixes', async () => {
    const { bucket, transport } = memoryBucket()
    for (let i = 0; i < 2500; i++) await transport.plant(`k/${String(i).padStart(4, '0')}`, new Uint8Array(1))
    await transport.plant('k/sub/x', new Uint8Array(1))
    const keys: string[] = []
    for await (const entry of bucket.list({ prefix: 'k/', delimiter: '/' })) {
      keys.push(entry.type === 'object' ? entry.key : entry.prefix)
    }
    expect(keys.length).toBe(2501)
    expect(new Set(keys).size).toBe(2501)
    expect(keys).toContain('k/sub/')
    expect(transport.requests.filter(({ operation }) => operation === 'list')).toHaveLength(3)
  })

  test('a listing requests no page that is not read', async () => {
    const { bucket, transport } = memoryBucket()
    for (let i = 0; i < 1500; i++) await transport.plant(`${i}`, new Uint8Array(1))
    for await (const _ of bucket.list()) break
    expect(transport.requests.filter(({ operation }) => operation === 'list')).toHaveLength(1)
  })

  test('deleteMany sends 1,000 keys per request', async () => {
    const { bucket, transport } = memoryBucket()
    const keys = Array.from({ length: 2001 }, (_, i) => `k${i}`)
    expect(await bucket.deleteMany(keys)).toEqual(keys)
    expect(transport.requests.filter(({ operation }) => operation === 'deleteMany')).toHaveLength(3)
  })

  test('a copy is decrypted like its source', async () => {
    const { bucket } = memoryBucket()
    await bucket.put('a', pattern(100), { metadata: { m: '1' } })
    await bucket.copy('a', 'b')
    expect(await bucket.getBytes('b')).toEqual(pattern(100))
    expect((await bucket.head('b')).metadata).toEqual({ m: '1' })
  })

  test.each([
    { 'x-oss-metadata-directive': 'REPLACE' },
    { 'X-Oss-Meta-A': 'b' },
    { 'Content-Type': 'text/plain' },
    { 'cache-control': 'no-cache' },
    { 'x-oss-process': 'image/resize' },
  ])('a copy with %j would replace the envelope: refused before any request', async (headers) => {
    const { bucket, transport } = memoryBucket()
    await expect(bucket.copy('a', 'b', { headers })).rejects.toEqual(code('ERR_CSE_OPERATION_REFUSED'))
    expect(transport.requests).toEqual([])
  })
})

test.each([{ 'x-oss-copy-source': '/other/secret' }, { 'x-a\r\nb': 'c' }, { 'x-oss-object-acl': 'a\r\nb' }])(
  'a copy with the header %j is refused before any request',
  async (headers) => {
    const { bucket, transport } = memoryBucket()
    await expect(bucket.copy('a', 'b', { headers })).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    expect(transport.requests).toEqual([])
  },
)

test('a deletion uses the key of its own call', async () => {
  const { bucket, transport } = memoryBucket()
  await bucket.put('a', 'x')
  await bucket.put('z', 'x')
  const options = { key: 'z', versionId: undefined }
  await bucket.delete('a', options)
  expect([...transport.objects.keys()]).toEqual(['z'])
})

test('repeatable requests are retried when the service is busy', async () => {
  const { bucket, transport } = memoryBucket()
  await bucket.put('a', 'x')
  let busy = true
  transport.intercept = () => {
    busy = !busy
    if (!busy) throw new TransportError('ERR_CSE_SERVICE', 'busy', { status: 503, retryable: true })
  }
  const keys: string[] = []
  for await (const entry of bucket.list()) if (entry.type === 'object') keys.push(entry.key)
  expect(keys).toEqual(['a'])
  expect(await bucket.exists('a')).toBe(true)
  await bucket.copy('a', 'b')
  await bucket.delete('a')
  expect(await bucket.deleteMany(['b'])).toEqual(['b'])
})

test.each(['put', 'get', 'head', 'delete'] as const)(
  '%s refuses an empty key before any request',
  async (operation) => {
    const { bucket, transport } = memoryBucket()
    await expect(bucket[operation]('', '' as never)).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    expect(transport.requests).toEqual([])
  },
)
