import { CryptoBucket } from '@oss-cse/bucket'
import { TransportError } from '@oss-cse/crypto-core'
import { createTestProvider, MemoryTransport } from '@oss-cse/crypto-core/testing'
import { describe, expect, test } from 'vitest'
import { MEDIA_RANGE_BYTES, OpenObjects } from './open-objects.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const data = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 31 + (i >> 8) * 7) & 0xff)
const FORMATS = ['aes-ctr', 'sealed'] as const

function opened({ format = 'aes-ctr' as (typeof FORMATS)[number], maxOpenObjects = 16 } = {}) {
  const transport = new MemoryTransport()
  const test = createTestProvider()
  let unwrapped = 0
  const provider = {
    ...test,
    unwrap(...call: Parameters<NonNullable<typeof test.unwrap>>) {
      unwrapped += 1
      return (test.unwrap as NonNullable<typeof test.unwrap>)(...call)
    },
  }
  const retry = { maxAttempts: 1 }
  const bucket = new CryptoBucket({ transport, provider, format, retry })
  const objects = new OpenObjects(bucket, maxOpenObjects)
  const sent = () => transport.requests.map(({ operation, key }) => `${operation} ${key}`)
  const put = async (key: string, bytes = data.subarray(0, 1000), contentType = 'image/png') => {
    await bucket.put(key, bytes, { contentType })
    transport.requests.length = 0
  }
  return { transport, objects, put, sent, unwraps: () => unwrapped }
}

async function bytesOf({ body }: { body: ReadableStream<Uint8Array> }): Promise<Uint8Array> {
  return new Uint8Array(await new Response(body).arrayBuffer())
}

describe.each(FORMATS)('an object in the format %s', (format) => {
  test('is opened once for all ranges, also for those that come at once', async () => {
    const { objects, put, sent, unwraps } = opened({ format })
    await put('a')
    const ranges = [
      [{ start: 0, end: 1 }, 0, 2],
      [{ start: 990 }, 990, 1000],
      [{ suffixLength: 7 }, 993, 1000],
      [{ suffixLength: 5000 }, 0, 1000],
      [{ start: 5, end: 5000 }, 5, 1000],
    ] as const
    await Promise.all(
      ranges.map(async ([range, start, end]) => {
        const result = await objects.get('a', { range })
        expect(result.contentRange).toBe(`bytes ${start}-${end - 1}/1000`)
        expect([result.sizeBytes, result.totalBytes]).toEqual([end - start, 1000])
        expect(await bytesOf(result)).toEqual(data.slice(start, end))
      }),
    )
    expect(sent().filter((request) => request === 'head a')).toHaveLength(1)
    expect(unwraps()).toBe(1)
  })

  test('that was replaced is opened again', async () => {
    const { objects, put } = opened({ format })
    await put('a')
    await bytesOf(await objects.get('a', { range: { start: 0, end: 9 } }))
    await put('a', data.subarray(500, 2500))
    // Behind the end of the old one.
    const result = await objects.get('a', { range: { start: 1990 } })
    expect(result.contentRange).toBe('bytes 1990-1999/2000')
    expect(await bytesOf(result)).toEqual(data.slice(2490, 2500))
    await put('a')
    expect(await bytesOf(await objects.get('a', { range: { start: 0, end: 9 } }))).toEqual(data.slice(0, 10))
  })

  test('does not return a range behind its end', async () => {
    const { objects, put } = opened({ format })
    await put('a')
    for (const start of [1000, 5000]) {
      for (const range of [{ start }, { start, end: 10_000 }])
        await expect(objects.get('a', { range })).rejects.toEqual(code('ERR_CSE_RANGE_NOT_SATISFIABLE'))
    }
  })

  test('without any byte has no range', async () => {
    const { objects, put } = opened({ format })
    await put('a', new Uint8Array())
    for (const range of [{ start: 0 }, { start: 0, end: 0 }, { suffixLength: 1 }])
      await expect(objects.get('a', { range })).rejects.toEqual(code('ERR_CSE_RANGE_NOT_SATISFIABLE'))
  })

  test('that is evicted or forgotten while it is read is read to its end', async () => {
    const { objects, put } = opened({ format, maxOpenObjects: 1 })
    await put('a', data)
    await put('b')
    const reading = await objects.get('a', { range: { start: 0 } })
    await objects.get('b', { range: { start: 0, end: 0 } })
    await objects.close()
    expect(await bytesOf(reading)).toEqual(data)
  })
})

test.each(['video/mp4', 'Audio/WAV; a=b'])(
  'an open range of %s is answered with 1 MiB at most',
  async (type) => {
    const { objects, put } = opened()
    await put('a', data, type)
    const result = await objects.get('a', { range: { start: 100 } })
    expect(result.contentRange).toBe(`bytes 100-${99 + MEDIA_RANGE_BYTES}/3000000`)
    expect(await bytesOf(result)).toEqual(data.slice(100, 100 + MEDIA_RANGE_BYTES))
    expect((await objects.get('a', { range: { start: 2_999_990 } })).sizeBytes).toBe(10)
    for (const range of [{ start: 0, end: 2_000_000 }, { suffixLength: 2_000_001 }])
      expect((await objects.get('a', { range })).sizeBytes).toBe(2_000_001)
  },
)

test('an open range of anything else is not cut', async () => {
  const { objects, put } = opened()
  await put('a', data, 'application/zip')
  expect((await objects.get('a', { range: { start: 0 } })).sizeBytes).toBe(3_000_000)
})

test('a whole object is read by one request, and is not opened', async () => {
  const { objects, put, sent } = opened()
  await put('a')
  expect(await bytesOf(await objects.get('a', {}))).toEqual(data.slice(0, 1000))
  expect(sent()).toEqual(['get a'])
})

test('the object that was not used longest is closed first', async () => {
  const { objects, put, sent } = opened({ maxOpenObjects: 2 })
  for (const key of ['a', 'b', 'c']) await put(key)
  for (const key of ['a', 'b', 'a', 'c', 'a', 'b'])
    await bytesOf(await objects.get(key, { range: { start: 0, end: 0 } }))
  expect(sent().filter((request) => request.startsWith('head'))).toEqual([
    'head a',
    'head b',
    'head c',
    'head b',
  ])
})

test('an object is opened again after it was closed', async () => {
  const { objects, put, unwraps } = opened()
  await put('a')
  await objects.get('a', { range: { start: 0, end: 0 } })
  await objects.close()
  await objects.get('a', { range: { start: 0, end: 0 } })
  expect(unwraps()).toBe(2)
})

test('a failure to open is not kept', async () => {
  const { objects, put, transport } = opened()
  const range = { start: 0, end: 0 }
  await expect(objects.get('a', { range })).rejects.toEqual(code('ERR_CSE_NOT_FOUND'))
  await put('a')
  await objects.get('a', { range })
  await transport.delete({ key: 'a' })
  await expect(objects.get('a', { range })).rejects.toEqual(code('ERR_CSE_NOT_FOUND'))
})

test('If-Match refuses another object, and opens a newer one', async () => {
  const { objects, put, transport } = opened()
  const range = { start: 0, end: 0 }
  await put('a')
  await objects.get('a', { range })
  const etag = transport.objects.get('a')?.etag ?? ''
  await objects.get('a', { range, headers: { 'if-match': etag } })
  await put('a', data.subarray(7, 99))
  const newer = transport.objects.get('a')?.etag ?? ''
  expect((await objects.get('a', { range, headers: { 'if-match': newer } })).totalBytes).toBe(92)
  await expect(objects.get('a', { range, headers: { 'if-match': etag } })).rejects.toEqual(
    code('ERR_CSE_PRECONDITION_FAILED'),
  )
})

test('a failure before the first byte rejects, and a later one errors the body', async () => {
  const { objects, put, transport } = opened()
  await put('a', data)
  const reset = new TransportError('ERR_CSE_ACCESS_DENIED', 'reset', { retryable: false })
  const failing = (afterChunks: number) => {
    transport.alterGet = (response) => ({
      ...response,
      body: (async function* () {
        let chunks = 0
        for await (const chunk of response.body) {
          if (chunks++ === afterChunks) throw reset
          yield chunk
        }
      })(),
    })
  }
  failing(0)
  await expect(objects.get('a', { range: { start: 0 } })).rejects.toEqual(code('ERR_CSE_ACCESS_DENIED'))
  failing(2)
  const { body } = await objects.get('a', { range: { start: 0 } })
  await expect(bytesOf({ body })).rejects.toEqual(code('ERR_CSE_ACCESS_DENIED'))
})

test('a body that is cancelled closes its connection, also one whose read waits', async () => {
  const { objects, put, transport } = opened()
  await put('a', data)
  for (const waitingReads of [0, 200]) {
    let closed = false
    transport.alterGet = (response, { signal }) => ({
      ...response,
      body: (async function* () {
        try {
          yield data.slice(0, 1_000_000)
          await new Promise((_resolve, reject) => {
            signal?.addEventListener('abort', () => reject(signal.reason))
          })
        } finally {
          closed = true
        }
      })(),
    })
    const { body } = await objects.get('a', { range: { start: 0 } })
    const reader = body.getReader()
    await reader.read()
    const waiting = Array.from({ length: waitingReads }, () => reader.read())
    await reader.cancel()
    await Promise.all(waiting)
    await expect.poll(() => closed).toBe(true)
  }
})

test('a request that was aborted rejects with its reason, and the object stays open', async () => {
  const { objects, put, transport, unwraps } = opened()
  await put('a')
  const controller = new AbortController()
  const reason = new Error('gone')
  transport.intercept = async () => controller.abort(reason)
  const range = { start: 0, end: 0 }
  await expect(objects.get('a', { range, signal: controller.signal })).rejects.toBe(reason)
  transport.intercept = undefined
  await objects.get('a', { range })
  expect(unwraps()).toBe(1)
})
