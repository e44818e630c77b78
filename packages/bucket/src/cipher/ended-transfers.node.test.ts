import { closeSync, openSync, truncateSync, writeSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  FILE_PART,
  FileTransfers,
  FORMATS,
  FORMATTED_TRANSFERS,
  isByWorker,
} from '../../test/file-transfers.ts'
import {
  endThreads,
  firstThread,
  type ReceivedBody,
  watchBodies,
  watchJobs,
  watchMessages,
} from '../../test/file-workers.ts'

const reason = new Error('stop')

let at: FileTransfers

beforeEach(async () => {
  at = await FileTransfers.begin()
})
afterEach(async () => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  await at.end()
})

/** Overwrites one byte of the file, in its first part. */
function changeByte(): void {
  const fd = openSync(at.here('in'), 'r+')
  writeSync(fd, Uint8Array.of(0x5a), 0, 1, FILE_PART - 4096)
  closeSync(fd)
}

/** Checks that two different ciphertexts were never sent under one keystream. */
function expectOneCiphertextEach(bodies: readonly ReceivedBody[]): void {
  const first = new Map<string, Uint8Array>()
  for (const { uploadId, partNumber, bytes } of bodies) {
    const name = `${uploadId} ${partNumber}`
    expect(Buffer.compare(bytes, first.get(name) ?? bytes), `part ${name}`).toBe(0)
    first.set(name, bytes)
  }
}

describe.runIf(availableParallelism() > 1).each(FORMATTED_TRANSFERS)(
  'an abort of %s by a worker, %s',
  (transfer, format) => {
    beforeEach(async () => {
      await at.end()
      at = await FileTransfers.begin(undefined, { format })
    })

    test.each<[string, (controller: AbortController) => void]>([
      ['before it starts', (controller) => controller.abort(reason)],
      [
        'while its request is prepared',
        (controller) => {
          const workerSide = at.transport.workerSide.bind(at.transport)
          at.transport.workerSide = (request) => {
            controller.abort(reason)
            return workerSide({ ...request, signal: undefined })
          }
        },
      ],
      [
        'while the worker waits for a response that never comes',
        (controller) => {
          at.transport.intercept = (request) => {
            if (!isByWorker(request)) return
            controller.abort(reason)
            return new Promise(() => {})
          }
        },
      ],
      [
        'while the worker has its bytes',
        (controller) => {
          at.transport.alterGet = (response, { headers }) => {
            if (isByWorker({ operation: 'get', key: 'a', headers }))
              queueMicrotask(() => controller.abort(reason))
            return response
          }
          watchBodies(at.transport, (response) => {
            if (controller.signal.aborted) return response
            controller.abort(reason)
            // Too late for the service, which has stored it.
            at.transport.objects.delete('a')
            return response
          })
        },
      ],
    ])('%s rejects with its reason when the worker is done, and leaves no file', async (_when, arrange) => {
      await at.prepare(transfer)
      const thread = await firstThread()
      const controller = new AbortController()
      const jobs = watchJobs()
      const { workerSide } = at.transport
      arrange(controller)
      const { signal } = controller
      await expect(at[transfer]({ signal })).rejects.toBe(reason)
      expect([...jobs.values()]).toEqual([])
      await at.expectNothing(transfer)

      at.transport.intercept = undefined
      at.transport.workerSide = workerSide
      await at[transfer]()
      await at.expectDone(transfer)
      expect(await firstThread()).toBe(thread)
    })

    test('after the first progress rejects with its reason', async () => {
      await at.prepare(transfer)
      at.transport.prepared.length = 0
      const controller = new AbortController()
      const jobs = watchJobs()
      const onProgress = () => {
        if (at.transport.prepared.length > 0) controller.abort(reason)
      }
      await expect(at[transfer]({ signal: controller.signal, onProgress })).rejects.toBe(reason)
      expect([...jobs.values()]).toEqual([])
      await at.expectNothing(transfer)
    })

    test('by its deadline ends a wait for a response that never comes', async () => {
      await at.prepare(transfer)
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      const jobs = watchJobs()
      at.transport.intercept = (request) => {
        if (!isByWorker(request)) return
        vi.advanceTimersByTime(1000)
        return new Promise(() => {})
      }
      await expect(at[transfer]({ deadlineMs: 1000 })).rejects.toMatchObject({
        code: 'ERR_CSE_DEADLINE_EXCEEDED',
        objectKey: 'a',
      })
      expect([...jobs.values()]).toEqual([])
      await at.expectNothing(transfer)
    })
  },
)

describe.runIf(availableParallelism() > 1).each(FORMATS)('a transfer whose worker ends, %s', (format) => {
  beforeEach(async () => {
    await at.end()
    at = await FileTransfers.begin(undefined, { format })
  })

  /** Lets only this thread send the requests. */
  function declineAll(): void {
    at.transport.workerSide = async () => undefined
  }

  test.each([
    ['put', 'put', 1],
    ['put', 'answer', 1],
    ['uploadPart', 'hold', 1],
    ['uploadPart', 'hold', 3],
    ['uploadPart', 'send', 1],
    ['uploadPart', 'send', 2],
    ['uploadPart', 'take', 1],
    ['uploadPart', 'take', 2],
    ['get', 'fetch', 1],
    ['get', 'fetch', 2],
    ['get', 'answer', 1],
    ['get', 'answer', 2],
  ] as const)('is done by a new one: %s, at %s number %i', async (transfer, type, n) => {
    await at.prepare(transfer)
    if (type === 'take') declineAll()
    const bodies = watchBodies(at.transport)
    const { ended, keys } = endThreads(type, { at: n })
    await at[transfer]()
    expect(ended.size).toBe(1)
    await at.expectDone(transfer)
    expectOneCiphertextEach(bodies.filter(({ uploadId }) => uploadId !== undefined))
    expect(keys.length).toBeGreaterThan(0)
    for (const key of keys) expect(new Uint8Array(key)).toEqual(new Uint8Array(48))
  })

  test.each([
    // A put is tried again as often as any, each time under another key.
    ['put', 'put', 4],
    ['put', 'answer', 4],
    ['uploadPart', 'hold', 2],
    ['uploadPart', 'send', 2],
    ['uploadPart', 'take', 2],
    ['get', 'fetch', 2],
    ['get', 'answer', 2],
  ] as const)(
    'fails if the new one ends too, and leaves nothing: %s, at %s',
    async (transfer, type, times) => {
      await at.prepare(transfer)
      if (type === 'take') declineAll()
      const { ended, keys } = endThreads(type, { times })
      await expect(at[transfer]()).rejects.toMatchObject({ code: 'ERR_CSE_THREAD', objectKey: 'a' })
      expect(ended.size).toBe(times)
      await at.expectNothing(transfer)
      for (const key of keys) expect(new Uint8Array(key)).toEqual(new Uint8Array(48))
    },
  )

  /** Ends the worker of each part when the transport has its bytes, and before it responds. */
  function endWhenReceived(times: number, onEnd: () => void = () => {}): readonly ReceivedBody[] {
    let sending: Worker | undefined
    watchMessages(({ type }, worker) => {
      if (type === 'send' || type === 'put') sending = worker
      return true
    })
    return watchBodies(at.transport, async (response, n) => {
      if (n > times) return response
      onEnd()
      await sending?.terminate()
      return response
    })
  }

  test('after the service got a part sends the same bytes again', async () => {
    const bodies = endWhenReceived(1)
    await at.uploadPart()
    expect(bodies.map(({ partNumber }) => partNumber)).toEqual([1, 1, 2, 3])
    expectOneCiphertextEach(bodies)
    await at.expectDone('uploadPart')
  })

  test('after the service got the object sends it again, under another key', async () => {
    const bodies = endWhenReceived(1)
    await at.put()
    expect(bodies).toHaveLength(2)
    const [first, second] = bodies.map(({ bytes }) => bytes.subarray(0, 32))
    expect(first).not.toEqual(second)
    await at.expectDone('put')
  })

  test.each([
    ['before the part was sent', (change: () => void) => watchedEnd(change)],
    ['after the service got the part', (change: () => void) => endWhenReceived(1, change)],
  ])('never sends another ciphertext of a part whose file changed: %s', async (_when, arrange) => {
    const bodies = arrange(changeByte)
    await expect(at.uploadPart()).rejects.toMatchObject({ code: 'ERR_CSE_SOURCE_CHANGED', objectKey: 'a' })
    expect(bodies.length).toBeLessThanOrEqual(1)
    expectOneCiphertextEach(bodies)
    await at.expectNothing('uploadPart')
  })

  test.each([
    ['before the part was sent', (change: () => void) => watchedEnd(change)],
    ['after the service got the part', (change: () => void) => endWhenReceived(1, change)],
  ])('fails if the file became shorter: %s', async (_when, arrange) => {
    const bodies = arrange(() => truncateSync(at.here('in'), 100))
    await expect(at.uploadPart()).rejects.toMatchObject({ code: 'ERR_CSE_SOURCE', objectKey: 'a' })
    expect(bodies.length).toBeLessThanOrEqual(1)
    await at.expectNothing('uploadPart')
  })

  test('never sends another ciphertext of a part that comes to this thread', async () => {
    declineAll()
    const bodies = watchBodies(at.transport)
    endThreads('take', { onEnd: changeByte })
    await expect(at.uploadPart()).rejects.toMatchObject({ code: 'ERR_CSE_SOURCE_CHANGED' })
    expect(bodies).toEqual([])
  })

  function watchedEnd(onEnd: () => void): readonly ReceivedBody[] {
    const bodies = watchBodies(at.transport)
    endThreads('send', { onEnd })
    return bodies
  }
})
