import { type ByteRange, concatBytes, Keyring, TransportError } from '@oss-cse/crypto-core'
import { V2_HEADERS } from '@oss-cse/crypto-core/internal'
import { createTestProvider, MemoryTransport } from '@oss-cse/crypto-core/testing'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { broken, chunked, difference, pattern } from '../../test/bytes.ts'
import { memoryBucket } from '../../test/memory-bucket.ts'
import { CryptoBucket } from '../crypto-bucket.ts'
import type { Progress } from '../policy/progress.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const reset = () => new TransportError('ERR_CSE_NETWORK', 'reset', { retryable: true })

/** Changes an object like an attacker with write access to the bucket, with or without a matching checksum. */
async function tamper(
  transport: MemoryTransport,
  change: (object: { headers: Record<string, string>; bytes: Uint8Array }) => void,
  keepChecksum = false,
): Promise<void> {
  const stored = transport.objects.get('a')
  if (stored === undefined) throw new Error('nothing is stored')
  const copy = { headers: { ...stored.headers }, bytes: Uint8Array.from(stored.bytes) }
  change(copy)
  await transport.plant('a', copy.bytes, copy.headers)
  const planted = transport.objects.get('a')
  if (keepChecksum && planted) transport.objects.set('a', { ...planted, crc64: stored.crc64 })
}

async function toTheEnd(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  while (!(await reader.read()).done);
}

describe('one get', () => {
  test('is one request without a HEAD before it, and requests the stored bytes unchanged', async () => {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', pattern(100))
    transport.requests.length = 0
    await bucket.getBytes('a')
    await bucket.getBytes('a', { range: '5-9' })
    expect(transport.requests.map(({ operation }) => operation)).toEqual(['get', 'get'])
    expect(transport.requests[0]?.headers).toEqual({ 'accept-encoding': 'identity' })
    expect(transport.requests[1]?.headers).toEqual({
      'accept-encoding': 'identity',
      range: 'bytes=0-9',
      'x-oss-range-behavior': 'standard',
    })
  })

  test('returns sizes, metadata and verification', async () => {
    const { bucket } = memoryBucket()
    await bucket.put('a', pattern(100), { metadata: { m: '1' }, contentType: 'text/x' })
    const whole = await bucket.get('a')
    expect(whole).toMatchObject({
      key: 'a',
      sizeBytes: 100,
      totalBytes: 100,
      verification: 'crc64',
      metadata: { m: '1' },
      contentType: 'text/x',
    })
    expect(whole.contentRange).toBeUndefined()
    expect(JSON.stringify(whole.envelope)).not.toContain('wrapped')
    await whole.body.cancel()
    const range = await bucket.get('a', { range: { start: 90, end: 200 } })
    expect(range).toMatchObject({
      sizeBytes: 10,
      totalBytes: 100,
      contentRange: 'bytes 90-99/100',
      verification: 'length',
    })
    await range.body.cancel()
  })

  test('returns a Web stream that works with getReader and with for await', async () => {
    const { bucket } = memoryBucket()
    await bucket.put('a', pattern(10))
    const { body } = await bucket.get('a')
    expect(body).toBeInstanceOf(ReadableStream)
    expect(new Uint8Array(await new Response(body).arrayBuffer())).toEqual(pattern(10))
    const again = await bucket.get('a')
    for await (const chunk of again.body) expect(chunk).toEqual(pattern(10))
  })

  test('does not read ahead of the caller', async () => {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', pattern(5_000_000))
    let pulled = 0
    transport.alterGet = (response) => ({
      ...response,
      body: (async function* () {
        for await (const chunk of response.body) {
          pulled += chunk.length
          yield chunk
        }
      })(),
    })
    const reader = (await bucket.get('a')).body.getReader()
    await reader.read()
    expect(pulled).toBeLessThan(2_000_000)
    await reader.cancel()
  })

  /** A body that counts how often it was closed. It ends only when it is closed or the signal aborts. */
  function endless(signal: AbortSignal | undefined, first: readonly Uint8Array[] = []) {
    const chunks = [...first]
    const state = { closed: 0 }
    const stalled = new Promise<IteratorResult<Uint8Array>>((_, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason))
    })
    stalled.catch(() => {})
    const iterator: AsyncIterator<Uint8Array> = {
      async next() {
        const value = chunks.shift()
        return value === undefined ? stalled : { done: false, value }
      },
      async return() {
        state.closed += 1
        return { done: true, value: undefined }
      },
    }
    return { state, body: { [Symbol.asyncIterator]: () => iterator } }
  }

  test.each([
    ['before the first read', 0, false],
    ['after a read', 1, false],
    ['during a read', 0, true],
    ['after a read, during the next', 1, true],
  ])('cancelling %s closes the connection at once', async (_when, reads, pending) => {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', pattern(1_000_000))
    let watched: ReturnType<typeof endless> | undefined
    transport.alterGet = (response, { signal }) => {
      watched = endless(signal, [pattern(300_000)])
      return { ...response, body: watched.body }
    }
    const reader = (await bucket.get('a')).body.getReader()
    for (let i = 0; i < reads; i++) await reader.read()
    const read = pending ? Promise.allSettled([reader.read()]) : undefined
    await reader.cancel()
    await read
    expect(watched?.state.closed).toBeGreaterThan(0)
  })

  test('cancelling after an interruption closes the second connection too', async () => {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', pattern(1_000_000))
    const bodies: ReturnType<typeof endless>[] = []
    transport.alterGet = (response, { signal }) => {
      if (bodies.length === 0) {
        bodies.push(endless(signal))
        return { ...response, body: broken(response.body, 300_000, reset()) }
      }
      const next = endless(signal)
      bodies.push(next)
      return { ...response, body: next.body }
    }
    const reader = (await bucket.get('a')).body.getReader()
    const pending = Promise.allSettled([toTheEnd(reader)])
    await vi.waitUntil(() => bodies.length === 2, { timeout: 30_000 })
    await reader.cancel()
    await pending
    expect(bodies[1]?.state.closed).toBeGreaterThan(0)
  })

  test('cancelling during the wait before a retry sends no further request', async () => {
    const { bucket, transport, log } = memoryBucket({ retry: { minDelayMs: 60_000, maxDelayMs: 60_000 } })
    await bucket.put('a', pattern(1_000_000))
    transport.requests.length = 0
    transport.alterGet = (response) => ({ ...response, body: broken(response.body, 300_000, reset()) })
    const reader = (await bucket.get('a')).body.getReader()
    const pending = Promise.allSettled([toTheEnd(reader)])
    await vi.waitUntil(() => log.length === 1, { timeout: 30_000 })
    await reader.cancel()
    await pending
    expect(transport.requests).toHaveLength(1)
  })

  test('the caller’s signal keeps no listener after the body ends, fails to open or is cancelled', async () => {
    const { bucket } = memoryBucket()
    await bucket.put('a', pattern(1000))
    const controller = new AbortController()
    const added = vi.spyOn(controller.signal, 'addEventListener')
    const removed = vi.spyOn(controller.signal, 'removeEventListener')
    await bucket.getBytes('a', { signal: controller.signal })
    await bucket.get('none', { signal: controller.signal }).catch(() => {})
    await (await bucket.get('a', { signal: controller.signal })).body.cancel()
    expect(added).toHaveBeenCalledTimes(3)
    expect(removed.mock.calls.length).toBeGreaterThanOrEqual(3)
  })
})

describe('ranges', () => {
  test('every range of small objects is exact, with either range behavior', async () => {
    for (const standard of [true, false]) {
      const { bucket, transport } = memoryBucket()
      if (!standard) {
        const get = transport.get.bind(transport)
        transport.get = (request) => {
          const { 'x-oss-range-behavior': _, ...headers } = request.headers
          return get({ ...request, headers })
        }
      }
      for (const size of [0, 1, 15, 16, 17, 33]) {
        const data = pattern(size)
        await bucket.put('a', data)
        const ranges: ByteRange[] = []
        for (let start = 0; start <= size + 17; start++) {
          ranges.push({ start })
          for (const end of [start, start + 1, start + 15, start + 16, size - 1, size].filter(
            (value) => value >= start,
          ))
            ranges.push({ start, end })
        }
        for (let suffixLength = 1; suffixLength <= size + 17; suffixLength++) ranges.push({ suffixLength })
        for (const range of ranges) {
          const read = bucket.getBytes('a', { range })
          const start = 'suffixLength' in range ? Math.max(0, size - range.suffixLength) : range.start
          const end = 'start' in range ? (range.end ?? size) + 1 : size
          if (start >= size)
            await expect(read, JSON.stringify(range)).rejects.toEqual(code('ERR_CSE_RANGE_NOT_SATISFIABLE'))
          else expect(await read, JSON.stringify(range)).toEqual(data.subarray(start, end))
        }
      }
    }
  })

  test('slice(get(all)) equals get(range), at any offsets and chunk sizes', async () => {
    const { bucket, transport } = memoryBucket()
    const data = pattern(700_000)
    await bucket.put('a', data)
    await fc.assert(
      fc.asyncProperty(
        fc.nat(data.length - 1),
        fc.nat(data.length),
        fc.integer({ min: 1, max: 300_000 }),
        async (start, length, chunkBytes) => {
          transport.chunkBytes = Math.max(chunkBytes, 1000)
          const end = Math.min(start + length, data.length - 1)
          expect(await bucket.getBytes('a', { range: { start, end } })).toEqual(data.subarray(start, end + 1))
        },
      ),
      { numRuns: 25 },
    )
  })

  test.each(['1-0', 'x', '', { start: -1 }, { start: 2, end: 1 }, { start: 0, end: 9, suffixLength: 5 }])(
    '%j is refused before any request',
    async (range) => {
      const { bucket, transport } = memoryBucket()
      await expect(bucket.get('a', { range })).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
      await expect(bucket.get('a', { headers: { Range: 'bytes=0-1' } })).rejects.toEqual(
        code('ERR_CSE_INVALID_ARGUMENT'),
      )
      expect(transport.requests).toEqual([])
    },
  )

  test('a response with another range than requested is not decrypted', async () => {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', pattern(200))
    for (const contentRange of ['bytes 64-95/200', undefined]) {
      transport.alterGet = ({ headers, ...response }) => {
        const { 'content-range': _, ...rest } = headers
        return {
          ...response,
          headers: contentRange === undefined ? rest : { ...rest, 'content-range': contentRange },
        }
      }
      await expect(bucket.get('a', { range: '32-63' })).rejects.toEqual(code('ERR_CSE_INTEGRITY'))
    }
  })
})

describe('integrity', () => {
  test('an object without an envelope is rejected, and passes only on request', async () => {
    const { bucket, transport } = memoryBucket()
    await transport.plant('a', pattern(100))
    await expect(bucket.get('a')).rejects.toEqual(code('ERR_CSE_NOT_ENCRYPTED'))
    await expect(bucket.get('a', { range: '1-2' })).rejects.toEqual(code('ERR_CSE_NOT_ENCRYPTED'))
    expect(await bucket.getBytes('a', { onPlainObject: 'passthrough' })).toEqual(pattern(100))
    expect(await bucket.getBytes('a', { onPlainObject: 'passthrough', range: '33-40' })).toEqual(
      pattern(100).subarray(33, 41),
    )
    const lenient = new CryptoBucket({
      transport,
      provider: createTestProvider(),
      onPlainObject: 'passthrough',
    })
    expect(await lenient.getBytes('a')).toEqual(pattern(100))
  })

  test('an object whose envelope was removed is rejected', async () => {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', pattern(100))
    await tamper(transport, (object) => {
      object.headers = {}
    })
    await expect(bucket.get('a')).rejects.toEqual(code('ERR_CSE_NOT_ENCRYPTED'))
  })

  test.each([
    [V2_HEADERS.wrappedCek, 'ERR_CSE_UNWRAP_FAILED', 'ERR_CSE_ENVELOPE_DAMAGED'],
    [V2_HEADERS.wrappedIv, 'ERR_CSE_UNWRAP_FAILED', 'ERR_CSE_ENVELOPE_DAMAGED'],
    [V2_HEADERS.cekAlgorithm, 'ERR_CSE_UNSUPPORTED_ALGORITHM', 'ERR_CSE_ENVELOPE_DAMAGED'],
    [V2_HEADERS.wrapAlgorithm, 'ERR_CSE_NO_MATCHING_KEY', 'ERR_CSE_ENVELOPE_DAMAGED'],
    [V2_HEADERS.materialDescription, 'ERR_CSE_ENVELOPE_DAMAGED', undefined],
    [V2_HEADERS.unencryptedContentLength, 'ERR_CSE_INTEGRITY', undefined],
  ])(
    'an altered %s causes %s before a byte is released, and a missing one %s',
    async (name, altered, dropped) => {
      const { bucket, transport } = memoryBucket({
        provider: createTestProvider({ materialDescription: { k: 'a' } }),
      })
      await bucket.put('a', pattern(100))
      const stored = transport.objects.get('a')
      await tamper(transport, ({ headers }) => {
        const value = headers[name] ?? ''
        headers[name] = `${value.startsWith('1') ? '2' : '1'}${value.slice(1)}`
      })
      await expect(bucket.get('a')).rejects.toMatchObject({ code: altered, objectKey: 'a' })
      if (stored) transport.objects.set('a', stored)
      await tamper(transport, ({ headers }) => {
        delete headers[name]
      })
      if (dropped !== undefined)
        await expect(bucket.get('a')).rejects.toMatchObject({ code: dropped, objectKey: 'a' })
      // Neither the material description nor the recorded length is needed to read: the only key fits.
      else expect(await bucket.getBytes('a')).toEqual(pattern(100))
    },
  )

  test('swapping the wrapped key and the IV is detected', async () => {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', pattern(100))
    await tamper(transport, ({ headers }) => {
      const { [V2_HEADERS.wrappedCek]: cek = '', [V2_HEADERS.wrappedIv]: iv = '' } = headers
      headers[V2_HEADERS.wrappedCek] = iv
      headers[V2_HEADERS.wrappedIv] = cek
    })
    await expect(bucket.get('a')).rejects.toEqual(code('ERR_CSE_UNWRAP_FAILED'))
  })

  test('an object of another master key is refused, and no byte is released', async () => {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', pattern(100))
    const stranger = new CryptoBucket({ transport, provider: createTestProvider({ seed: 9 }) })
    await expect(stranger.get('a')).rejects.toEqual(code('ERR_CSE_UNWRAP_FAILED'))
  })

  test('a truncated or extended object is detected by its recorded length', async () => {
    for (const bytes of [pattern(99), pattern(101), new Uint8Array()]) {
      const { bucket, transport } = memoryBucket()
      await bucket.put('a', pattern(100))
      await tamper(transport, (object) => {
        object.bytes = bytes
      })
      await expect(bucket.get('a')).rejects.toEqual(code('ERR_CSE_INTEGRITY'))
    }
  })

  test('an object whose length differs from the sum of its parts is detected', async () => {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', chunked(pattern(100), 10))
    await tamper(transport, ({ headers }) => {
      headers[V2_HEADERS.dataSize] = '101'
      headers[V2_HEADERS.partSize] = '102400'
    })
    await expect(bucket.get('a')).rejects.toEqual(code('ERR_CSE_INTEGRITY'))
  })

  test('a flipped bit fails the checksum at the end of a whole read', async () => {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', pattern(500_000))
    await tamper(transport, ({ bytes }) => bytes.set([(bytes[5] ?? 0) ^ 1], 5), true)
    await expect(bucket.getBytes('a')).rejects.toEqual(code('ERR_CSE_INTEGRITY'))
  })

  test('a flipped bit in an object of length 0 to 33 fails the checksum at any position', async () => {
    for (let size = 1; size <= 33; size++) {
      const { bucket, transport } = memoryBucket()
      await bucket.put('a', pattern(size))
      await tamper(transport, ({ bytes }) => bytes.set([(bytes[size - 1] ?? 0) ^ 0x80], size - 1), true)
      await expect(bucket.getBytes('a')).rejects.toEqual(code('ERR_CSE_INTEGRITY'))
    }
  })

  test('if the service returns no checksum, the length is checked and the result says so', async () => {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', pattern(1000))
    transport.alterGet = (response) => {
      const { 'x-oss-hash-crc64ecma': _, ...headers } = response.headers
      return { ...response, headers }
    }
    const result = await bucket.get('a')
    expect(result.verification).toBe('length')
    await result.body.cancel()
    expect(await bucket.getBytes('a')).toEqual(pattern(1000))
  })

  test('a response with more bytes than announced is an integrity error', async () => {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', pattern(1000))
    transport.alterGet = (response) => ({ ...response, body: chunked(pattern(1001), 100) })
    await expect(bucket.getBytes('a')).rejects.toEqual(code('ERR_CSE_INTEGRITY'))
  })

  test('errors of an integrity or unwrap failure carry no cause', async () => {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', pattern(100))
    const stranger = new CryptoBucket({ transport, provider: createTestProvider({ seed: 9 }) })
    const unwrap = await stranger.get('a').catch((thrown: unknown) => thrown)
    await tamper(transport, ({ bytes }) => bytes.set([(bytes[5] ?? 0) ^ 1], 5), true)
    const integrity = await bucket.getBytes('a').catch((thrown: unknown) => thrown)
    expect([unwrap, integrity]).toEqual([code('ERR_CSE_UNWRAP_FAILED'), code('ERR_CSE_INTEGRITY')])
    for (const error of [unwrap, integrity]) expect((error as Error).cause).toBeUndefined()
  })

  test('an error while closing a connection does not replace the original error', async () => {
    const { bucket, transport } = memoryBucket()
    await transport.plant('a', pattern(100))
    transport.alterGet = (response) => ({
      ...response,
      body: {
        [Symbol.asyncIterator]: () => ({
          next: () => Promise.reject(new Error('next failed')),
          return: () => Promise.reject(new Error('close failed')),
        }),
      },
    })
    await expect(bucket.get('a')).rejects.toEqual(code('ERR_CSE_NOT_ENCRYPTED'))
  })
})

test('a key service that fails temporarily is called again', async () => {
  const real = createTestProvider()
  let hiccups = 2
  const provider = {
    ...real,
    unwrap: (...args: Parameters<typeof real.unwrap>) => {
      if (hiccups-- > 0)
        return Promise.reject(new TransportError('ERR_CSE_SERVICE', 'throttled', { retryable: true }))
      return real.unwrap(...args)
    },
  }
  const { bucket, log } = memoryBucket({ provider })
  await bucket.put('a', pattern(100))
  expect(await bucket.getBytes('a')).toEqual(pattern(100))
  expect(log.map(({ operation }) => operation)).toEqual(['unwrap', 'unwrap'])
})

test('an aborted read rejects with the signal’s reason, and is not resumed', async () => {
  for (const reason of [new Error('stop'), 'a plain text']) {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', pattern(2_000_000))
    transport.requests.length = 0
    await expect(bucket.get('a', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(transport.requests).toEqual([])
    const controller = new AbortController()
    const { body } = await bucket.get('a', { signal: controller.signal })
    const read = async () => {
      for await (const _ of body) controller.abort(reason)
    }
    await expect(read()).rejects.toBe(reason)
    expect(transport.requests).toHaveLength(1)
  }
})

test('a get is retried when the service is busy, but not when the object is missing', async () => {
  const { bucket, transport } = memoryBucket()
  await bucket.put('a', 'x')
  let busy = 2
  transport.intercept = () => {
    if (busy-- > 0) throw new TransportError('ERR_CSE_SERVICE', 'busy', { status: 503, retryable: true })
  }
  await bucket.getBytes('a')
  transport.requests.length = 0
  await expect(bucket.get('none')).rejects.toEqual(code('ERR_CSE_NOT_FOUND'))
  expect(transport.requests).toHaveLength(1)
})

test('conditions and versions are passed on', async () => {
  const { bucket, transport } = memoryBucket()
  await bucket.put('a', 'x')
  const etag = transport.objects.get('a')?.etag ?? ''
  await expect(bucket.get('a', { headers: { 'If-Match': '"other"' } })).rejects.toEqual(
    code('ERR_CSE_PRECONDITION_FAILED'),
  )
  await expect(bucket.get('a', { headers: { 'If-None-Match': etag } })).rejects.toEqual(
    code('ERR_CSE_NOT_MODIFIED'),
  )
  const asked: unknown[] = []
  const get = transport.get.bind(transport)
  transport.get = (request) => {
    asked.push(request.versionId)
    return get(request)
  }
  await bucket.getBytes('a', { versionId: 'v1' })
  expect(asked).toEqual(['v1'])
})

test('the content key is wiped when the body ends, fails or is cancelled', async () => {
  const keys: Uint8Array[] = []
  class WatchedKeyring extends Keyring {
    override async unwrap(...args: Parameters<Keyring['unwrap']>): ReturnType<Keyring['unwrap']> {
      const key = await super.unwrap(...args)
      keys.push(key.cek, key.iv)
      return key
    }
  }
  const transport = new MemoryTransport()
  const bucket = new CryptoBucket({
    transport,
    keyring: new WatchedKeyring({ encrypting: createTestProvider() }),
  })
  await bucket.put('a', pattern(600_000))
  await bucket.getBytes('a')
  await (await bucket.get('a')).body.cancel()
  const reader = (await bucket.get('a')).body.getReader()
  await reader.read()
  await reader.cancel()
  await tamper(transport, ({ bytes }) => bytes.set([(bytes[0] ?? 0) ^ 1], 0), true)
  await bucket.getBytes('a').catch(() => {})
  expect(keys).toHaveLength(8)
  for (const key of keys) expect(key.every((byte) => byte === 0)).toBe(true)
})

test('the progress of a download rises to the requested length', async () => {
  const { bucket } = memoryBucket()
  await bucket.put('a', pattern(1_000_000))
  const seen: Progress[] = []
  await bucket.getBytes('a', { range: '100-899999', onProgress: (progress) => seen.push(progress) })
  const counts = seen.map(({ transferredBytes }) => transferredBytes)
  expect(counts).toEqual([...new Set(counts)].sort((a, b) => a - b))
  expect(counts.at(-1)).toBe(899_900)
  expect(new Set(seen.map(({ totalBytes }) => totalBytes))).toEqual(new Set([899_900]))
})

test.each([100, 65_536, 700_000])(
  'a reader may transfer each chunk of a body, plain or decrypted, that arrives in chunks of %i bytes',
  async (chunkBytes) => {
    const { bucket, transport } = memoryBucket()
    const bytes = pattern(700_000)
    await bucket.put('encrypted', bytes)
    await transport.plant('plain', bytes)
    transport.chunkBytes = chunkBytes
    for (const key of ['encrypted', 'plain']) {
      const { body } = await bucket.get(key, { onPlainObject: 'passthrough' })
      const moved: Uint8Array[] = []
      for await (const chunk of body) moved.push(structuredClone(chunk, { transfer: [chunk.buffer] }))
      expect(difference(concatBytes(moved), bytes)).toBeUndefined()
    }
  },
)

test('a plain object that is allowed is returned as Uint8Arrays, whatever the transport returned', async () => {
  const { bucket, transport } = memoryBucket()
  class Special extends Uint8Array {}
  await transport.plant('a', pattern(100))
  transport.alterGet = (response) => ({ ...response, body: chunked(Special.from(pattern(100))) })
  for await (const chunk of (await bucket.get('a', { onPlainObject: 'passthrough' })).body) {
    expect(Object.getPrototypeOf(chunk)).toBe(Uint8Array.prototype)
  }
})
