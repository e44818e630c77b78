import { createPrivateKey, privateDecrypt } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { type ContentKey, unwrapFailed } from '@oss-cse/crypto-core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { envelope, vector } from '../test/support/keys.ts'
import type { UnwrapRequest } from './content-key-unwrap.ts'
import { RsaProvider } from './rsa-provider.ts'
import type { UnwrapMessage } from './unwrap-messages.ts'
import { UnwrapThread } from './unwrap-thread.ts'

vi.mock('node:crypto', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:crypto')>()
  return { ...original, privateDecrypt: vi.fn(original.privateDecrypt) }
})

const code = (value: string) => expect.objectContaining({ code: value })
const { wrappedCek, wrappedIv } = vector
const expected: ContentKey = {
  cek: Uint8Array.from(Buffer.from(vector.cek, 'base64')),
  iv: Uint8Array.from(Buffer.from(vector.iv, 'base64')),
}
const privateKey = createPrivateKey(vector.privateKeyPem)
const modulus = Uint8Array.from(Buffer.from(privateKey.export({ format: 'jwk' }).n ?? '', 'base64url'))
const key = { privateKey, modulus }
const request: UnwrapRequest = { padding: 'pkcs1', ivForm: 'block', isOurs: true, wrappedCek, wrappedIv }
const inWorker = () => new RsaProvider({ privateKey: vector.privateKeyPem, unwrapInWorker: true })

beforeEach(() => {
  vi.mocked(privateDecrypt).mockClear()
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** Starts a thread that reports that it is ready and then runs the given code. */
function startThread(body: string): Promise<UnwrapThread> {
  const text = `import { parentPort } from 'node:worker_threads'\nparentPort.postMessage('ready')\n${body}`
  return UnwrapThread.start(new URL(`data:text/javascript,${encodeURIComponent(text)}`))
}

/** Records the requests to all threads. The first `lost` threads end instead of serving one. */
function watchRequests(lost = 0): { readonly requests: UnwrapMessage[]; readonly threads: Set<Worker> } {
  const requests: UnwrapMessage[] = []
  const threads = new Set<Worker>()
  const ended = new Set<Worker>()
  const { postMessage } = Worker.prototype
  vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, message, transfer) {
    requests.push(message as UnwrapMessage)
    threads.add(this)
    if (ended.has(this)) return
    if (ended.size < lost) {
      ended.add(this)
      void this.terminate()
    } else {
      postMessage.call(this, message, transfer as ArrayBuffer[])
    }
  })
  return { requests, threads }
}

describe('unwrapInWorker', () => {
  test('sends both wrapped values in one message, and does no RSA work in the calling thread', async () => {
    const { requests } = watchRequests()
    const provider = inWorker()
    vi.mocked(privateDecrypt).mockClear()
    expect(await provider.unwrap(envelope(wrappedCek, wrappedIv))).toEqual(expected)
    expect(requests.map(({ request }) => request)).toEqual([request])
    expect(privateDecrypt).not.toHaveBeenCalled()
  })

  test('returns a key whose memory belongs to the caller alone', async () => {
    const { cek, iv } = await inWorker().unwrap(envelope(wrappedCek, wrappedIv))
    expect([cek.buffer.byteLength, iv.buffer.byteLength]).toEqual([32, 16])
  })

  test('serves all providers of the process in one thread', async () => {
    const { threads } = watchRequests()
    const reads = Array.from({ length: 6 }, () => inWorker().unwrap(envelope(wrappedCek, wrappedIv)))
    expect(await Promise.all(reads)).toEqual(reads.map(() => expected))
    expect(threads.size).toBe(1)
  })

  test('throws the same error as without it, for each kind of damage', async () => {
    const provider = inWorker()
    for (const [cek, iv] of [
      ['*', wrappedIv],
      ['AAAA', wrappedIv],
      [wrappedIv, wrappedCek],
      [Buffer.alloc(256, 0x11).toString('base64'), wrappedIv],
      [Buffer.alloc(256, 0xff).toString('base64'), 'AAAA'],
    ] as const) {
      await expect(provider.unwrap(envelope(cek, iv))).rejects.toStrictEqual(unwrapFailed())
    }
    await expect(provider.unwrap(envelope(wrappedCek, wrappedIv, 'kms'))).rejects.toStrictEqual(
      unwrapFailed(),
    )
  })

  test('sends nothing for an object that is in the cache', async () => {
    const { requests } = watchRequests()
    const provider = new RsaProvider({
      privateKey: vector.privateKeyPem,
      unwrapInWorker: true,
      unwrapCache: { maxEntries: 9, ttlMs: 60_000 },
    })
    const read = () => provider.unwrap(envelope(wrappedCek, wrappedIv))
    expect(await Promise.all([read(), read()])).toEqual([expected, expected])
    expect(await read()).toEqual(expected)
    expect(requests.length).toBe(1)
  })

  test('does the work once more in a new thread if the thread ends, for each unwrap that it had', async () => {
    const { threads } = watchRequests(1)
    const provider = inWorker()
    const reads = Array.from({ length: 5 }, () => provider.unwrap(envelope(wrappedCek, wrappedIv)))
    expect(await Promise.all(reads)).toEqual(reads.map(() => expected))
    expect(threads.size).toBe(2)
  })

  test('fails with a code if the new thread ends too, and the next unwrap starts another one', async () => {
    const { threads } = watchRequests(2)
    const provider = inWorker()
    const read = () => provider.unwrap(envelope(wrappedCek, wrappedIv))
    await expect(read()).rejects.toEqual(code('ERR_CSE_THREAD'))
    expect(await read()).toEqual(expected)
    expect(threads.size).toBe(3)
  })

  test('ends the thread after a minute without work, and starts another one for the next unwrap', async () => {
    const { threads } = watchRequests()
    const provider = inWorker()
    await provider.unwrap(envelope(wrappedCek, wrappedIv))
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    await provider.unwrap(envelope(wrappedCek, wrappedIv))
    vi.advanceTimersByTime(59_999)
    await provider.unwrap(envelope(wrappedCek, wrappedIv))
    vi.advanceTimersByTime(59_999)
    await provider.unwrap(envelope(wrappedCek, wrappedIv))
    expect(threads.size).toBe(1)
    vi.advanceTimersByTime(60_000)
    vi.useRealTimers()
    expect(await provider.unwrap(envelope(wrappedCek, wrappedIv))).toEqual(expected)
    expect(threads.size).toBe(2)
  })
})

describe('a thread', () => {
  test.each([
    ['throws', 'parentPort.on("message", () => { throw new Error("out of order") })', 'out of order'],
    ['exits', 'parentPort.on("message", () => process.exit(3))', undefined],
    ['rejects', 'parentPort.on("message", () => Promise.reject(new Error("unheard")))', 'unheard'],
  ])('that %s fails each unwrap that it had with a code, and each later one', async (_, body, message) => {
    const thread = await startThread(body)
    const unwrap = () => thread.unwrap(key, request, undefined)
    const results = await Promise.allSettled([unwrap(), unwrap(), unwrap(), unwrap()])
    expect(results).toEqual(results.map(() => ({ status: 'rejected', reason: code('ERR_CSE_THREAD') })))
    const { cause } = (results[0] as PromiseRejectedResult).reason as Error
    expect((cause as Error | undefined)?.message).toBe(message)
    expect(thread.hasEnded).toBe(true)
    await expect(unwrap()).rejects.toEqual(code('ERR_CSE_THREAD'))
  })

  test('whose response cannot be deserialized ends', async () => {
    const { postMessage } = Worker.prototype
    vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, message, transfer) {
      postMessage.call(this, message, transfer as ArrayBuffer[])
      this.emit('messageerror', new Error('unreadable'))
    })
    const thread = await startThread('parentPort.on("message", () => {})')
    await expect(thread.unwrap(key, request, undefined)).rejects.toMatchObject({
      code: 'ERR_CSE_THREAD',
      cause: { message: 'unreadable' },
    })
  })

  test('serves the next unwrap if one cannot be sent', async () => {
    const thread = await UnwrapThread.start()
    const unsendable = { ...request, wrappedCek: (() => '') as unknown as string }
    await expect(thread.unwrap(key, unsendable, undefined)).rejects.toThrow('could not be cloned')
    expect(await thread.unwrap(key, request, undefined)).toEqual(expected)
  })

  test('that cannot start rejects', async () => {
    await expect(UnwrapThread.start(new URL('data:text/javascript,process.exit()'))).rejects.toThrow('ready')
    await expect(UnwrapThread.start(new URL('file:///nowhere.js'))).rejects.toThrow()
  })
})

describe('an aborted unwrap', () => {
  test('rejects at once with the reason, and is never sent if the thread was busy', async () => {
    const { requests } = watchRequests()
    const thread = await UnwrapThread.start()
    const controller = new AbortController()
    const before = [1, 2, 3].map(() => thread.unwrap(key, request, undefined))
    const aborted = [1, 2, 3].map(() => thread.unwrap(key, request, controller.signal))
    const after = thread.unwrap(key, request, undefined)
    controller.abort('enough')
    expect(await Promise.allSettled(aborted)).toEqual(
      aborted.map(() => ({ status: 'rejected', reason: 'enough' })),
    )
    expect(await Promise.all([...before, after])).toEqual([expected, expected, expected, expected])
    expect(requests.length).toBe(4)
    await expect(thread.unwrap(key, request, controller.signal)).rejects.toBe('enough')
  })

  test('wipes the key that the thread returns for it', async () => {
    const returned: ContentKey[] = []
    const { emit } = Worker.prototype
    vi.spyOn(Worker.prototype, 'emit').mockImplementation(function (this: Worker, name, ...values) {
      const result = emit.call(this, name, ...values)
      const { contentKey } = (values[0] ?? {}) as { readonly contentKey?: ContentKey }
      if (contentKey !== undefined) returned.push(contentKey)
      return result
    })
    const thread = await UnwrapThread.start()
    const controller = new AbortController()
    const aborted = thread.unwrap(key, request, controller.signal)
    const kept = thread.unwrap(key, request, undefined)
    controller.abort('enough')
    await expect(aborted).rejects.toBe('enough')
    expect(await kept).toEqual(expected)
    expect(returned).toEqual([{ cek: new Uint8Array(32), iv: new Uint8Array(16) }, expected])
  })
})
