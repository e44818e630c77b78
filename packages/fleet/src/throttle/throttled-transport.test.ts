import { CryptoBucket } from '@oss-cse/bucket'
import { CseError } from '@oss-cse/crypto-core'
import { createTestProvider, MemoryTransport } from '@oss-cse/crypto-core/testing'
import { expect, test, vi } from 'vitest'
import { all, throttledError } from '../../test/mixed-bucket.ts'
import { auditShard } from '../objects/audit-shard.ts'
import type { Throttle } from './throttle.ts'
import { throttledTransport } from './throttled-transport.ts'

const code = (value: string) => expect.objectContaining({ code: value })

/** A throttle that lets everything pass, and counts it. */
function countingThrottle() {
  const counts = { requests: 0, bytes: 0, throttled: 0 }
  const throttle: Throttle = {
    request: async () => void counts.requests++,
    transfer: async (sizeBytes) => {
      counts.bytes += sizeBytes
    },
    throttled: () => void counts.throttled++,
  }
  return { counts, throttle }
}

function limitedMemory() {
  const transport = new MemoryTransport()
  const { counts, throttle } = countingThrottle()
  const limited = throttledTransport(transport, throttle)
  return { transport, counts, throttle, limited }
}

test('each request waits for the throttle, and each byte of an object that is sent or received', async () => {
  const { transport, counts, limited } = limitedMemory()
  const bucket = new CryptoBucket({ transport: limited, provider: createTestProvider() })
  const bytes = new Uint8Array(200_000)
  await bucket.put('a', bytes)
  expect(counts).toEqual({ requests: 1, bytes: 200_000, throttled: 0 })
  expect(await bucket.getBytes('a')).toEqual(bytes)
  await bucket.head('a')
  expect(await all(bucket.list())).toHaveLength(1)
  await bucket.copy('a', 'b')
  await bucket.deleteMany(['a', 'b'])
  expect(counts).toEqual({ requests: transport.requests.length, bytes: 400_000, throttled: 0 })
  expect(limited.location).toBe(transport.location)
})

test('an upload in parts waits too', async () => {
  const { transport, counts, limited } = limitedMemory()
  const bucket = new CryptoBucket({ transport: limited, provider: createTestProvider() })
  await bucket.upload('a', new Uint8Array(300_000), {
    partSizeBytes: 102_400,
    multipartThresholdBytes: 102_400,
  })
  expect(counts).toEqual({ requests: transport.requests.length, bytes: 300_000, throttled: 0 })
  expect(counts.requests).toBe(5)
})

test('a request that the service throttles is told and sent again, and is no attempt of the caller', async () => {
  const { transport, counts, limited } = limitedMemory()
  await transport.plant('a', new Uint8Array(5))
  let times = 20
  transport.intercept = () => {
    if (times-- > 0) throw throttledError()
  }
  const options = { catalog: limited, transport: limited, retry: { maxAttempts: 1 } }
  expect(await all(auditShard({ index: 0 }, options))).toMatchObject([{ outcome: 'plain' }])
  expect(counts).toEqual({ requests: 22, bytes: 0, throttled: 20 })
})

test('a request that is throttled each time fails in the end', async () => {
  const { transport, counts, limited } = limitedMemory()
  transport.intercept = () => {
    throw throttledError()
  }
  await expect(limited.head({ key: 'a', headers: {} })).rejects.toEqual(code('ERR_CSE_THROTTLED'))
  expect(counts).toEqual({ requests: 30, bytes: 0, throttled: 30 })
})

test('another failure is neither told nor repeated', async () => {
  const { transport, counts, limited } = limitedMemory()
  transport.intercept = () => {
    throw new CseError('ERR_CSE_NETWORK', 'No.')
  }
  await expect(limited.head({ key: 'a', headers: {} })).rejects.toEqual(code('ERR_CSE_NETWORK'))
  expect(counts).toEqual({ requests: 1, bytes: 0, throttled: 0 })
})

test('a put that the service throttles is told, and its body is not opened again', async () => {
  const transport = new MemoryTransport()
  const { counts, throttle } = countingThrottle()
  transport.put = async ({ body }) => {
    await all(body.open())
    throw throttledError()
  }
  const open = vi.fn(async function* () {
    yield new Uint8Array(5)
  })
  const { put } = throttledTransport(transport, throttle)
  await expect(put({ key: 'a', headers: {}, body: { sizeBytes: 5, open } })).rejects.toEqual(
    code('ERR_CSE_THROTTLED'),
  )
  expect(open).toHaveBeenCalledTimes(1)
  expect(counts).toEqual({ requests: 1, bytes: 5, throttled: 1 })
})

test('a body that is not read closes its connection, and chunks go back to their owner', async () => {
  const { transport, throttle } = limitedMemory()
  const returned = vi.fn(async () => ({ done: true as const, value: undefined }))
  const recycle = vi.fn()
  transport.get = async () => ({
    status: 200,
    headers: {},
    body: {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: true, value: undefined }),
        return: returned,
      }),
      recycle,
    },
  })
  const { body } = await throttledTransport(transport, throttle).get({ key: 'a', headers: {} })
  await body[Symbol.asyncIterator]().return?.()
  expect(returned).toHaveBeenCalledTimes(1)
  const chunk = new Uint8Array(1)
  body.recycle?.(chunk)
  expect(recycle).toHaveBeenCalledWith(chunk)
})

test('requests of a worker thread, which no throttle sees, are not offered', () => {
  const transport = { ...throttledTransport(new MemoryTransport(), countingThrottle().throttle) }
  const withWorker = Object.assign(transport, { workerSide: async () => undefined })
  expect('workerSide' in throttledTransport(withWorker, countingThrottle().throttle)).toBe(false)
})

test('an abort while the throttle waits ends the request before it is sent', async () => {
  const transport = new MemoryTransport()
  const throttle: Throttle = {
    request: ({ signal } = {}) =>
      new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
    transfer: async () => {},
    throttled: () => {},
  }
  const controller = new AbortController()
  const head = throttledTransport(transport, throttle).head({
    key: 'a',
    headers: {},
    signal: controller.signal,
  })
  controller.abort(new Error('enough'))
  await expect(head).rejects.toThrow('enough')
  expect(transport.requests).toEqual([])
})
