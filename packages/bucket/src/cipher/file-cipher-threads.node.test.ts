import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { serialize } from 'node:v8'
import type { Worker } from 'node:worker_threads'
import type { ContentKey } from '@oss-cse/crypto-core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  FILE_TRANSFERS,
  FileTransfers,
  FORMATTED_TRANSFERS,
  fileData,
  isByWorker,
} from '../../test/file-transfers.ts'
import { firstThread, watchJobs, watchMessages, watchResponses } from '../../test/file-workers.ts'
import { lost } from '../../test/multipart.ts'
import { spellings } from '../../test/watched-keys.ts'
import { borrowThread } from './file-cipher-threads.node.ts'

let at: FileTransfers

beforeEach(async () => {
  at = await FileTransfers.begin(undefined, { fileWorkers: 2 })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await at.end()
})

/** Whether a message contains a key, as bytes or in any usual text form. */
function contains(message: Buffer, key: ContentKey): boolean {
  const texts = spellings(key).flatMap((text) => [Buffer.from(text), Buffer.from(text, 'utf16le')])
  return [Buffer.from(key.cek), Buffer.from(key.iv), ...texts].some((secret) => message.includes(secret))
}

test('a message with a key in it is found', () => {
  const key = { cek: fileData.slice(1, 33), iv: fileData.slice(50, 66) }
  const text = Buffer.from(key.cek)
  for (const leak of [key, { iv: key.iv }, text.toString('hex'), { a: [text.toString('base64')] }]) {
    expect(contains(serialize({ type: 'put', leak }), key)).toBe(true)
  }
  expect(contains(serialize({ type: 'put', leak: fileData.slice(3, 60) }), key)).toBe(false)
})

describe.runIf(availableParallelism() > 1)('the key of a transfer by workers', () => {
  test.each(FORMATTED_TRANSFERS)(
    'is in no message, and all its copies are wiped: %s, %s',
    async (transfer, format) => {
      await at.end()
      at = await FileTransfers.begin(undefined, { fileWorkers: 2, format })
      await at.prepare(transfer)
      const { handedOut, copies } = at.keyring
      handedOut.length = 0
      copies.length = 0
      const keys: SharedArrayBuffer[] = []
      const messages: Buffer[] = []
      watchMessages((request) => {
        const { key, ...rest } = request as typeof request & { readonly key?: unknown }
        if (key !== undefined) keys.push(key as SharedArrayBuffer)
        messages.push(serialize(rest))
        return true
      })
      watchResponses((message) => messages.push(serialize(message)))
      let failures = 0
      at.transport.intercept = (request) => {
        if (isByWorker(request) && failures++ === 0) throw lost
      }
      await at[transfer]()
      expect(copies.length).toBe(transfer === 'put' ? 2 : 1)
      for (const key of copies) expect(messages.some((message) => contains(message, key))).toBe(false)
      expect(messages.length).toBeGreaterThan(4)
      expect(keys.length).toBeGreaterThan(0)
      for (const key of keys) {
        expect(key).toBeInstanceOf(SharedArrayBuffer)
        expect(new Uint8Array(key)).toEqual(new Uint8Array(48))
      }
      expect(at.keyring.wiped).toBe(true)
    },
  )
})

describe.runIf(availableParallelism() > 1)('parallel parts', () => {
  /** Holds the requests of workers until so many are there. Returns the threads that are then sending one. */
  function holdUntil(count: number): Promise<ReadonlySet<Worker>> {
    const jobs = watchJobs()
    return new Promise((resolve) => {
      let release = (): void => {}
      const released = new Promise<void>((end) => {
        release = end
      })
      let waiting = 0
      at.transport.intercept = async (request) => {
        if (!isByWorker(request)) return
        waiting += 1
        if (waiting === count) {
          const sending = [...jobs.values()].filter(({ type }) => type === 'send' || type === 'fetch')
          resolve(new Set(sending.map(({ worker }) => worker)))
          release()
        }
        await released
      }
    })
  }

  test.each([
    ['uploadPart', 3],
    ['get', 2],
  ] as const)('are moved by two threads at the same time: %s', async (transfer, requests) => {
    await at.prepare(transfer)
    const threads = holdUntil(requests)
    await at[transfer]({ parallel: 3 })
    expect((await threads).size).toBe(2)
    await at.expectDone(transfer)
  })

  test.each([
    ['uploadPart', 3],
    ['get', 2],
  ] as const)('are moved by one thread if only one is allowed: %s', async (transfer, requests) => {
    await at.end()
    at = await FileTransfers.begin(undefined, { fileWorkers: 1 })
    await at.prepare(transfer)
    const threads = holdUntil(requests)
    await at[transfer]({ parallel: 3 })
    expect((await threads).size).toBe(1)
    await at.expectDone(transfer)
  })

  test.each(FILE_TRANSFERS)('one after the other use one thread: %s', async (transfer) => {
    await at.prepare(transfer)
    const used = new Set<Worker>()
    watchMessages((_, worker) => {
      used.add(worker)
      return true
    })
    await at[transfer]()
    expect(used.size).toBe(1)
    await at.expectDone(transfer)
  })
})

describe.runIf(availableParallelism() > 1)('threads without work', () => {
  test('end after a while, and a later transfer starts a new one', async () => {
    const { setTimeout } = globalThis
    let idle: (() => void) | undefined
    vi.spyOn(globalThis, 'setTimeout').mockImplementation(((call: () => void, delayMs?: number) => {
      if (delayMs === 30_000) idle = call
      return setTimeout(call, delayMs)
    }) as typeof setTimeout)
    await at.put()
    const thread = await firstThread()
    expect(thread?.isLost).toBe(false)
    idle?.()
    await expect(thread?.run({ type: 'release', held: 0, reusable: false })).rejects.toMatchObject({
      code: 'ERR_CSE_THREAD',
    })
    await at.put()
    await at.expectDone('put')
    expect(await firstThread()).not.toBe(thread)
  })

  test('do not end while one has work', async () => {
    const clear = vi.spyOn(globalThis, 'clearTimeout')
    const timers: unknown[] = []
    const { setTimeout } = globalThis
    vi.spyOn(globalThis, 'setTimeout').mockImplementation(((call: () => void, delayMs?: number) => {
      const timer = setTimeout(call, delayMs)
      if (delayMs === 30_000) timers.push(timer)
      return timer
    }) as typeof setTimeout)
    const first = await borrowThread(2)
    const second = await borrowThread(2)
    expect(first?.thread).not.toBe(second?.thread)
    first?.giveBack()
    expect(timers).toEqual([])
    second?.giveBack()
    expect(timers).toHaveLength(1)
    const third = await borrowThread(2)
    expect(clear).toHaveBeenCalledWith(timers[0])
    third?.giveBack()
  })
})

describe.runIf(availableParallelism() > 1)('a lost thread that is given back late', () => {
  test('leaves no timer that would end threads with work', async () => {
    const running = new Set<unknown>()
    const { setTimeout, clearTimeout } = globalThis
    vi.spyOn(globalThis, 'setTimeout').mockImplementation(((call: () => void, delayMs?: number) => {
      const timer = setTimeout(call, delayMs)
      if (delayMs === 30_000) running.add(timer)
      return timer
    }) as typeof setTimeout)
    vi.spyOn(globalThis, 'clearTimeout').mockImplementation(((timer?: NodeJS.Timeout) => {
      running.delete(timer)
      clearTimeout(timer)
    }) as typeof clearTimeout)
    const lostOne = await borrowThread(1)
    await lostOne?.thread.end()
    const other = await borrowThread(1)
    expect(other?.thread).not.toBe(lostOne?.thread)
    other?.giveBack()
    lostOne?.giveBack()
    expect(running.size).toBe(1)
    const working = await borrowThread(1)
    expect(running.size).toBe(0)
    working?.giveBack()
  })
})

describe('a process', () => {
  const child = (...parameters: string[]) =>
    fork(fileURLToPath(new URL('../../test/worker-download-child.mjs', import.meta.url)), parameters)

  test('ends by itself after a download by workers', async () => {
    expect(await once(child(at.here('out')), 'exit')).toEqual([0, null])
    expect(await readFile(at.here('out'))).toEqual(Buffer.alloc(fileData.length, 7))
  })

  test('that exits during a download by workers leaves no file under the final name', async () => {
    expect(await once(child(at.here('out'), 'exits'), 'exit')).toEqual([3, null])
    expect(await readdir(at.directory)).not.toContain('out')
  })
})
