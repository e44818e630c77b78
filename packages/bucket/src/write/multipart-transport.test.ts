import { afterEach, describe, expect, test, vi } from 'vitest'
import { pattern } from '../../test/bytes.ts'
import { memoryBucket } from '../../test/memory-bucket.ts'
import { denied, lost, operations, PART, pendingUploads, settle } from '../../test/multipart.ts'
import { MemoryCheckpointStore } from '../resume/checkpoint-store.ts'

const data = pattern(2 * PART)
const object = { sizeBytes: data.length, partSizeBytes: PART }

afterEach(() => {
  vi.useRealTimers()
})

/** A bucket whose service has started the upload, and responds when the test says so. */
function slowService() {
  const made = memoryBucket()
  const { transport } = made
  const initiate = transport.initiate.bind(transport)
  let respond: (() => void) | undefined
  let signal: AbortSignal | undefined
  const begun = new Promise<void>((resolve) => {
    transport.initiate = async (request) => {
      signal = request.signal
      const { uploadId } = await initiate({ ...request, signal: undefined })
      resolve()
      await new Promise<void>((ready, reject) => {
        respond = ready
        signal?.addEventListener('abort', () => reject(signal?.reason))
      })
      return { uploadId }
    }
  })
  return { ...made, begun, respond: () => respond?.(), ended: () => signal?.aborted }
}

const calls = [
  ['initiateMultipartUpload', {}],
  ['upload', {}],
  ['upload', { checkpointStore: new MemoryCheckpointStore() }],
] as const

describe('an abort while the service starts an upload', () => {
  test.each(calls)(
    'rejects %s at once, and frees the upload when the response arrives: %j',
    async (name, options) => {
      const { bucket, transport, begun, respond } = slowService()
      const controller = new AbortController()
      const { signal } = controller
      const call =
        name === 'upload'
          ? bucket.upload('a', data, { ...options, partSizeBytes: PART, multipartThresholdBytes: 1, signal })
          : bucket.initiateMultipartUpload('a', { ...object, signal })
      await begun
      const reason = new Error('enough')
      controller.abort(reason)
      await expect(call).rejects.toBe(reason)
      expect(await pendingUploads(transport)).toBe(1)
      respond()
      await bucket.settled()
      expect(await pendingUploads(transport)).toBe(0)
    },
  )

  test('leaves no upload, whenever it happens', async () => {
    let freed = 0
    for (let turns = 0; turns < 60; turns++) {
      const { bucket, transport } = memoryBucket()
      const initiate = transport.initiate.bind(transport)
      transport.initiate = async (request) => {
        const response = await initiate(request)
        await settle()
        return response
      }
      const controller = new AbortController()
      const { signal } = controller
      const upload = bucket.upload('a', data, { partSizeBytes: PART, multipartThresholdBytes: 1, signal })
      upload.catch(() => {})
      for (let turn = 0; turn < turns * 10; turn++) await Promise.resolve()
      controller.abort()
      await expect(upload).rejects.toMatchObject({ name: 'AbortError' })
      await bucket.settled()
      expect(await pendingUploads(transport)).toBe(0)
      if (operations(transport).includes('abort')) freed += 1
    }
    expect(freed).toBeGreaterThan(20)
  })

  test('ends the request when no response arrives for three seconds', async () => {
    vi.useFakeTimers()
    const { bucket, begun, ended } = slowService()
    const controller = new AbortController()
    const call = bucket.initiateMultipartUpload('a', { ...object, signal: controller.signal })
    await begun
    controller.abort()
    await expect(call).rejects.toMatchObject({ name: 'AbortError' })
    const settled = bucket.settled()
    vi.advanceTimersByTime(2_999)
    expect(ended()).toBe(false)
    vi.advanceTimersByTime(1)
    expect(ended()).toBe(true)
    await settled
    expect(vi.getTimerCount()).toBe(0)
  })

  test('is over after three seconds if the transport ignores its signal, and a later response still frees the upload', async () => {
    vi.useFakeTimers()
    const { bucket, transport } = memoryBucket()
    const initiate = transport.initiate.bind(transport)
    let respond = (): void => {}
    const begun = new Promise<void>((resolve) => {
      transport.initiate = async (request) => {
        const response = await initiate(request)
        resolve()
        await new Promise<void>((ready) => {
          respond = ready
        })
        return response
      }
    })
    const controller = new AbortController()
    const call = bucket.initiateMultipartUpload('a', { ...object, signal: controller.signal })
    await begun
    controller.abort()
    await expect(call).rejects.toMatchObject({ name: 'AbortError' })
    const settled = bucket.settled()
    vi.advanceTimersByTime(3_000)
    await settled
    respond()
    await settle()
    await bucket.settled()
    expect(await pendingUploads(transport)).toBe(0)
  })

  test.each([lost, denied])('has nothing to free when the service refuses: %s', async (failure) => {
    const { bucket, transport } = memoryBucket()
    const controller = new AbortController()
    transport.intercept = () => {
      controller.abort()
      throw failure
    }
    const call = bucket.initiateMultipartUpload('a', { ...object, signal: controller.signal })
    await expect(call).rejects.toMatchObject({ name: 'AbortError' })
    await bucket.settled()
    expect(operations(transport)).toEqual(['initiate'])
  })
})

test('an abort while parts are sent waits half a second for the abort of the upload, which then continues in the background', async () => {
  vi.useFakeTimers()
  const { bucket, transport } = memoryBucket()
  const controller = new AbortController()
  let respond = (): void => {}
  const abort = transport.abort.bind(transport)
  const asked = new Promise<AbortSignal | undefined>((resolve) => {
    transport.abort = async (request) => {
      resolve(request.signal)
      await new Promise<void>((ready) => {
        respond = ready
      })
      return abort(request)
    }
  })
  transport.intercept = ({ operation }) => {
    if (operation === 'uploadPart') controller.abort()
  }
  let ended = false
  const options = { partSizeBytes: PART, multipartThresholdBytes: 1, signal: controller.signal }
  const upload = bucket.upload('a', data, options).finally(() => {
    ended = true
  })
  upload.catch(() => {})
  const signal = await asked
  await vi.advanceTimersByTimeAsync(499)
  expect(ended).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  await expect(upload).rejects.toMatchObject({ name: 'AbortError' })
  expect(signal?.aborted).toBe(false)
  respond()
  await bucket.settled()
  expect(await pendingUploads(transport)).toBe(0)
})
