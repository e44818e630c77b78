import { type ByteChunks, concatBytes, type GetObjectResponse, TransportError } from '@oss-cse/crypto-core'
import { createTestProvider } from '@oss-cse/crypto-core/testing'
import { describe, expect, test } from 'vitest'
import { broken, chunked, difference, pattern } from '../../test/bytes.ts'
import { memoryBucket } from '../../test/memory-bucket.ts'
import { CryptoBucket } from '../crypto-bucket.ts'
import { ResumedRead } from './resumed-read.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const reset = () => new TransportError('ERR_CSE_NETWORK', 'reset', { retryable: true })

describe('an interrupted read', () => {
  test('is resumed at the same byte with Range and If-Match, and is verified as a whole', async () => {
    const { bucket, transport, log } = memoryBucket()
    const data = pattern(1_000_000)
    await bucket.put('a', data)
    transport.requests.length = 0
    let breaks = 5
    transport.alterGet = (response) =>
      breaks-- > 0 ? { ...response, body: broken(response.body, 150_001, reset()) } : response
    expect(await bucket.getBytes('a')).toEqual(data)
    const etag = transport.objects.get('a')?.etag
    expect(
      transport.requests
        .slice(1)
        .map(({ headers }) => [headers['range'], headers['if-match'], headers['x-oss-range-behavior']]),
    ).toEqual([1, 2, 3, 4, 5].map((n) => [`bytes=${n * 150_001}-999999`, etag, 'standard']))
    expect(log.every((event) => event.operation === 'read' && event.code === 'ERR_CSE_NETWORK')).toBe(true)
    expect(log).toHaveLength(5)
  })

  test('is also resumed inside a range', async () => {
    const { bucket, transport } = memoryBucket()
    const data = pattern(300_000)
    await bucket.put('a', data)
    let breaks = 1
    transport.alterGet = (response) =>
      breaks-- > 0 ? { ...response, body: broken(response.body, 777, reset()) } : response
    expect(await bucket.getBytes('a', { range: { start: 1001, end: 200_000 } })).toEqual(
      data.subarray(1001, 200_001),
    )
  })

  test('includes a body that ends early without an error', async () => {
    const { bucket, transport } = memoryBucket()
    const data = pattern(300_000)
    await bucket.put('a', data)
    let cuts = 1
    transport.alterGet = (response) => (cuts-- > 0 ? { ...response, body: chunked(pattern(0)) } : response)
    expect(await bucket.getBytes('a')).toEqual(data)
  })

  test('is not resumed in an object that was replaced in the meantime', async () => {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', pattern(300_000))
    let breaks = 1
    transport.alterGet = (response) => {
      if (breaks-- <= 0) return response
      return {
        ...response,
        body: (async function* () {
          yield* broken(response.body, 1000, reset())
        })(),
      }
    }
    const { body } = await bucket.get('a')
    const other = new CryptoBucket({ transport, provider: createTestProvider() })
    await other.put('a', pattern(300_000))
    const read = async () => {
      for await (const _ of body);
    }
    await expect(read()).rejects.toEqual(code('ERR_CSE_PRECONDITION_FAILED'))
  })

  test('is not mixed with another object, even if a cache dropped If-Match', async () => {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', pattern(300_000))
    const get = transport.get.bind(transport)
    transport.get = (request) => {
      const { 'if-match': _, ...headers } = request.headers
      return get({ ...request, headers })
    }
    let breaks = 1
    transport.alterGet = (response) =>
      breaks-- > 0 ? { ...response, body: broken(response.body, 1000, reset()) } : response
    const { body } = await bucket.get('a', { range: '0-200000' })
    await bucket.put('a', pattern(300_000))
    const read = async () => {
      for await (const _ of body);
    }
    await expect(read()).rejects.toEqual(code('ERR_CSE_PRECONDITION_FAILED'))
  })

  test('is resumed when the server returns the whole object instead of the rest', async () => {
    const { bucket, transport } = memoryBucket()
    const data = pattern(300_000)
    await bucket.put('a', data)
    const get = transport.get.bind(transport)
    let requests = 0
    transport.get = (request) => {
      requests += 1
      if (requests % 2 === 1) return get(request)
      const { range: _, ...headers } = request.headers
      return get({ ...request, headers })
    }
    transport.alterGet = (response) =>
      requests % 2 === 1 ? { ...response, body: broken(response.body, 70_001, reset()) } : response
    expect(await bucket.getBytes('a')).toEqual(data)
    expect(await bucket.getBytes('a', { range: '1000-200000' })).toEqual(data.subarray(1000, 200_001))
  })

  test('is exact wherever the connection breaks', async () => {
    const { bucket, transport } = memoryBucket()
    const data = pattern(49)
    await bucket.put('a', data)
    for (let at = 0; at <= 49; at++) {
      for (const [range, expected] of [
        [undefined, data],
        ['5-40', data.subarray(5, 41)],
      ] as const) {
        let breaks = 1
        transport.alterGet = (response) =>
          breaks-- > 0 ? { ...response, body: broken(response.body, at, reset()) } : response
        expect(await bucket.getBytes('a', { range }), `broken after ${at} bytes`).toEqual(expected)
      }
    }
  })

  test('that makes no more progress fails after the last attempt', async () => {
    const { bucket, transport } = memoryBucket({ retry: { maxAttempts: 3, minDelayMs: 0, maxDelayMs: 0 } })
    await bucket.put('a', pattern(1000))
    transport.requests.length = 0
    transport.alterGet = (response) => ({ ...response, body: broken(response.body, 0, reset()) })
    await expect(bucket.getBytes('a')).rejects.toEqual(code('ERR_CSE_NETWORK'))
    expect(transport.requests.length).toBe(3)
  })

  test('after a permanent failure ends at once', async () => {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', pattern(1000))
    transport.requests.length = 0
    const fatal = new TransportError('ERR_CSE_ACCESS_DENIED', 'no', { retryable: false })
    transport.alterGet = (response) => ({ ...response, body: broken(response.body, 5, fatal) })
    await expect(bucket.getBytes('a')).rejects.toBe(fatal)
    expect(transport.requests).toHaveLength(1)
  })

  test('of an object without an ETag is not resumed', async () => {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', pattern(1000))
    transport.alterGet = (response): GetObjectResponse => {
      const { etag: _, ...headers } = response.headers
      return { ...response, headers, body: broken(response.body, 5, reset()) }
    }
    await expect(bucket.getBytes('a')).rejects.toEqual(code('ERR_CSE_NETWORK'))
  })

  test('closes a response that arrives just as the signal aborts', async () => {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', pattern(300_000))
    const controller = new AbortController()
    let returned = 0
    let requests = 0
    transport.alterGet = (response) => {
      requests += 1
      if (requests === 1) return { ...response, body: broken(response.body, 1000, reset()) }
      controller.abort(new Error('stop'))
      const iterator = response.body[Symbol.asyncIterator]()
      const body = {
        [Symbol.asyncIterator]: () => ({
          next: () => iterator.next(),
          async return() {
            returned += 1
            return { done: true, value: undefined } as const
          },
        }),
      }
      return { ...response, body }
    }
    await expect(bucket.getBytes('a', { signal: controller.signal })).rejects.toThrow('stop')
    expect([requests, returned]).toEqual([2, 1])
  })

  test('that was closed before its last byte throws on the next step, and never just ends', async () => {
    const slice = { responseStart: 0, responseBytes: 10, responseIsWhole: true, totalBytes: 10 }
    const response = { status: 200, headers: { etag: '"a"' }, body: chunked(pattern(10), 4) }
    const read = new ResumedRead({
      key: 'a',
      response,
      slice: { ...slice, start: 0, discardBytes: 0, sizeBytes: 10 },
      reopen: () => Promise.reject(new Error('a closed read requests nothing')),
    })
    await read.next()
    await read.close()
    await expect(read.next()).rejects.toEqual(code('ERR_CSE_NETWORK'))
  })
})

describe('chunks that the bucket gives back', () => {
  /** Counts the chunks that come back, and overwrites them. */
  function recycling(chunks: AsyncIterable<Uint8Array>): { body: ByteChunks; recycled(): number } {
    const lent = new Set<Uint8Array>()
    let recycled = 0
    async function* lending(): AsyncGenerator<Uint8Array> {
      for await (const chunk of chunks) {
        lent.add(chunk)
        yield chunk
      }
    }
    const recycle = (chunk: Uint8Array): void => {
      expect(lent.delete(chunk)).toBe(true)
      recycled += 1
      chunk.fill(0xff)
    }
    return { body: Object.assign(lending(), { recycle }), recycled: () => recycled }
  }

  test.each([
    ['of a whole object', undefined, 0, 300_000],
    ['of a range', '5-299000', 5, 299_001],
  ])('%s are no longer needed, also when the read was interrupted', async (_, range, start, end) => {
    const { bucket, transport } = memoryBucket()
    const data = pattern(300_000)
    await bucket.put('a', data)
    const bodies: ReturnType<typeof recycling>[] = []
    transport.alterGet = (response) => {
      const interrupted = bodies.length === 0 ? broken(response.body, 150_001, reset()) : response.body
      const lent = recycling(interrupted)
      bodies.push(lent)
      return { ...response, body: lent.body }
    }
    const plaintext = await bucket.getBytes('a', { range })
    expect(difference(plaintext, data.subarray(start, end))).toBeUndefined()
    expect(bodies).toHaveLength(2)
    expect(bodies.every(({ recycled }) => recycled() > 0)).toBe(true)
  })

  test('of a reader are no longer needed, also when the read was interrupted', async () => {
    const { bucket, transport } = memoryBucket()
    const data = pattern(300_000)
    await bucket.put('a', data)
    const bodies: ReturnType<typeof recycling>[] = []
    const reader = await bucket.openObject('a')
    transport.alterGet = (response) => {
      const interrupted = bodies.length === 0 ? broken(response.body, 150_001, reset()) : response.body
      const lent = recycling(interrupted)
      bodies.push(lent)
      return { ...response, body: lent.body }
    }
    const chunks: Uint8Array[] = []
    for await (const chunk of reader.read({ start: 5, end: 299_000 })) chunks.push(chunk)
    expect(difference(concatBytes(chunks), data.subarray(5, 299_001))).toBeUndefined()
    expect(bodies).toHaveLength(2)
    expect(bodies.every(({ recycled }) => recycled() > 0)).toBe(true)
    await reader.close()
  })

  test('are never those of a plain object, because the caller gets these', async () => {
    const { bucket, transport } = memoryBucket({ onPlainObject: 'passthrough' })
    const data = pattern(300_000)
    await transport.put({ key: 'a', headers: {}, body: { open: () => chunked(data, 70_000) } })
    let lent: ReturnType<typeof recycling> | undefined
    transport.alterGet = (response) => {
      lent = recycling(response.body)
      return { ...response, body: lent.body }
    }
    expect(difference(await bucket.getBytes('a'), data)).toBeUndefined()
    expect(lent?.recycled()).toBe(0)
  })
})
