import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { pattern } from '../../test/bytes.ts'
import { endThreads } from '../../test/file-workers.ts'
import { memoryBucket } from '../../test/memory-bucket.ts'
import { denied, pendingUploads, watchParts } from '../../test/multipart.ts'
import { openFilesBelow } from '../../test/open-files.ts'
import { downloadFile } from '../files/download-file.node.ts'
import { uploadFile } from '../files/upload-file.node.ts'
import { MemoryCheckpointStore } from '../resume/checkpoint-store.ts'
import { FileCipherThread } from './file-cipher-thread.node.ts'
import { borrowThread } from './file-cipher-threads.node.ts'

const MIB = 1024 ** 2
const code = (value: string) => expect.objectContaining({ code: value })
const contentKey = { cek: new Uint8Array(32), iv: new Uint8Array(16) }
const data = pattern(8 * MIB + 17)

let directory: string
const here = (name: string) => join(directory, name)

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'oss-cse-'))
  await writeFile(here('in'), data)
})
afterEach(async () => {
  vi.restoreAllMocks()
  await rm(directory, { recursive: true, force: true })
})

/** Starts a thread that reports that it is ready and then runs the given code. */
function startThread(body: string): Promise<FileCipherThread> {
  const text = `import { parentPort } from 'node:worker_threads'\nparentPort.postMessage('ready')\n${body}`
  return FileCipherThread.start(new URL(`data:text/javascript,${encodeURIComponent(text)}`))
}

/** Delivers the first message of a thread together with its exit, as Node.js does when this thread was busy until then. */
function receiveLate(): void {
  const { emit } = Worker.prototype
  vi.spyOn(Worker.prototype, 'emit').mockImplementation(function (this: Worker, event, ...values) {
    const heard = emit.call(this, event, ...values)
    return event === 'message' ? emit.call(this, 'exit', 0) : heard
  })
}

test('a thread that becomes ready and ends while this thread is busy does not start', async () => {
  receiveLate()
  await expect(startThread('process.exit()')).rejects.toThrow('The thread ended')
})

describe('a request to a thread', () => {
  test.each([
    ['throws', 'parentPort.on("message", () => { throw new Error("out of order") })', 'out of order'],
    ['exits', 'parentPort.on("message", () => process.exit(3))', undefined],
    ['rejects', 'parentPort.on("message", () => Promise.reject(new Error("unheard")))', 'unheard'],
  ])('fails with a code when the thread %s, and so does a later request', async (_, body, message) => {
    const thread = await startThread(body)
    const ask = () =>
      thread.encrypt(
        { fd: 0, positionBytes: 0, offsetBytes: 0, sizeBytes: 16, storedBytes: 16 },
        contentKey,
        new ArrayBuffer(16),
      )
    const [first, second] = await Promise.allSettled([ask(), ask()])
    expect([first, second]).toEqual([
      { status: 'rejected', reason: code('ERR_CSE_THREAD') },
      { status: 'rejected', reason: code('ERR_CSE_THREAD') },
    ])
    const { cause } = (first as PromiseRejectedResult).reason as Error
    expect((cause as Error | undefined)?.message).toBe(message)
    expect(thread.isLost).toBe(true)
    await expect(ask()).rejects.toEqual(code('ERR_CSE_THREAD'))
    await expect(thread.decrypt(0, 0, contentKey)).rejects.toEqual(code('ERR_CSE_THREAD'))
  })

  test('fails when its response cannot be deserialized, but only once the thread has ended', async () => {
    const workers: Worker[] = []
    const { postMessage } = Worker.prototype
    vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, request, transfer) {
      workers.push(this)
      postMessage.call(this, request, transfer)
      this.emit('messageerror', new Error('unreadable'))
    })
    const thread = await startThread('parentPort.on("message", () => {})')
    const asked = thread.decrypt(0, 0, contentKey)
    await expect(asked).rejects.toMatchObject({ code: 'ERR_CSE_THREAD', cause: { message: 'unreadable' } })
    // Node.js gives this id to a thread that has exited.
    expect(workers.map(({ threadId }) => threadId)).toEqual([-1])
  })

  test('that cannot be transferred fails, and the thread serves the next request', async () => {
    const thread = await FileCipherThread.start()
    const file = await open(here('in'))
    try {
      const buffer = new ArrayBuffer(16)
      const run = { fd: file.fd, positionBytes: 0, offsetBytes: 0, sizeBytes: 16, storedBytes: 16 }
      const { buffer: back } = await thread.encrypt(run, contentKey, buffer)
      expect(back?.byteLength).toBe(16)
      // It was transferred with the first request.
      await expect(thread.encrypt(run, contentKey, buffer)).rejects.toThrow()
      expect((await thread.encrypt(run, contentKey, new ArrayBuffer(16))).crc64).toBeDefined()
    } finally {
      await file.close()
    }
  })
})

test('no message contains a key, and the shared copy of it is wiped', async () => {
  const thread = await FileCipherThread.start()
  const shared: SharedArrayBuffer[] = []
  const { postMessage } = Worker.prototype
  vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, request, transfer) {
    postMessage.call(this, request, transfer)
    shared.push(request.key)
  })
  const key = { cek: new Uint8Array(32).fill(1), iv: new Uint8Array(16).fill(2) }
  const file = await open(here('in'))
  try {
    const run = { fd: file.fd, positionBytes: 0, offsetBytes: 0, sizeBytes: 16, storedBytes: 16 }
    const { buffer = new ArrayBuffer(0) } = await thread.encrypt(run, key, new ArrayBuffer(16))
    // The thread had the key, and the caller still has it.
    expect(new Uint8Array(buffer)).not.toEqual(data.subarray(0, 16))
    expect(key.cek).toEqual(new Uint8Array(32).fill(1))
  } finally {
    await file.close()
  }
  expect(shared.map((bytes) => [bytes.constructor, new Uint8Array(bytes)])).toEqual([
    [SharedArrayBuffer, new Uint8Array(48)],
  ])
})

describe.runIf(availableParallelism() > 1)('a transfer whose thread ends', () => {
  const options = { multipartThresholdBytes: MIB, partSizeBytes: MIB }

  test('uploads the lost part again from a new thread, and each part once', async () => {
    const { bucket, transport } = memoryBucket()
    const sent = watchParts(transport)
    const before = await borrowThread(1)
    before?.giveBack()
    const { ended } = endThreads('encrypt', { at: 2 })
    await uploadFile(bucket, 'a', here('in'), { ...options, parallel: 1 })
    expect(ended.size).toBe(1)
    expect(before?.thread.isLost).toBe(true)
    const after = await borrowThread(1)
    after?.giveBack()
    expect(after?.thread).not.toBe(before?.thread)
    expect(sent.map(({ partNumber }) => partNumber)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(Buffer.compare(await bucket.getBytes('a'), data)).toBe(0)
  })

  test('compares again in a new thread what an earlier run sent', async () => {
    const { bucket, transport } = memoryBucket()
    const checkpointStore = new MemoryCheckpointStore()
    transport.intercept = ({ partNumber }) => {
      if (partNumber === 4) throw denied
    }
    const upload = () => uploadFile(bucket, 'a', here('in'), { ...options, checkpointStore, parallel: 1 })
    await expect(upload()).rejects.toBe(denied)
    transport.intercept = undefined
    const { ended } = endThreads('encrypt', { at: 2 })
    expect((await upload()).resumedBytes).toBe(3 * MIB)
    expect(ended.size).toBe(1)
    expect(Buffer.compare(await bucket.getBytes('a'), data)).toBe(0)
  })

  test('fails with a code when the new thread ends too, and leaves no upload', async () => {
    const { bucket, transport } = memoryBucket()
    const sent = watchParts(transport)
    const { ended } = endThreads('encrypt', { times: 2 })
    const upload = uploadFile(bucket, 'a', here('in'), { ...options, parallel: 1 })
    await expect(upload).rejects.toMatchObject({ code: 'ERR_CSE_THREAD', objectKey: 'a' })
    expect(ended.size).toBe(2)
    expect(sent).toEqual([])
    expect(await pendingUploads(transport)).toBe(0)
    expect(await openFilesBelow(directory)).toBe(0)
  })

  test.each([
    { type: 'decrypt', at: 1 },
    { type: 'decrypt', at: 3 },
    { type: 'chunk', at: 1 },
    { type: 'chunk', at: 10 },
    { type: 'end', at: 2 },
  ] as const)('downloads the lost run again: $type, request $at', async ({ type, at }) => {
    const { bucket } = memoryBucket()
    await bucket.put('a', data)
    const { ended } = endThreads(type, { at })
    const steps: number[] = []
    await downloadFile(bucket, 'a', here('out'), {
      ...options,
      onProgress: ({ transferredBytes }) => steps.push(transferredBytes),
    })
    expect(ended.size).toBe(1)
    expect(Buffer.compare(await readFile(here('out')), data)).toBe(0)
    expect(steps).toEqual(steps.toSorted((a, b) => a - b))
    expect(steps.at(-1)).toBe(data.length)
    expect(await openFilesBelow(directory)).toBe(0)
  })

  test.each(['decrypt', 'chunk', 'end'] as const)(
    'fails with a code when the new thread ends too, and leaves no file: %s',
    async (type) => {
      const { bucket } = memoryBucket()
      await bucket.put('a', data)
      const { ended } = endThreads(type, { times: 2 })
      const download = downloadFile(bucket, 'a', here('out'), { ...options, parallel: 1 })
      await expect(download).rejects.toMatchObject({ code: 'ERR_CSE_THREAD', objectKey: 'a' })
      expect(ended.size).toBe(2)
      expect(await readdir(directory)).toEqual(['in'])
      expect(await openFilesBelow(directory)).toBe(0)
    },
  )
})
