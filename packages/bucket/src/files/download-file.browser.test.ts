import type { MemoryTransport } from '@oss-cse/crypto-core/testing'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { difference, pattern } from '../../test/bytes.ts'
import { memoryBucket } from '../../test/memory-bucket.ts'
import { denied } from '../../test/multipart.ts'
import { openPage } from '../../test/page.ts'
import type { CryptoBucketOptions } from '../crypto-bucket.ts'
import { downloadFile } from './download-file.web.ts'
import { fileHandleTarget } from './file-handle-target.web.ts'
import { IndexedDbCheckpointStore } from './indexed-db-checkpoint-store.web.ts'
import { opfsTarget } from './opfs-target.web.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const PART = 131_072
const data = pattern(4 * PART + 17)
/** So many bytes that a worker writes them. */
const large = pattern(9 * 1024 ** 2)
const inParts = { multipartThresholdBytes: PART, partSizeBytes: PART, parallel: 1 }
const old = new TextEncoder().encode('old')

let directory: FileSystemDirectoryHandle
let path: string[]

beforeEach(async () => {
  path = [`download ${crypto.randomUUID()}`, 'film.mp4']
  const root = await navigator.storage.getDirectory()
  directory = await root.getDirectoryHandle(path[0] as string, { create: true })
})
afterEach(async () => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
  document.body.replaceChildren()
  const root = await navigator.storage.getDirectory()
  for await (const name of root.keys()) await root.removeEntry(name, { recursive: true }).catch(() => {})
})

function newStore(): IndexedDbCheckpointStore {
  return new IndexedDbCheckpointStore({ database: `tests ${crypto.randomUUID()}`, waitMs: 60_000 })
}

/** What is in the directory, by name. */
async function files(): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>()
  for await (const [name, handle] of directory.entries()) {
    if (handle.kind === 'file') found.set(name, await contentOf(handle as FileSystemFileHandle))
  }
  return found
}

async function contentOf(handle: FileSystemFileHandle): Promise<Uint8Array> {
  return new Uint8Array(await (await handle.getFile()).arrayBuffer())
}

async function handleOf(bytes: Uint8Array, name = 'film.mp4'): Promise<FileSystemFileHandle> {
  const handle = await directory.getFileHandle(name, { create: true })
  const writable = await handle.createWritable()
  await writable.write(Uint8Array.from(bytes))
  await writable.close()
  return handle
}

async function expectFile(bytes: Uint8Array): Promise<void> {
  const found = await files()
  expect([...found.keys()]).toEqual(['film.mp4'])
  expect(difference(found.get('film.mp4') as Uint8Array, bytes)).toBeUndefined()
}

async function stored(bytes: Uint8Array, options: Partial<CryptoBucketOptions> = {}) {
  const made = memoryBucket(options)
  await made.bucket.put('a', bytes)
  made.transport.requests.length = 0
  return { ...made, transport: made.transport as MemoryTransport }
}

/** Makes the request with this number fail, counted from here. */
function failRequest(transport: MemoryTransport, number: number): void {
  let requests = 0
  transport.intercept = () => {
    requests += 1
    if (requests === number) throw denied
  }
}

/** Stores an object whose last byte was changed on the service. */
function alter(transport: MemoryTransport): void {
  const object = transport.objects.get('a')
  if (object === undefined) throw new Error('There is no object.')
  const bytes = object.bytes.slice()
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
  transport.objects.set('a', { ...object, bytes })
}

const unverified = { 'aes-ctr': 'ERR_CSE_INTEGRITY', sealed: 'ERR_CSE_AUTHENTICATION_FAILED' } as const

describe.each(['aes-ctr', 'sealed'] as const)('in the format %s', (format) => {
  describe('a file of the page', () => {
    test.each([0, 1, PART - 1, PART, PART + 1, data.length])('of %i bytes is written', async (size) => {
      const bytes = data.subarray(0, size)
      const { bucket } = await stored(bytes, { format })
      const result = await downloadFile(bucket, 'a', opfsTarget(...path), inParts)
      expect(result).toMatchObject({ key: 'a', sizeBytes: size, resumedBytes: 0 })
      expect(result.verification).toBe(format === 'sealed' ? 'aead' : 'crc64')
      await expectFile(bytes)
    })

    test('that is large is written by a worker, several parts at once', async () => {
      const { bucket } = await stored(large, { format })
      const createWritable = vi.spyOn(FileSystemFileHandle.prototype, 'createWritable')
      await downloadFile(bucket, 'a', opfsTarget(...path), {
        ...inParts,
        partSizeBytes: 16 * PART,
        parallel: 3,
      })
      expect(createWritable).not.toHaveBeenCalled()
      await expectFile(large)
    })

    test('replaces the old one only when it is verified', async () => {
      await handleOf(old)
      const { bucket, transport } = await stored(data, { format })
      alter(transport)
      const download = downloadFile(bucket, 'a', opfsTarget(...path), inParts)
      await expect(download).rejects.toEqual(code(unverified[format]))
      await expectFile(old)
      await bucket.put('a', data)
      await downloadFile(bucket, 'a', opfsTarget(...path), inParts)
      await expectFile(data)
    })

    describe.each([
      ['written by a worker', large, 16 * PART],
      ['written through a stream', data, PART],
    ])('%s', (_how, bytes, partSizeBytes) => {
      const options = { ...inParts, partSizeBytes }

      test('is not there after a failure, and the next download resumes', async () => {
        const { bucket, transport, log } = await stored(bytes, { format })
        const checkpointStore = newStore()
        failRequest(transport, 4)
        const failed = downloadFile(bucket, 'a', opfsTarget(...path), { ...options, checkpointStore })
        await expect(failed).rejects.toBe(denied)
        expect([...(await files()).keys()]).toEqual([expect.stringMatching(/^\.oss-cse-[0-9a-f]{32}\.part$/)])
        transport.intercept = undefined
        const { resumedBytes } = await downloadFile(bucket, 'a', opfsTarget(...path), {
          ...options,
          checkpointStore,
        })
        expect(resumedBytes).toBeGreaterThan(partSizeBytes)
        expect(log.map(({ type }) => type)).toEqual(['resume'])
        await expectFile(bytes)
      })

      test('leaves nothing when it fails without a store', async () => {
        const { bucket, transport } = await stored(bytes, { format })
        failRequest(transport, 3)
        await expect(downloadFile(bucket, 'a', opfsTarget(...path), options)).rejects.toBe(denied)
        expect((await files()).size).toBe(0)
      })

      test('whose partial bytes were changed is fetched again where they differ', async () => {
        const { bucket, transport } = await stored(bytes, { format })
        const checkpointStore = newStore()
        failRequest(transport, 4)
        const failed = downloadFile(bucket, 'a', opfsTarget(...path), { ...options, checkpointStore })
        await expect(failed).rejects.toBe(denied)
        transport.intercept = undefined
        const [[name, partial]] = [...(await files())] as [[string, Uint8Array]]
        partial[0] = (partial[0] as number) ^ 1
        await handleOf(partial, name)
        await downloadFile(bucket, 'a', opfsTarget(...path), { ...options, checkpointStore })
        await expectFile(bytes)
      })
    })

    test('ends with the signal', async () => {
      const { bucket, transport } = await stored(data, { format })
      const controller = new AbortController()
      const reason = new Error('stop')
      let requests = 0
      transport.intercept = () => {
        requests += 1
        if (requests === 3) controller.abort(reason)
      }
      const { signal } = controller
      await expect(downloadFile(bucket, 'a', opfsTarget(...path), { ...inParts, signal })).rejects.toBe(
        reason,
      )
      await expect(downloadFile(bucket, 'a', opfsTarget(...path), { signal })).rejects.toBe(reason)
      expect((await files()).size).toBe(0)
    })

    test('of a range is written', async () => {
      await handleOf(old)
      const { bucket } = await stored(data, { format })
      const result = await downloadFile(bucket, 'a', opfsTarget(...path), { range: '100-299' })
      expect(result).toMatchObject({ sizeBytes: 200, totalBytes: data.length, resumedBytes: 0 })
      await expectFile(data.subarray(100, 300))
    })
  })

  describe('a file of the user', () => {
    test.each([0, 1, PART + 1, data.length])('of %i bytes is written', async (size) => {
      const handle = await handleOf(pattern(PART + 99))
      const bytes = data.subarray(0, size)
      const { bucket } = await stored(bytes, { format })
      await downloadFile(bucket, 'a', fileHandleTarget(handle), { ...inParts, parallel: 3 })
      await expectFile(bytes)
    })

    test('keeps its old content until everything is verified', async () => {
      const handle = await handleOf(old)
      const { bucket, transport } = await stored(data, { format })
      alter(transport)
      const download = downloadFile(bucket, 'a', fileHandleTarget(handle), inParts)
      await expect(download).rejects.toEqual(code(unverified[format]))
      await expectFile(old)
    })

    test('keeps its old content when a download is interrupted, and leaves no record', async () => {
      const handle = await handleOf(old)
      const { bucket, transport, log } = await stored(data, { format })
      const checkpointStore = newStore()
      failRequest(transport, 4)
      const failed = downloadFile(bucket, 'a', fileHandleTarget(handle), { ...inParts, checkpointStore })
      await expect(failed).rejects.toBe(denied)
      await expectFile(old)
      transport.intercept = undefined
      await downloadFile(bucket, 'a', fileHandleTarget(handle), { ...inParts, checkpointStore })
      expect(log).toEqual([])
      await expectFile(data)
    })

    test('of a range is written', async () => {
      const handle = await handleOf(pattern(PART))
      const { bucket } = await stored(data, { format })
      await downloadFile(bucket, 'a', fileHandleTarget(handle), { range: '-5' })
      await expectFile(data.subarray(-5))
    })
  })

  describe('a stream', () => {
    /** A stream that records what happens to it. */
    function recorded() {
      const chunks: Uint8Array[] = []
      const ended: unknown[] = []
      const stream = new WritableStream<Uint8Array>({
        write: (chunk) => void chunks.push(chunk.slice()),
        close: () => void ended.push('closed'),
        abort: (reason) => void ended.push(reason),
      })
      const bytes = async (): Promise<Uint8Array> =>
        new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer())
      return { stream, ended, bytes }
    }

    test('gets all bytes, and is closed', async () => {
      const { bucket } = await stored(data, { format })
      const { stream, ended, bytes } = recorded()
      expect(await downloadFile(bucket, 'a', stream)).toMatchObject({
        sizeBytes: data.length,
        resumedBytes: 0,
      })
      expect(ended).toEqual(['closed'])
      expect(difference(await bytes(), data)).toBeUndefined()
    })

    test('is aborted when the last byte was altered', async () => {
      const { bucket, transport } = await stored(data, { format })
      alter(transport)
      const { stream, ended } = recorded()
      const failure = code(unverified[format])
      await expect(downloadFile(bucket, 'a', stream)).rejects.toEqual(failure)
      expect(ended).toEqual([failure])
    })
  })
})

describe('a stream', () => {
  test('is aborted when there is no object', async () => {
    const { bucket } = memoryBucket()
    const abort = vi.fn()
    const download = downloadFile(bucket, 'a', new WritableStream({ abort }))
    await expect(download).rejects.toEqual(code('ERR_CSE_NOT_FOUND'))
    expect(abort).toHaveBeenCalledOnce()
  })

  test('is aborted with the signal, also while it takes no bytes', async () => {
    const { bucket } = await stored(data)
    const controller = new AbortController()
    const reason = new Error('stop')
    const abort = vi.fn()
    const write = (): Promise<void> => {
      controller.abort(reason)
      return Promise.resolve()
    }
    const download = downloadFile(bucket, 'a', new WritableStream({ write, abort }), {
      signal: controller.signal,
    })
    await expect(download).rejects.toBe(reason)
    expect(abort).toHaveBeenCalledExactlyOnceWith(reason)
  })

  test('that fails ends the download with its error', async () => {
    const { bucket } = await stored(data)
    const failure = new Error('full')
    const write = (): Promise<void> => Promise.reject(failure)
    await expect(downloadFile(bucket, 'a', new WritableStream({ write }))).rejects.toBe(failure)
  })

  test('that is in use is refused before any request', async () => {
    const { bucket, transport } = await stored(data)
    const stream = new WritableStream<Uint8Array>()
    stream.getWriter()
    await expect(downloadFile(bucket, 'a', stream)).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    expect(transport.requests).toEqual([])
  })
})

describe('a file of the page', () => {
  test.each([[[]], [['']], [['a', '']], [['..']], [['.', 'a']], [['a/b']], [['a\\b']], [[1]]])(
    'cannot have the path %j',
    (names) => {
      expect(() => opfsTarget(...(names as string[]))).toThrow(code('ERR_CSE_INVALID_ARGUMENT'))
    },
  )

  test.each(['__proto__', 'constructor', 'Größe 😀 "\'.txt', ' ', 'x'.repeat(200)])(
    'can have the name %j',
    async (name) => {
      const { bucket } = await stored(data)
      await downloadFile(bucket, 'a', opfsTarget(path[0] as string, name), inParts)
      expect([...(await files()).keys()]).toEqual([name])
    },
  )

  test('below a file is refused before any request', async () => {
    await handleOf(old)
    const { bucket, transport } = await stored(data)
    const download = downloadFile(bucket, 'a', opfsTarget(...path, 'below'))
    await expect(download).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    expect(transport.requests).toEqual([])
    await expectFile(old)
  })

  test('leaves nothing when there is no object', async () => {
    const { bucket } = memoryBucket()
    const download = downloadFile(bucket, 'a', opfsTarget(...path))
    await expect(download).rejects.toEqual(code('ERR_CSE_NOT_FOUND'))
    expect((await files()).size).toBe(0)
  })

  test('that finds no room is refused before its bytes are fetched', async () => {
    vi.spyOn(navigator.storage, 'estimate').mockResolvedValue({ quota: 1000, usage: 900 })
    const { bucket } = await stored(data)
    const download = downloadFile(bucket, 'a', opfsTarget(...path), inParts)
    await expect(download).rejects.toMatchObject({
      code: 'ERR_CSE_FILE',
      message: expect.stringContaining('100 '),
    })
    expect((await files()).size).toBe(0)
  })

  test('that is large is written through a stream where no worker can start', async () => {
    vi.stubGlobal('Worker', undefined)
    const { bucket } = await stored(large)
    await downloadFile(bucket, 'a', opfsTarget(...path), inParts)
    await expectFile(large)
  })

  test('whose worker is lost is a failed download, and the next one is whole', async () => {
    const { bucket } = await stored(large)
    let messages = 0
    class LostWorker extends Worker {
      override postMessage(message: unknown): void {
        messages += 1
        if (messages === 10) this.dispatchEvent(new Event('error'))
        else super.postMessage(message)
      }
    }
    vi.stubGlobal('Worker', LostWorker)
    const download = downloadFile(bucket, 'a', opfsTarget(...path), inParts)
    await expect(download).rejects.toEqual(code('ERR_CSE_FILE'))
    expect((await files()).has('film.mp4')).toBe(false)
    vi.unstubAllGlobals()
    await downloadFile(bucket, 'a', opfsTarget(...path), inParts)
    await expectFile(large)
  })

  test('is not taken away from a download that is writing it', async () => {
    const { bucket, transport } = await stored(large)
    let second: Promise<unknown> | undefined
    let requests = 0
    transport.intercept = async () => {
      requests += 1
      if (requests !== 2) return
      second = downloadFile(bucket, 'a', opfsTarget(...path), inParts).catch((error: unknown) => error)
      await second
    }
    await downloadFile(bucket, 'a', opfsTarget(...path), inParts)
    expect(await second).toEqual(code('ERR_CSE_FILE'))
    await expectFile(large)
  })

  test('of a page that was closed is resumed by another page', async () => {
    const { bucket, transport } = await stored(large)
    const options = { ...inParts, partSizeBytes: 16 * PART, multipartThresholdBytes: 16 * PART }
    const database = `tests ${crypto.randomUUID()}`
    const page = await openPage()
    const { modules } = page
    let requests = 0
    const arrived = new Promise<void>((resolve) => {
      transport.intercept = () => {
        requests += 1
        if (requests !== 3) return
        resolve()
        return new Promise(() => {})
      }
    })
    const theirs = new modules.CryptoBucket({ transport, provider: modules.createTestProvider() })
    const checkpointStore = new modules.IndexedDbCheckpointStore({ database })
    const target = modules.opfsTarget(...path)
    void modules.downloadFile(theirs, 'a', target, { ...options, checkpointStore }).catch(() => {})
    await arrived
    transport.intercept = undefined
    page.close()
    const store = new IndexedDbCheckpointStore({ database, waitMs: 60_000 })
    const result = await downloadFile(bucket, 'a', opfsTarget(...path), {
      ...options,
      checkpointStore: store,
    })
    expect(result.resumedBytes).toBe(2 * 16 * PART)
    await expectFile(large)
  })

  test('is written in place by a page’s own worker', async () => {
    const { bucket, transport } = await stored(data)
    const object = transport.objects.get('a')
    await bucket.settled()
    const worker = new Worker(new URL('../../test/download-worker.ts', import.meta.url), { type: 'module' })
    const done = new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data)
      worker.onerror = reject
    })
    worker.postMessage({ object, path, options: inParts })
    expect(await done).toMatchObject({ sizeBytes: data.length, verification: 'crc64' })
    worker.terminate()
    await expectFile(data)
  })
})

describe('a file of the user', () => {
  test('that may not be written is refused before any request', async () => {
    const handle = await handleOf(old)
    vi.spyOn(handle, 'createWritable').mockRejectedValue(new DOMException('', 'NotAllowedError'))
    const { bucket, transport } = await stored(data)
    const download = downloadFile(bucket, 'a', fileHandleTarget(handle), inParts)
    await expect(download).rejects.toMatchObject({
      code: 'ERR_CSE_INVALID_ARGUMENT',
      message: expect.stringContaining('NotAllowedError'),
    })
    expect(transport.requests).toEqual([])
  })
})
