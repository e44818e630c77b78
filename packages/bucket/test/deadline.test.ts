import type { BoundedCallOptions } from '@oss-cse/crypto-core'
import { createTestProvider, type MemoryTransport } from '@oss-cse/crypto-core/testing'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { CryptoBucket } from '../src/crypto-bucket.ts'
import type { ObjectReader } from '../src/read/object-reader.ts'
import { MemoryCheckpointStore } from '../src/resume/checkpoint-store.ts'
import type { MultipartUpload } from '../src/write/multipart-upload.ts'
import type { UnverifiedUpload } from '../src/write/unverified-upload.ts'
import { pattern } from './bytes.ts'
import { impatientTransport } from './impatient-transport.ts'
import { memoryBucket } from './memory-bucket.ts'
import { MemoryTarget } from './memory-target.ts'
import { lost, operations, PART, pendingUploads } from './multipart.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const EXCEEDED = 'ERR_CSE_DEADLINE_EXCEEDED'
const data = pattern(3 * PART)
const inParts = { partSizeBytes: PART, multipartThresholdBytes: PART }

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const OPERATIONS = [
  'put',
  'get',
  'head',
  'list',
  'delete',
  'deleteMany',
  'copy',
  'initiate',
  'uploadPart',
  'complete',
  'abort',
  'listParts',
  'listUploads',
] as const
type Operation = (typeof OPERATIONS)[number]

/** From now on requests of these kinds get no response. Returns how many were sent. */
function silence(transport: MemoryTransport, silent: readonly Operation[] = OPERATIONS): () => number {
  let sent = 0
  for (const operation of silent) {
    transport[operation] = ({ signal }: { readonly signal?: AbortSignal | undefined }) => {
      sent += 1
      return new Promise<never>((_, reject) => {
        if (signal?.aborted) reject(signal.reason)
        signal?.addEventListener('abort', () => reject(signal.reason))
      })
    }
  }
  return () => sent
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = []
  for await (const item of items) list.push(item)
  return list
}

interface Made {
  readonly bucket: CryptoBucket
  readonly upload: MultipartUpload
  readonly unverified: UnverifiedUpload
  readonly reader: ObjectReader
}

const calls: Readonly<Record<string, (made: Made, options: BoundedCallOptions) => Promise<unknown>>> = {
  put: ({ bucket }, options) => bucket.put('a', data, options),
  get: ({ bucket }, options) => bucket.get('a', options),
  getBytes: ({ bucket }, options) => bucket.getBytes('a', options),
  openObject: ({ bucket }, options) => bucket.openObject('a', options),
  'openObject, by a first range': ({ bucket }, options) =>
    bucket.openObject('a', { ...options, firstRange: { start: 0, end: 9 } }),
  head: ({ bucket }, options) => bucket.head('a', options),
  exists: ({ bucket }, options) => bucket.exists('a', options),
  list: ({ bucket }, options) => all(bucket.list(options)),
  delete: ({ bucket }, options) => bucket.delete('a', options),
  deleteMany: ({ bucket }, options) => bucket.deleteMany(['a', 'b'], options),
  copy: ({ bucket }, options) => bucket.copy('a', 'b', options),
  upload: ({ bucket }, options) => bucket.upload('a', data, options),
  'upload, in parts': ({ bucket }, options) => bucket.upload('a', data, { ...inParts, ...options }),
  download: ({ bucket }, options) => bucket.download('a', new MemoryTarget(), options),
  initiateMultipartUpload: ({ bucket }, options) =>
    bucket.initiateMultipartUpload('a', { sizeBytes: 20, ...options }),
  abortMultipartUpload: ({ bucket }, options) => bucket.abortMultipartUpload('a', 'id', options),
  listUploads: ({ bucket }, options) => all(bucket.listUploads(options)),
  'MultipartUpload.uploadPart': ({ upload }, options) =>
    upload.uploadPart(1, data.subarray(0, PART), options),
  'MultipartUpload.compareParts': ({ upload }, options) => upload.compareParts(() => data, options),
  'UnverifiedUpload.verifyParts': ({ unverified }, options) => unverified.verifyParts(() => data, options),
  'MultipartUpload.completeMultipartUpload': ({ upload }, options) => upload.completeMultipartUpload(options),
  'MultipartUpload.listParts': ({ upload }, options) => upload.listParts(options),
  'MultipartUpload.abort': ({ upload }, options) => upload.abort(options),
  'ObjectReader.read': ({ reader }, options) => all(reader.read({ start: 0, end: 9 }, options)),
  'ObjectReader.readInto': ({ reader }, options) =>
    reader.readInto({ start: 0, end: 9 }, { write: async () => {} }, options),
}

async function made(): Promise<Made & { readonly transport: MemoryTransport }> {
  const { bucket, transport } = memoryBucket()
  await bucket.put('a', data)
  const reader = await bucket.openObject('a')
  const upload = await bucket.initiateMultipartUpload('a', {
    sizeBytes: data.length,
    partSizeBytes: PART,
  })
  const unverified = await bucket.resumeMultipartUpload(upload.toJSON())
  return { bucket, transport, reader, upload, unverified }
}

describe('a deadline', () => {
  test.each(Object.entries(calls))('ends %s when it passes, and not before', async (_, call) => {
    const { transport, ...rest } = await made()
    silence(transport)
    let ended = false
    const result = call(rest, { deadlineMs: 60_000 })
    result.catch(() => {
      ended = true
    })
    await vi.advanceTimersByTimeAsync(59_999)
    expect(ended).toBe(false)
    // The cleanup of an aborted call, which may take half a second, is not part of the call.
    await vi.advanceTimersByTimeAsync(1 + 500)
    await expect(result).rejects.toEqual(code(EXCEEDED))
    await vi.advanceTimersByTimeAsync(3_000)
    expect(vi.getTimerCount()).toBe(0)
  })

  test.each(Object.entries(calls))('that is invalid is refused before %s sends anything', async (_, call) => {
    const { transport, ...rest } = await made()
    const sent = silence(transport)
    for (const deadlineMs of [0, 0.5, 2 ** 31, '9' as never]) {
      await expect(call(rest, { deadlineMs })).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    }
    expect(sent()).toBe(0)
  })

  test('ends with the call: no timer is left', async () => {
    const { bucket } = memoryBucket()
    const deadlineMs = 60_000
    await bucket.put('a', data, { deadlineMs })
    await bucket.upload('b', data, { ...inParts, deadlineMs })
    await bucket.download('b', new MemoryTarget(), { ...inParts, deadlineMs })
    expect(await bucket.getBytes('a', { deadlineMs })).toEqual(data)
    await all(bucket.list({ deadlineMs }))
    const reader = await bucket.openObject('a', { deadlineMs, firstRange: { start: 0, end: 9 } })
    await all(reader.read({ start: 0, end: 9 }, { deadlineMs }))
    await reader.close()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('includes the waits between attempts, and prevents further ones', async () => {
    const { bucket, transport } = memoryBucket({ retry: { minDelayMs: 50_000, maxDelayMs: 50_000 } })
    transport.intercept = () => {
      throw lost
    }
    const call = bucket.put('a', data, { deadlineMs: 60_000 })
    call.catch(() => {})
    await vi.advanceTimersByTimeAsync(60_000)
    await expect(call).rejects.toEqual(code(EXCEEDED))
    await vi.advanceTimersByTimeAsync(1_000_000)
    expect(operations(transport).length).toBeLessThan(3)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('includes the time of the source, and the object stays unchanged', async () => {
    const transport = impatientTransport()
    const { bucket } = memoryBucket({ transport })
    await bucket.put('a', 'old')
    const before = transport.objects.get('a')
    for (const call of [
      () => bucket.put('a', new ReadableStream(), { deadlineMs: 60_000 }),
      () => {
        const source = { sizeBytes: 3 * PART, open: () => new ReadableStream<Uint8Array>() }
        return bucket.upload('a', source, { ...inParts, deadlineMs: 60_000 })
      },
    ]) {
      const result = call()
      result.catch(() => {})
      await vi.advanceTimersByTimeAsync(60_000 + 500)
      await expect(result).rejects.toEqual(code(EXCEEDED))
    }
    expect(transport.objects.get('a')).toBe(before)
    expect(await pendingUploads(transport)).toBe(0)
  })

  test('includes the time of a master key that ignores the signal', async () => {
    const provider = createTestProvider()
    const never = () => new Promise<never>(() => {})
    const { bucket, transport } = memoryBucket({ provider: { ...provider, generateContentKey: never } })
    const deaf = memoryBucket({ transport, provider: { ...provider, unwrap: never } }).bucket
    await deaf.put('b', data)
    for (const call of [
      () => bucket.put('a', data, { deadlineMs: 60_000 }),
      () => bucket.upload('a', data, { ...inParts, deadlineMs: 60_000 }),
      () => deaf.getBytes('b', { deadlineMs: 60_000 }),
    ]) {
      const result = call()
      result.catch(() => {})
      await vi.advanceTimersByTimeAsync(60_000)
      await expect(result).rejects.toEqual(code(EXCEEDED))
    }
  })

  test('that passes between the parts of an upload frees them, or keeps what a later run resumes', async () => {
    for (const checkpointStore of [undefined, new MemoryCheckpointStore()]) {
      const { bucket, transport } = memoryBucket()
      const uploadPart = transport.uploadPart.bind(transport)
      transport.uploadPart = async (request) => {
        if (request.partNumber < 3) return uploadPart(request)
        return new Promise((_, reject) => {
          request.signal?.addEventListener('abort', () => reject(request.signal?.reason))
        })
      }
      const options = { ...inParts, parallel: 1, checkpointStore }
      const call = bucket.upload('a', data, { ...options, deadlineMs: 60_000 })
      call.catch(() => {})
      await vi.advanceTimersByTimeAsync(60_000)
      await expect(call).rejects.toEqual(code(EXCEEDED))
      expect(await pendingUploads(transport)).toBe(checkpointStore === undefined ? 0 : 1)
      transport.uploadPart = uploadPart
      const { resumedBytes } = await bucket.upload('a', data, options)
      expect(resumedBytes).toBe(checkpointStore === undefined ? 0 : 2 * PART)
      expect(await bucket.getBytes('a')).toEqual(data)
    }
  })

  test('that passes between the parts of a download leaves nothing under the final name', async () => {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', data)
    const get = transport.get.bind(transport)
    let requests = 0
    transport.get = (request) => {
      requests += 1
      if (requests < 3) return get(request)
      return new Promise((_, reject) => {
        request.signal?.addEventListener('abort', () => reject(request.signal?.reason))
      })
    }
    const target = new MemoryTarget()
    const call = bucket.download('a', target, { ...inParts, parallel: 1, deadlineMs: 60_000 })
    call.catch(() => {})
    await vi.advanceTimersByTimeAsync(60_000)
    await expect(call).rejects.toEqual(code(EXCEEDED))
    expect(target).toMatchObject({ bytes: undefined, partial: undefined, isOpen: false })
  })

  test('is overridden by a signal that aborts first', async () => {
    const { bucket, transport } = memoryBucket()
    silence(transport)
    const reason = new Error('enough')
    const controller = new AbortController()
    const call = bucket.head('a', { deadlineMs: 60_000, signal: controller.signal })
    call.catch(() => {})
    controller.abort(reason)
    await expect(call).rejects.toBe(reason)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('the deadline of a get', () => {
  const deadlineMs = 60_000

  test('includes reading the body, which errors when the time has passed', async () => {
    const { bucket, transport } = memoryBucket()
    transport.chunkBytes = 1000
    await bucket.put('a', data)
    const { body } = await bucket.get('a', { deadlineMs })
    const reader = body.getReader()
    expect((await reader.read()).done).toBe(false)
    vi.advanceTimersByTime(deadlineMs)
    await expect(reader.read()).rejects.toMatchObject({ code: EXCEEDED, objectKey: 'a' })
    expect(vi.getTimerCount()).toBe(0)
  })

  test('ends a pending read, and the connection', async () => {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', data)
    let signal: AbortSignal | undefined
    transport.alterGet = (response, request) => {
      signal = request.signal
      async function* body(): AsyncGenerator<Uint8Array> {
        yield data.subarray(0, 16)
        await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal?.reason)))
      }
      return { ...response, body: body() }
    }
    const bytes = bucket.getBytes('a', { deadlineMs })
    bytes.catch(() => {})
    await vi.advanceTimersByTimeAsync(deadlineMs)
    await expect(bytes).rejects.toEqual(code(EXCEEDED))
    expect(signal?.aborted).toBe(true)
  })

  test('errors a body of a transport that ignores the signal', async () => {
    const { bucket, transport } = memoryBucket()
    transport.chunkBytes = 1000
    await bucket.put('a', data)
    const get = transport.get.bind(transport)
    transport.get = (request) => get({ ...request, signal: undefined })
    const { body } = await bucket.get('a', { deadlineMs })
    const reader = body.getReader()
    await reader.read()
    vi.advanceTimersByTime(deadlineMs)
    await expect(reader.read()).rejects.toEqual(code(EXCEEDED))
  })

  test('ends with the body: read to its end, cancelled, or never read', async () => {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', data)
    const whole = await bucket.get('a', { deadlineMs })
    await all(whole.body)
    const cancelled = await bucket.get('a', { deadlineMs })
    await cancelled.body.cancel()
    expect(vi.getTimerCount()).toBe(0)
    let signal: AbortSignal | undefined
    transport.alterGet = (response, request) => {
      signal = request.signal
      return response
    }
    await bucket.get('a', { deadlineMs })
    vi.advanceTimersByTime(deadlineMs)
    expect(signal?.reason).toEqual(code(EXCEEDED))
    expect(vi.getTimerCount()).toBe(0)
  })
})
