import { CseError, concatBytes, decodeEnvelope, Keyring, TransportError } from '@oss-cse/crypto-core'
import { createCrc64, V2_HEADERS } from '@oss-cse/crypto-core/internal'
import { createTestProvider, MemoryTransport } from '@oss-cse/crypto-core/testing'
import { describe, expect, test } from 'vitest'
import { chunked, pattern } from '../../test/bytes.ts'
import { memoryBucket } from '../../test/memory-bucket.ts'
import { CryptoBucket } from '../crypto-bucket.ts'
import type { Progress } from '../policy/progress.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const busy = new TransportError('ERR_CSE_SERVICE', 'busy', { status: 503, requestId: 'R1', retryable: true })

function failing(transport: MemoryTransport, times: number, error: unknown): void {
  let left = times
  transport.intercept = () => {
    if (left-- > 0) throw error
  }
}

const bytes = pattern(70_000)
const bodies = [
  { what: 'bytes', body: () => bytes, known: true },
  { what: 'a Blob', body: () => new Blob([bytes as Uint8Array<ArrayBuffer>]), known: true },
  { what: 'a Web stream', body: () => new Blob([bytes as Uint8Array<ArrayBuffer>]).stream(), known: false },
  { what: 'an async iterable', body: () => chunked(bytes, 1000, 1), known: false },
  {
    what: 'a reopenable source',
    body: () => ({ sizeBytes: bytes.length, open: () => chunked(bytes, 999) }),
    known: true,
  },
  { what: 'a source of unknown length', body: () => ({ open: () => chunked(bytes, 999) }), known: false },
]

test.each(bodies)('$what is stored as ciphertext and read back unchanged', async ({ body, known }) => {
  const { bucket, transport } = memoryBucket()
  const result = await bucket.put('a', body())
  const stored = transport.objects.get('a')
  expect(stored?.bytes.length).toBe(bytes.length)
  expect(stored?.bytes).not.toEqual(bytes)
  expect(result).toMatchObject({
    key: 'a',
    sizeBytes: bytes.length,
    verification: 'crc64',
    etag: stored?.etag,
  })
  expect(stored?.headers[V2_HEADERS.unencryptedContentLength]).toBe(known ? String(bytes.length) : undefined)
  expect(await bucket.getBytes('a')).toEqual(bytes)
})

test('a string is stored as UTF-8', async () => {
  const { bucket } = memoryBucket()
  await bucket.put('a', 'grüße 😀')
  expect(new TextDecoder().decode(await bucket.getBytes('a'))).toBe('grüße 😀')
})

test('every size around a block and a chunk is read back unchanged, with known and unknown length', async () => {
  const { bucket } = memoryBucket()
  for (const size of [...Array.from({ length: 34 }, (_, i) => i), 262_143, 262_144, 262_145, 1_048_577]) {
    const data = pattern(size)
    await bucket.put('known', data)
    expect(await bucket.getBytes('known')).toEqual(data)
    // A generator that yields nothing could be one that was read before.
    await bucket.put('unknown', size > 0 ? chunked(data, 65_536, 3) : new Blob([]).stream())
    expect(await bucket.getBytes('unknown')).toEqual(data)
  }
})

test('two uploads of the same bytes have different keys, IVs and ciphertexts', async () => {
  const { bucket, transport } = memoryBucket()
  await bucket.put('a', bytes)
  const first = transport.objects.get('a')
  await bucket.put('a', bytes)
  const second = transport.objects.get('a')
  expect(first?.bytes).not.toEqual(second?.bytes)
  for (const name of [V2_HEADERS.wrappedCek, V2_HEADERS.wrappedIv])
    expect(first?.headers[name]).not.toBe(second?.headers[name])
})

describe('headers', () => {
  test('metadata, content type and any header that the service understands are passed on', async () => {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', bytes, {
      metadata: { Author: 'me' },
      contentType: 'text/x-test',
      headers: {
        'X-Oss-Object-Acl': 'private',
        'x-oss-storage-class': 'IA',
        'x-oss-tagging': 'a=1',
        'Content-Disposition': 'attachment',
        'x-oss-forbid-overwrite': 'true',
        'x-oss-server-side-encryption': 'AES256',
        'x-oss-callback': 'e30=',
        'x-oss-meta-other': 'too',
      },
    })
    expect(transport.requests[0]?.headers).toMatchObject({
      'x-oss-meta-author': 'me',
      'x-oss-meta-other': 'too',
      'content-type': 'text/x-test',
      'x-oss-object-acl': 'private',
      'x-oss-storage-class': 'IA',
      'x-oss-tagging': 'a=1',
      'content-disposition': 'attachment',
      'x-oss-forbid-overwrite': 'true',
      'x-oss-server-side-encryption': 'AES256',
      'x-oss-callback': 'e30=',
    })
  })

  test('a Content-MD5 of the plaintext goes into the envelope, never as Content-MD5', async () => {
    const { bucket, transport } = memoryBucket()
    const md5 = 'XUFAKrxLKna5cZ2REBfFkg=='
    for (const options of [{ contentMd5: md5 }, { headers: { 'Content-MD5': md5 } }]) {
      await bucket.put('a', 'hello', options)
      const headers = transport.requests.at(-1)?.headers ?? {}
      expect(headers['content-md5']).toBeUndefined()
      expect(headers[V2_HEADERS.unencryptedContentMd5]).toBe(md5)
    }
  })

  test.each([
    [
      'an envelope header',
      { headers: { 'X-Oss-Meta-Client-Side-Encryption-Key': 'x' } },
      'ERR_CSE_INVALID_ARGUMENT',
    ],
    ['an old envelope header', { headers: { 'x-oss-meta-oss-crypto-key': 'x' } }, 'ERR_CSE_INVALID_ARGUMENT'],
    [
      'envelope metadata',
      { metadata: { 'client-side-encryption-matdesc': '{}' } },
      'ERR_CSE_INVALID_ARGUMENT',
    ],
    ['a Content-Length', { headers: { 'Content-Length': '5' } }, 'ERR_CSE_INVALID_ARGUMENT'],
    ['a checksum of the plaintext', { headers: { 'x-oss-hash-crc64ecma': '5' } }, 'ERR_CSE_INVALID_ARGUMENT'],
    [
      'a line break in a header name',
      { headers: { 'x-a\r\nx-oss-object-acl': 'public-read' } },
      'ERR_CSE_INVALID_ARGUMENT',
    ],
    ['a header that is not ASCII', { headers: { 'content-disposition': 'ü' } }, 'ERR_CSE_INVALID_ARGUMENT'],
    [
      'a header given twice',
      { headers: { 'cache-control': 'a', 'Cache-Control': 'b' } },
      'ERR_CSE_INVALID_ARGUMENT',
    ],
    [
      'a content type that contradicts the header',
      { contentType: 'a/b', headers: { 'Content-Type': 'c/d' } },
      'ERR_CSE_INVALID_ARGUMENT',
    ],
    [
      'metadata that contradicts the header',
      { metadata: { m: '1' }, headers: { 'x-oss-meta-m': '2' } },
      'ERR_CSE_INVALID_ARGUMENT',
    ],
    ['a line break in a header', { headers: { 'cache-control': 'a\r\nx: y' } }, 'ERR_CSE_INVALID_ARGUMENT'],
    [
      'processing on the server',
      { headers: { 'x-oss-process': 'image/resize' } },
      'ERR_CSE_OPERATION_REFUSED',
    ],
    ['metadata that is not ASCII', { metadata: { a: 'ü' } }, 'ERR_CSE_INVALID_ARGUMENT'],
    ['an invalid MD5', { contentMd5: 'abc' }, 'ERR_CSE_INVALID_ARGUMENT'],
    ['an MD5 with stray low bits', { contentMd5: 'XUFAKrxLKna5cZ2REBfFkh==' }, 'ERR_CSE_INVALID_ARGUMENT'],
    ['too much metadata', { metadata: { a: 'x'.repeat(8200) } }, 'ERR_CSE_METADATA_TOO_LARGE'],
    [
      'metadata that leaves no room for the envelope',
      { metadata: { a: 'x'.repeat(8100) } },
      'ERR_CSE_METADATA_TOO_LARGE',
    ],
    ['a length that contradicts the body', { sizeBytes: 4 }, 'ERR_CSE_INVALID_ARGUMENT'],
  ])('%s is refused before any request', async (_what, options, expected) => {
    const { bucket, transport } = memoryBucket()
    await expect(bucket.put('a', 'hello', options)).rejects.toEqual(code(expected))
    expect(transport.requests).toEqual([])
  })

  test('a header named like a property of every object is an ordinary header', async () => {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', 'x', { headers: { constructor: '1' } })
    expect(transport.requests[0]?.headers).toHaveProperty('constructor', '1')
  })

  test.each(['__proto__', 'constructor', 'Constructor', 'prototype'])(
    'metadata named %s is refused before any request, as an option and as a header',
    async (name) => {
      const { bucket, transport } = memoryBucket()
      const options = [{ metadata: { [name]: 'x' } }, { headers: { [`x-oss-meta-${name}`]: 'x' } }]
      for (const given of options) {
        await expect(bucket.put('a', 'x', given)).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
        const upload = { ...given, sizeBytes: 1, partSizeBytes: 102_400 }
        await expect(bucket.initiateMultipartUpload('a', upload)).rejects.toEqual(
          code('ERR_CSE_INVALID_ARGUMENT'),
        )
      }
      expect(transport.requests).toEqual([])
    },
  )

  test('a header named __proto__ is refused, and not lost', async () => {
    const { bucket, transport } = memoryBucket()
    const headers = { ['__proto__']: 'x' }
    await expect(bucket.put('a', 'x', { headers })).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    expect(transport.requests).toEqual([])
  })

  test.each([5, null, undefined, {}, ['a'], new Date(0)])(
    'the body %j is refused before any request',
    async (body) => {
      const { bucket, transport } = memoryBucket()
      await expect(bucket.put('a', body as never)).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
      expect(transport.requests).toEqual([])
    },
  )
})

describe('a source that fails', () => {
  test('rejects with its own error as the cause, and leaves the object unchanged', async () => {
    const { bucket } = memoryBucket()
    await bucket.put('a', 'old')
    const broken = new Error('disk')
    async function* source(): AsyncGenerator<Uint8Array> {
      yield pattern(500_000)
      throw broken
    }
    await expect(bucket.put('a', source())).rejects.toMatchObject({
      code: 'ERR_CSE_SOURCE',
      cause: broken,
      objectKey: 'a',
    })
    expect(await bucket.getBytes('a')).toEqual(new TextEncoder().encode('old'))
  })

  test.each([
    ['is shorter than announced', 10_001],
    ['is longer than announced', 9_999],
  ])('%s: nothing is stored', async (_what, sizeBytes) => {
    const { bucket, transport } = memoryBucket()
    await expect(bucket.put('a', chunked(pattern(10_000), 100), { sizeBytes })).rejects.toEqual(
      code('ERR_CSE_SOURCE'),
    )
    expect(transport.objects.size).toBe(0)
  })

  test.each([
    [{ a: 1 }],
    [5],
    [undefined],
    [[1, 2]],
    [new ArrayBuffer(3)],
    [new Uint16Array(3)],
    [new Date(0)],
  ])('with a chunk of %o, which is neither bytes nor text, stores nothing', async (wrong) => {
    const { bucket, transport } = memoryBucket()
    for (const chunks of [[wrong], ['abc', wrong, 'def']]) {
      async function* source(): AsyncGenerator<Uint8Array> {
        yield* chunks as never[]
      }
      await expect(bucket.put('a', source())).rejects.toEqual(code('ERR_CSE_SOURCE'))
    }
    expect(transport.objects.size).toBe(0)
  })
})

describe('retries', () => {
  test('bytes and reopenable sources are sent again, each time under a new key', async () => {
    for (const body of [
      bytes,
      { open: () => chunked(bytes, 1000) },
      new Blob([bytes as Uint8Array<ArrayBuffer>]),
    ]) {
      const { bucket, transport, log } = memoryBucket()
      failing(transport, 3, busy)
      await bucket.put('a', body)
      expect(await bucket.getBytes('a')).toEqual(bytes)
      const puts = transport.requests.filter(({ operation }) => operation === 'put')
      expect(puts).toHaveLength(4)
      expect(new Set(puts.map(({ headers }) => headers[V2_HEADERS.wrappedCek])).size).toBe(4)
      expect(log).toEqual(
        [1, 2, 3].map((attempt) => ({
          type: 'retry',
          operation: 'put',
          key: 'a',
          attempt,
          code: 'ERR_CSE_SERVICE',
          requestId: 'R1',
        })),
      )
    }
  })

  test('a stream is never sent again', async () => {
    const { bucket, transport } = memoryBucket()
    failing(transport, 1, busy)
    await expect(bucket.put('a', chunked(bytes, 1000))).rejects.toBe(busy)
    expect(transport.requests).toHaveLength(1)
  })

  test('after the last attempt the failure is thrown unchanged', async () => {
    const { bucket, transport } = memoryBucket({ retry: { maxAttempts: 2, minDelayMs: 0, maxDelayMs: 0 } })
    failing(transport, 9, busy)
    await expect(bucket.put('a', bytes)).rejects.toBe(busy)
    expect(transport.requests).toHaveLength(2)
  })

  test('a permanent failure is not retried', async () => {
    const { bucket, transport } = memoryBucket()
    failing(
      transport,
      9,
      new TransportError('ERR_CSE_ACCESS_DENIED', 'no', { status: 403, retryable: false }),
    )
    await expect(bucket.put('a', bytes)).rejects.toEqual(code('ERR_CSE_ACCESS_DENIED'))
    expect(transport.requests).toHaveLength(1)
  })

  test('bytes that the service stored wrongly are sent again, or reported', async () => {
    const { bucket, transport } = memoryBucket()
    const put = transport.put.bind(transport)
    let wrong = 1
    transport.put = async (request) => {
      const response = await put(request)
      return wrong-- > 0
        ? { ...response, headers: { ...response.headers, 'x-oss-hash-crc64ecma': '1' } }
        : response
    }
    await bucket.put('a', bytes)
    wrong = 99
    await expect(bucket.put('b', bytes)).rejects.toEqual(code('ERR_CSE_INTEGRITY'))
    wrong = 99
    await expect(bucket.put('c', chunked(bytes, 5000))).rejects.toEqual(code('ERR_CSE_INTEGRITY'))
  })

  test('a service that returns no checksum is no failure, and the result says so', async () => {
    const { bucket, transport } = memoryBucket()
    const put = transport.put.bind(transport)
    transport.put = async (request) => ({ ...(await put(request)), headers: {} })
    const crc = createCrc64()
    const result = await bucket.put('a', bytes)
    crc.update(transport.objects.get('a')?.bytes ?? new Uint8Array())
    expect(result).toMatchObject({ verification: 'none', crc64: String(crc.value()) })
  })
})

describe('abort', () => {
  test('before the request: throws the reason and sends nothing', async () => {
    const { bucket, transport } = memoryBucket()
    for (const reason of [new Error('stop'), 'a plain text']) {
      await expect(bucket.put('a', bytes, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    }
    expect(transport.requests).toEqual([])
  })

  test('between attempts and during a request: throws the reason, of any type', async () => {
    for (const reason of [new Error('stop'), 'a plain text']) {
      const { bucket, transport } = memoryBucket()
      const controller = new AbortController()
      transport.intercept = () => {
        controller.abort(reason)
        throw busy
      }
      await expect(bucket.put('a', bytes, { signal: controller.signal })).rejects.toBe(reason)
      const sending = new AbortController()
      transport.intercept = undefined
      const source = {
        async *open(): AsyncGenerator<Uint8Array> {
          yield pattern(300_000)
          sending.abort(reason)
          yield pattern(300_000)
        },
      }
      await expect(bucket.put('a', source, { signal: sending.signal })).rejects.toBe(reason)
      expect(transport.objects.size).toBe(0)
    }
  })
})

test('progress never decreases, even across retries, and ends at the total', async () => {
  const { bucket, transport } = memoryBucket()
  const put = transport.put.bind(transport)
  let calls = 0
  transport.put = async (request) => {
    calls += 1
    if (calls > 1) return put(request)
    const iterator = request.body.open()[Symbol.asyncIterator]()
    for (let i = 0; i < 2; i++) await iterator.next()
    await iterator.return?.()
    throw busy
  }
  const seen: Progress[] = []
  const data = pattern(1_000_000)
  await bucket.put(
    'a',
    { sizeBytes: data.length, open: () => chunked(data, 262_144) },
    { onProgress: (progress) => seen.push(progress) },
  )
  const counts = seen.map(({ transferredBytes }) => transferredBytes)
  expect(counts).toEqual([...new Set(counts)].sort((a, b) => a - b))
  expect(counts.at(-1)).toBe(data.length)
  expect(new Set(seen.map(({ totalBytes }) => totalBytes))).toEqual(new Set([data.length]))
})

test('progress counts sent bytes if the transport reports them, and not pulled ones', async () => {
  const { bucket, transport } = memoryBucket()
  const seen: number[] = []
  const onProgress = ({ transferredBytes }: Progress): void => void seen.push(transferredBytes)
  const put = transport.put.bind(transport)
  // Like a transport on `fetch`: it collects the whole body before a byte leaves.
  transport.put = async (request) => {
    const { onSentBytes, body } = request
    onSentBytes?.(0)
    const chunks: Uint8Array[] = []
    for await (const chunk of body.open()) chunks.push(chunk)
    expect(seen).toEqual([0])
    onSentBytes?.(400_000)
    onSentBytes?.(900_000)
    const { onSentBytes: _, ...rest } = request
    return put({ ...rest, body: { open: () => chunked(concatBytes(chunks), 65_536) } })
  }
  await bucket.put('a', pattern(1_000_000), { onProgress })
  expect(seen).toEqual([0, 400_000, 900_000, 1_000_000])

  // A transport that does not report is assumed to send what it pulls.
  seen.length = 0
  transport.put = ({ onSentBytes: _, ...request }) => put(request)
  await bucket.put(
    'a',
    { sizeBytes: 300_000, open: () => chunked(pattern(300_000), 100_000) },
    { onProgress },
  )
  expect(seen).toEqual([0, 100_000, 200_000, 300_000])
})

test('after credentials were refused a reopenable body is sent once more, and a stream is not', async () => {
  const refused = new TransportError('ERR_CSE_CREDENTIALS_EXPIRED', 'expired', {
    retryable: true,
    status: 403,
  })
  const once = { maxAttempts: 1 }
  const { bucket, transport } = memoryBucket({ retry: once })
  failing(transport, 1, refused)
  await bucket.put('a', 'text')
  expect(transport.requests).toHaveLength(2)
  const streams = memoryBucket({ retry: once })
  failing(streams.transport, 1, refused)
  await expect(streams.bucket.put('a', new Blob(['text']).stream())).rejects.toBe(refused)
  expect(streams.transport.requests).toHaveLength(1)
})

test('a progress listener or a logger that throws has no effect', async () => {
  const broken = () => {
    throw new Error('display')
  }
  const { bucket, transport } = memoryBucket({ logger: broken })
  failing(transport, 2, busy)
  await bucket.put('a', bytes, { onProgress: broken })
  expect(await bucket.getBytes('a', { onProgress: broken })).toEqual(bytes)
})

test('the content key is wiped when the cipher has it, and after a failure', async () => {
  const keys: Uint8Array[] = []
  class WatchedKeyring extends Keyring {
    override async generate(...args: Parameters<Keyring['generate']>): ReturnType<Keyring['generate']> {
      const made = await super.generate(...args)
      keys.push(made.contentKey.cek)
      return made
    }
  }
  const keyring = new WatchedKeyring({ encrypting: createTestProvider() })
  const { bucket, transport } = memoryBucket({ keyring })
  await bucket.put('a', bytes)
  expect(await bucket.getBytes('a')).toEqual(bytes)
  failing(transport, 1, new CseError('ERR_CSE_SERVICE', 'x'))
  await bucket.put('a', bytes).catch(() => {})
  expect(keys).toHaveLength(2)
  for (const cek of keys) expect(cek).toEqual(new Uint8Array(32))
})

describe('a stream', () => {
  const streams = [
    { what: 'an async generator', make: () => chunked(bytes, 1000) },
    { what: 'a Web stream', make: () => new Blob([bytes as Uint8Array<ArrayBuffer>]).stream() },
  ]
  test.each(streams)('that was uploaded once is refused the second time: $what', async ({ make }) => {
    const { bucket, transport } = memoryBucket()
    const stream = make()
    await bucket.put('a', stream)
    transport.requests.length = 0
    await expect(bucket.put('a', stream)).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    expect(transport.requests).toEqual([])
    expect(await bucket.getBytes('a')).toEqual(bytes)
  })

  test('that is being uploaded is refused a second time', async () => {
    const { bucket } = memoryBucket()
    const stream = chunked(bytes, 1000)
    const outcomes = await Promise.allSettled([bucket.put('a', stream), bucket.put('b', stream)])
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })

  test('that is locked by another reader is refused before any request', async () => {
    const { bucket, transport } = memoryBucket()
    const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream()
    stream.getReader()
    await expect(bucket.put('a', stream)).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    expect(transport.requests).toEqual([])
  })

  test('is closed when the upload fails before it was opened', async () => {
    const provider = { ...createTestProvider(), generateContentKey: () => Promise.reject(new Error('down')) }
    const { bucket } = memoryBucket({ provider })
    let cancelled = false
    const stream = new ReadableStream<Uint8Array>({
      cancel() {
        cancelled = true
      },
    })
    await expect(bucket.put('a', stream)).rejects.toThrow('down')
    expect(cancelled).toBe(true)
  })

  test('of one huge chunk is sent in slices', async () => {
    const { bucket, transport } = memoryBucket()
    const sizes: number[] = []
    const put = transport.put.bind(transport)
    transport.put = (request) => {
      const { open } = request.body
      const watched = async function* (): AsyncGenerator<Uint8Array> {
        for await (const chunk of open()) {
          sizes.push(chunk.length)
          yield chunk
        }
      }
      return put({ ...request, body: { ...request.body, open: watched } })
    }
    await bucket.put('a', chunked(pattern(5_000_000)))
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1024 * 1024)
  })
})

describe('a transport that violates its contract', () => {
  test('cannot open a body twice, which would encrypt two texts under one key', async () => {
    const { bucket, transport } = memoryBucket()
    transport.put = async ({ body }) => {
      for await (const _ of body.open());
      for await (const _ of body.open());
      return { status: 200, headers: {} }
    }
    await expect(bucket.put('a', bytes)).rejects.toEqual(code('ERR_CSE_CIPHER_REUSED'))
  })

  test.each([
    ['nothing', 0],
    ['the first chunk', 1],
  ])('and reads %s of the body is not a success', async (_what, chunks) => {
    const { bucket, transport } = memoryBucket()
    transport.put = async ({ body }) => {
      const iterator = body.open()[Symbol.asyncIterator]()
      for (let i = 0; i < chunks; i++) await iterator.next()
      return { status: 200, headers: {} }
    }
    for (const input of [pattern(3_000_000), chunked(pattern(3_000_000), 500_000)]) {
      await expect(bucket.put('a', input)).rejects.toEqual(code('ERR_CSE_INTEGRITY'))
    }
  })

  test('and stops at the announced length is not a success, because it did not check the end', async () => {
    const { bucket, transport } = memoryBucket()
    const put = transport.put.bind(transport)
    transport.put = (request) => {
      const open = async function* (): AsyncGenerator<Uint8Array> {
        let left = bytes.length
        for await (const chunk of request.body.open()) {
          yield chunk
          left -= chunk.length
          if (left === 0) return
        }
      }
      return put({ ...request, body: { sizeBytes: bytes.length, open } })
    }
    const error = await bucket.put('a', bytes).catch((thrown: unknown) => thrown)
    expect(error).toEqual(code('ERR_CSE_INTEGRITY'))
    expect(String(error)).toContain('The transport did not read the body of a to its end')
  })
})

describe('if overwriting is forbidden', () => {
  const headers = { 'x-oss-forbid-overwrite': 'true' }

  test('an upload whose response was lost is recognized as stored', async () => {
    const { bucket, transport } = memoryBucket()
    const put = transport.put.bind(transport)
    let lost = 1
    transport.put = async (request) => {
      const response = await put(request)
      if (lost-- > 0) throw new TransportError('ERR_CSE_NETWORK', 'reset', { retryable: true })
      return response
    }
    expect(await bucket.put('a', bytes, { headers })).toMatchObject({
      sizeBytes: bytes.length,
      verification: 'crc64',
      etag: transport.objects.get('a')?.etag,
    })
    expect(await bucket.getBytes('a')).toEqual(bytes)
  })

  test('another writer’s object is not taken for ours', async () => {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', 'theirs')
    let failures = 1
    transport.intercept = ({ operation }) => {
      if (operation === 'put' && failures-- > 0) throw busy
    }
    await expect(bucket.put('a', bytes, { headers })).rejects.toEqual(code('ERR_CSE_PRECONDITION_FAILED'))
  })

  test('another writer’s object that is damaged or cannot be read leaves the refusal unchanged', async () => {
    for (const headers of [
      { 'x-oss-meta-client-side-encryption-key': 'alone' },
      { 'x-oss-meta-oss-crypto-key': 'alone' },
    ]) {
      for (const isSeen of [true, false]) {
        const { bucket, transport } = memoryBucket({
          retry: { maxAttempts: 2, minDelayMs: 0, maxDelayMs: 0 },
        })
        await transport.put({ key: 'a', headers, body: { open: async function* () {} } })
        let failures = 1
        transport.intercept = ({ operation }) => {
          if (operation === 'put' && failures-- > 0) throw busy
          if (operation === 'head' && !isSeen) throw busy
        }
        await expect(
          bucket.put('a', bytes, { headers: { 'x-oss-forbid-overwrite': 'true' } }),
        ).rejects.toEqual(code('ERR_CSE_PRECONDITION_FAILED'))
      }
    }
  })

  test('bytes that the service stored wrongly are reported at once', async () => {
    const { bucket, transport } = memoryBucket()
    const put = transport.put.bind(transport)
    transport.put = async (request) => ({ ...(await put(request)), headers: { 'x-oss-hash-crc64ecma': '1' } })
    await expect(bucket.put('a', bytes, { headers })).rejects.toEqual(code('ERR_CSE_INTEGRITY'))
    expect(transport.requests).toHaveLength(1)
  })
})

test('a master key that cannot wrap fails the upload before any request', async () => {
  const broken = new Error('key service down')
  const provider = { ...createTestProvider(), generateContentKey: () => Promise.reject(broken) }
  const { bucket, transport } = memoryBucket({ provider })
  await expect(bucket.put('a', bytes)).rejects.toBe(broken)
  expect(transport.requests).toEqual([])
})

test('the response of the callback server is returned', async () => {
  const { bucket, transport } = memoryBucket()
  const put = transport.put.bind(transport)
  const data = new TextEncoder().encode('{"stored":true}')
  transport.put = async (request) => ({ ...(await put(request)), data })
  expect((await bucket.put('a', bytes, { headers: { 'x-oss-callback': 'e30=' } })).callbackData).toEqual(data)
  transport.put = put
  expect(await bucket.put('a', bytes)).not.toHaveProperty('callbackData')
})

test('the envelope names the encrypting material of the keyring', async () => {
  const keyring = new Keyring({
    encrypting: createTestProvider({ seed: 2, materialDescription: { k: 'new' } }),
    decrypting: [createTestProvider({ seed: 1, materialDescription: { k: 'old' } })],
  })
  const transport = new MemoryTransport()
  await new CryptoBucket({ transport, keyring }).put('a', bytes)
  expect(decodeEnvelope(transport.objects.get('a')?.headers ?? {})?.materialDescription).toEqual({ k: 'new' })
})

test('a body that is longer than one upload can hold is refused before any request', async () => {
  const { bucket, transport } = memoryBucket()
  const source = { sizeBytes: 5 * 1024 ** 3 + 1, open: () => chunked(bytes, 1) }
  await expect(bucket.put('a', source)).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
  await expect(bucket.put('a', chunked(bytes, 1), { sizeBytes: source.sizeBytes })).rejects.toEqual(
    code('ERR_CSE_INVALID_ARGUMENT'),
  )
  expect(transport.requests).toEqual([])
})

test('the body is pulled while it is sent: a transport that stops reading stops the source', async () => {
  const { bucket, transport } = memoryBucket()
  let pulled = 0
  async function* source(): AsyncGenerator<Uint8Array> {
    for (;;) {
      pulled += 1
      yield pattern(262_144)
    }
  }
  transport.put = async (request) => {
    const iterator = request.body.open()[Symbol.asyncIterator]()
    await iterator.next()
    await iterator.next()
    expect(pulled).toBeLessThanOrEqual(3)
    await iterator.return?.()
    throw busy
  }
  await expect(bucket.put('a', source())).rejects.toBe(busy)
})
