import { CseError, Keyring, TransportError } from '@oss-cse/crypto-core'
import { V2_HEADERS } from '@oss-cse/crypto-core/internal'
import { createTestProvider, MemoryTransport } from '@oss-cse/crypto-core/testing'
import { describe, expect, test, vi } from 'vitest'
import { chunked, pattern } from '../../test/bytes.ts'
import { memoryBucket } from '../../test/memory-bucket.ts'
import {
  abortAt,
  denied,
  digestKeys,
  lost,
  operations,
  PART,
  pendingUploads,
  settle,
  watchParts,
} from '../../test/multipart.ts'
import { RecordStore } from '../../test/record-store.ts'
import { spellings, WatchedKeyring } from '../../test/watched-keys.ts'
import type { CryptoBucket } from '../crypto-bucket.ts'
import type { Progress } from '../policy/progress.ts'
import type { LogEvent } from '../policy/retry.ts'
import type { SizedSource } from '../source/sized-source.ts'
import type { UploadOptions, UploadResult } from './resumable-upload.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const reason = new Error('stop')
const data = pattern(5 * PART + 17)
const otherData = data.map((byte) => byte ^ 0x55)
const allParts = [1, 2, 3, 4, 5, 6]

/** Bytes that are read like a file. */
function fileOf(bytes: Uint8Array, { fingerprint = 'as it was', identity = '/data/file' } = {}): SizedSource {
  return {
    sizeBytes: bytes.length,
    identity,
    open: (offsetBytes, sizeBytes) => chunked(bytes.subarray(offsetBytes, offsetBytes + sizeBytes), 30_000),
    fingerprint: async () => fingerprint,
  }
}

/** The data with one byte changed in the given parts. */
function changedIn(...partNumbers: readonly number[]): Uint8Array {
  const bytes = data.slice()
  for (const n of partNumbers) bytes[n * PART - 1] = (bytes[n * PART - 1] ?? 0) ^ 1
  return bytes
}

function send(bucket: CryptoBucket, source: SizedSource, options: UploadOptions = {}): Promise<UploadResult> {
  return bucket.upload('a', source, { multipartThresholdBytes: PART, partSizeBytes: PART, ...options })
}

/** The parts that the service holds of unfinished uploads. */
async function heldParts(transport: MemoryTransport): Promise<number[]> {
  const { uploads } = await transport.listUploads({})
  const pages = await Promise.all(uploads.map((upload) => transport.listParts(upload)))
  return pages.flatMap(({ parts }) => parts.map(({ partNumber }) => partNumber))
}

/** The parts that were sent since the requests were last cleared. */
function sentParts(transport: MemoryTransport): number[] {
  return transport.requests.flatMap(({ partNumber }) => partNumber ?? []).sort()
}

function transfers(log: readonly LogEvent[]): string[] {
  return log.flatMap(({ type }) => (type === 'retry' ? [] : type))
}

/** The object that the uploads of these tests replace. */
const old = new TextEncoder().encode('old')

async function storeOld(transport: MemoryTransport): Promise<void> {
  await memoryBucket({ transport }).bucket.put('a', old)
}

/** An upload of `data` whose fourth part is denied: three parts are stored, and the fourth was started. */
async function interrupted(options: UploadOptions = {}, made = memoryBucket()) {
  const { bucket, transport, log } = made
  const store = new RecordStore()
  await storeOld(transport)
  transport.intercept = ({ partNumber }) => {
    if (partNumber === 4) throw denied
  }
  const upload = send(bucket, fileOf(data), { checkpointStore: store, parallel: 1, ...options })
  await expect(upload).rejects.toBe(denied)
  transport.intercept = undefined
  transport.requests.length = 0
  log.length = 0
  return { bucket, transport, log, store }
}

async function expectRestarted(
  { bucket, transport, log, store }: Awaited<ReturnType<typeof interrupted>>,
  bytes: Uint8Array = data,
): Promise<void> {
  expect(transfers(log)).toEqual(['restart'])
  expect(sentParts(transport)).toHaveLength(Math.ceil(bytes.length / PART))
  expect(await pendingUploads(transport)).toBe(0)
  expect(store.records.size).toBe(0)
  expect(store.isFree).toBe(true)
  expect(await bucket.getBytes('a')).toEqual(bytes)
}

describe('an upload', () => {
  test.each([
    [0, 0, ['put']],
    [0, PART, ['put']],
    [1, 0, ['initiate', 'uploadPart', 'complete']],
    [PART - 1, PART, ['put']],
    [PART, PART, ['initiate', 'uploadPart', 'complete']],
    [PART + 1, PART, ['initiate', 'uploadPart', 'uploadPart', 'complete']],
    [3 * PART, 3 * PART + 1, ['put']],
    [3 * PART, Number.POSITIVE_INFINITY, ['put']],
    [PART, undefined, ['put']],
  ])(
    'of %i bytes with the threshold %s consists of the requests %j',
    async (size, multipartThresholdBytes, expected) => {
      const { bucket, transport } = memoryBucket()
      const result = await bucket.upload('a', data.subarray(0, size), {
        multipartThresholdBytes,
        partSizeBytes: PART,
      })
      expect(operations(transport)).toEqual(expected)
      const stored = transport.objects.get('a')
      expect(result).toMatchObject({
        key: 'a',
        sizeBytes: size,
        resumedBytes: 0,
        verification: 'crc64',
        etag: stored?.etag,
        crc64: String(stored?.crc64),
      })
      expect(await bucket.getBytes('a')).toEqual(data.subarray(0, size))
    },
  )

  test.each([
    ['bytes', data],
    ['a Blob', new Blob([data as Uint8Array<ArrayBuffer>])],
    ['a source', fileOf(data)],
    ['a source without an identity or a fingerprint', { sizeBytes: data.length, open: fileOf(data).open }],
  ])('of %s is read back unchanged, in parts and whole', async (_what, source) => {
    const { bucket } = memoryBucket()
    for (const multipartThresholdBytes of [PART, data.length + 1]) {
      await bucket.upload('a', source, { multipartThresholdBytes, partSizeBytes: PART })
      expect(await bucket.getBytes('a')).toEqual(data)
    }
  })

  test.each([
    'text',
    5,
    null,
    undefined,
    {},
    new Blob([data as Uint8Array<ArrayBuffer>]).stream(),
    chunked(data, 9),
    { sizeBytes: 5 },
  ])('of %s is refused before any request', async (source) => {
    const { bucket, transport } = memoryBucket()
    await expect(bucket.upload('a', source as never)).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    expect(transport.requests).toEqual([])
  })

  test.each([
    { parallel: 0 },
    { parallel: 101 },
    { parallel: 1.5 },
    { parallel: Number.NaN },
    { parallel: '3' },
    { multipartThresholdBytes: -1 },
    { multipartThresholdBytes: Number.NaN },
    { multipartThresholdBytes: '5' },
    { partSizeBytes: PART - 16 },
    { partSizeBytes: PART + 1 },
    { partSizeBytes: Number.NaN },
    { headers: { [V2_HEADERS.wrappedCek]: 'x' } },
    { metadata: { a: 'ü' } },
  ])('with %j is refused before any request, whatever its size', async (options) => {
    const { bucket, transport } = memoryBucket()
    const store = new RecordStore()
    for (const [size, checkpointStore] of [
      [5, undefined],
      [data.length, undefined],
      [data.length, store],
    ] as const) {
      const source = fileOf(data.subarray(0, size))
      const upload = send(bucket, source, { checkpointStore, ...(options as UploadOptions) })
      await expect(upload).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    }
    expect(transport.requests).toEqual([])
    expect(store.isFree).toBe(true)
  })

  test.each([1, 2, 5, 100])(
    'with parallel %i has at most that many running parts, and reaches that number',
    async (parallel) => {
      const { bucket, transport } = memoryBucket()
      let now = 0
      let most = 0
      const uploadPart = transport.uploadPart.bind(transport)
      transport.uploadPart = async (request) => {
        most = Math.max(most, ++now)
        await settle()
        await settle()
        now -= 1
        return uploadPart(request)
      }
      await send(bucket, fileOf(data), { parallel })
      expect(most).toBeLessThanOrEqual(parallel)
      if (parallel === 1 || parallel === 2) expect(most).toBe(parallel)
      expect(await bucket.getBytes('a')).toEqual(data)
    },
  )

  test('has metadata and other headers, in parts and whole', async () => {
    const { bucket } = memoryBucket()
    for (const multipartThresholdBytes of [PART, data.length + 1]) {
      await send(bucket, fileOf(data), {
        multipartThresholdBytes,
        metadata: { by: 'me' },
        contentType: 'text/x-a',
      })
      expect(await bucket.head('a')).toMatchObject({ metadata: { by: 'me' }, contentType: 'text/x-a' })
    }
  })

  test('sends each part again when it fails, and counts no byte twice', async () => {
    const { bucket, transport, log } = memoryBucket()
    const failures = new Map<number, number>()
    const sent = watchParts(transport, ({ partNumber }, response) => {
      const failed = failures.get(partNumber) ?? 0
      failures.set(partNumber, failed + 1)
      if (failed < 2) throw lost
      return response
    })
    const reports: Progress[] = []
    await send(bucket, fileOf(data), { onProgress: (progress) => reports.push(progress) })
    expect(await bucket.getBytes('a')).toEqual(data)
    expect(log.filter(({ type }) => type === 'retry')).toHaveLength(12)
    for (const n of allParts) {
      const [first, ...others] = sent.filter(({ partNumber }) => partNumber === n)
      expect(others.map(({ bytes }) => bytes)).toEqual([first?.bytes, first?.bytes])
    }
    const transferred = reports.map(({ transferredBytes }) => transferredBytes)
    expect(transferred).toEqual([...transferred].sort((a, b) => a - b))
    expect(transferred.at(-1)).toBe(data.length)
  })

  test('reads each part once when nothing fails', async () => {
    const { bucket } = memoryBucket()
    const opened: number[] = []
    const file = fileOf(data)
    const open: SizedSource['open'] = (offsetBytes, sizeBytes) => {
      opened.push(offsetBytes)
      return file.open(offsetBytes, sizeBytes)
    }
    await send(bucket, { ...file, open })
    expect(opened.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5].map((n) => n * PART))
  })

  test('stops at the first part that fails permanently, and leaves nothing behind', async () => {
    const keyring = new WatchedKeyring()
    const { bucket, transport } = memoryBucket({ keyring })
    await storeOld(transport)
    transport.intercept = ({ partNumber }) => {
      if (partNumber === 2) throw denied
    }
    await expect(send(bucket, fileOf(data), { parallel: 1 })).rejects.toBe(denied)
    transport.intercept = undefined
    expect(sentParts(transport)).toEqual([1, 2])
    expect(await pendingUploads(transport)).toBe(0)
    expect(await bucket.getBytes('a')).toEqual(old)
    expect(keyring.handedOut).not.toHaveLength(0)
    expect(keyring.wiped).toBe(true)
  })

  test('throws the first failure even if the cleanup fails too', async () => {
    const { bucket, transport } = memoryBucket()
    transport.intercept = ({ operation, partNumber }) => {
      if (partNumber === 2) throw denied
      if (operation === 'abort') throw lost
    }
    await expect(send(bucket, fileOf(data))).rejects.toBe(denied)
  })

  test('of a source that fails has its own error as the cause, and leaves nothing behind', async () => {
    const { bucket, transport } = memoryBucket()
    const cause = new Error('the disk is gone')
    async function* open(): AsyncGenerator<Uint8Array> {
      yield data.subarray(0, 1000)
      throw cause
    }
    const upload = send(bucket, { sizeBytes: data.length, open })
    await expect(upload).rejects.toMatchObject({ code: 'ERR_CSE_SOURCE', cause, objectKey: 'a' })
    expect(await pendingUploads(transport)).toBe(0)
    expect(transport.objects.size).toBe(0)
  })

  test.each([-1, 1])(
    'of a source whose parts are %i bytes too long fails, and leaves nothing behind',
    async (by) => {
      const { bucket, transport } = memoryBucket()
      const open: SizedSource['open'] = (offset, size) =>
        chunked(data.subarray(offset, offset + size + by), 30_000)
      const upload = send(bucket, { sizeBytes: 4 * PART, open })
      await expect(upload).rejects.toEqual(code('ERR_CSE_SOURCE'))
      expect(operations(transport)).not.toContain('uploadPart')
      expect(await pendingUploads(transport)).toBe(0)
    },
  )

  test('is not affected by a display or a logger that throws', async () => {
    const logger = () => {
      throw new Error('no log')
    }
    const { bucket } = memoryBucket({ logger })
    const onProgress = () => {
      throw new Error('no display')
    }
    await send(bucket, fileOf(data), { onProgress })
    expect(await bucket.getBytes('a')).toEqual(data)
  })
})

describe('progress', () => {
  test.each([1, 3])('rises to the total, part by part, with parallel %i', async (parallel) => {
    const { bucket } = memoryBucket()
    const reports: Progress[] = []
    await send(bucket, fileOf(data), { parallel, onProgress: (progress) => reports.push(progress) })
    expect(reports[0]).toEqual({
      transferredBytes: 0,
      totalBytes: data.length,
      resumedBytes: 0,
      partsDone: 0,
      partCount: 6,
    })
    expect(reports.at(-1)).toEqual({
      transferredBytes: data.length,
      totalBytes: data.length,
      resumedBytes: 0,
      partsDone: 6,
      partCount: 6,
    })
    for (const field of ['transferredBytes', 'partsDone'] as const) {
      const values = reports.map((report) => report[field] ?? Number.NaN)
      expect(values).toEqual([...values].sort((a, b) => a - b))
    }
  })

  test('of a resumed upload starts with the bytes that were sent before', async () => {
    const { bucket, store } = await interrupted()
    const reports: Progress[] = []
    const onProgress = (progress: Progress) => reports.push(progress)
    const result = await send(bucket, fileOf(data), { checkpointStore: store, onProgress })
    expect(result.resumedBytes).toBe(3 * PART)
    const transferred = reports.map(({ transferredBytes }) => transferredBytes)
    expect(transferred).toEqual([...transferred].sort((a, b) => a - b))
    expect(reports.at(-1)).toMatchObject({
      transferredBytes: data.length,
      resumedBytes: 3 * PART,
      partsDone: 6,
      partCount: 6,
    })
    for (const { transferredBytes, resumedBytes } of reports) {
      expect(transferredBytes).toBeGreaterThanOrEqual(resumedBytes ?? Number.NaN)
    }
  })

  test('of one put is that of the put', async () => {
    const { bucket } = memoryBucket()
    const reports: Progress[] = []
    const onProgress = (progress: Progress) => reports.push(progress)
    await bucket.upload('a', data, { onProgress })
    expect(reports[0]).toMatchObject({ transferredBytes: 0, totalBytes: data.length })
    expect(reports.at(-1)).toMatchObject({ transferredBytes: data.length, totalBytes: data.length })
  })
})

// An upload of six parts: the initiation, six parts, the completion.
const requestNumbers = [1, 2, 3, 4, 5, 6, 7, 8]

describe.each([
  ['that is cancelled', true],
  ['that still gets its response', false],
])('an abort as a request starts %s', (_what, cancelled) => {
  test.each(requestNumbers)('without a checkpoint leaves nothing behind (request %i)', async (k) => {
    const keyring = new WatchedKeyring()
    const { bucket, transport } = memoryBucket({ keyring })
    await storeOld(transport)
    const signal = abortAt(transport, k, reason, cancelled)
    await expect(send(bucket, fileOf(data), { signal })).rejects.toBe(reason)
    transport.intercept = undefined
    expect(await pendingUploads(transport)).toBe(0)
    // The last request may have created the object before the abort.
    const stored = !cancelled && k === 8 ? data : old
    expect(await bucket.getBytes('a')).toEqual(stored)
    expect(keyring.wiped).toBe(true)
  })

  test.each(requestNumbers)('with a checkpoint loses nothing that was sent (request %i)', async (k) => {
    const { bucket, transport, log } = memoryBucket()
    const store = new RecordStore()
    await storeOld(transport)
    const signal = abortAt(transport, k, reason, cancelled)
    await expect(send(bucket, fileOf(data), { signal, checkpointStore: store })).rejects.toBe(reason)
    transport.intercept = undefined
    expect(store.isFree).toBe(true)
    const completed = !cancelled && k === 8
    const held = completed ? allParts : await heldParts(transport)
    transport.requests.length = 0
    const result = await send(bucket, fileOf(data), { checkpointStore: store })
    expect(transfers(log)).toEqual(store.saved.length > 0 && k > 1 ? ['resume'] : [])
    expect(sentParts(transport)).toEqual(allParts.filter((n) => !held.includes(n)))
    expect(result.resumedBytes).toBe(held.reduce((sum, n) => sum + (n === 6 ? 17 : PART), 0))
    expect(await bucket.getBytes('a')).toEqual(data)
    expect(await pendingUploads(transport)).toBe(0)
    expect(store.records.size).toBe(0)
    expect(store.isFree).toBe(true)
  })
})

describe('an abort', () => {
  test('before an upload sends nothing and opens no record', async () => {
    const { bucket, transport } = memoryBucket()
    const store = new RecordStore()
    const signal = AbortSignal.abort(reason)
    for (const options of [{}, { checkpointStore: store }, { multipartThresholdBytes: data.length + 1 }]) {
      await expect(send(bucket, fileOf(data), { ...options, signal })).rejects.toBe(reason)
    }
    expect(transport.requests).toEqual([])
    expect(store.isFree).toBe(true)
  })

  test.each(allParts)('while part %i is read leaves nothing behind', async (n) => {
    const { bucket, transport } = memoryBucket()
    const controller = new AbortController()
    const open: SizedSource['open'] = async function* (offsetBytes, sizeBytes) {
      const bytes = data.subarray(offsetBytes, offsetBytes + sizeBytes)
      yield bytes.subarray(0, 10)
      if (offsetBytes === (n - 1) * PART) controller.abort(reason)
      yield bytes.subarray(10)
    }
    const upload = send(bucket, { sizeBytes: data.length, open }, { signal: controller.signal })
    await expect(upload).rejects.toBe(reason)
    expect(await pendingUploads(transport)).toBe(0)
    expect(transport.objects.size).toBe(0)
  })

  test.each(['load', 'save'] as const)(
    'during a call on the record (%s) rejects with its reason',
    async (call) => {
      const { bucket, transport, store } = await interrupted()
      const controller = new AbortController()
      store.intercept = (now) => {
        if (now === call) controller.abort(reason)
      }
      const { signal } = controller
      await expect(send(bucket, fileOf(data), { signal, checkpointStore: store })).rejects.toBe(reason)
      store.intercept = undefined
      expect(store.isFree).toBe(true)
      expect(await pendingUploads(transport)).toBe(1)
      await send(bucket, fileOf(data), { checkpointStore: store })
      expect(await bucket.getBytes('a')).toEqual(data)
    },
  )

  test('while earlier parts are verified keeps the upload for later', async () => {
    const { bucket, transport, store } = await interrupted()
    const controller = new AbortController()
    const file = fileOf(data)
    const open: SizedSource['open'] = async function* (offsetBytes, sizeBytes) {
      yield* file.open(offsetBytes, sizeBytes)
      if (offsetBytes === PART) controller.abort(reason)
    }
    const { signal } = controller
    await expect(send(bucket, { ...file, open }, { signal, checkpointStore: store })).rejects.toBe(reason)
    expect(operations(transport)).toEqual(['listParts'])
    expect((await send(bucket, file, { checkpointStore: store })).resumedBytes).toBe(3 * PART)
  })

  test('with a reason of any type keeps the upload', async () => {
    for (const odd of [undefined, null, 'text', 0]) {
      const { bucket, transport } = memoryBucket()
      const controller = new AbortController()
      transport.intercept = ({ partNumber }) => {
        if (partNumber === 2) controller.abort(odd)
      }
      const { signal } = controller
      const caught = await send(bucket, fileOf(data), { signal }).catch((error: unknown) => ({ error }))
      expect(caught).toEqual({ error: signal.reason })
    }
  })
})

describe('an upload with a checkpoint', () => {
  test('that succeeds leaves no record', async () => {
    const { bucket } = memoryBucket()
    const store = new RecordStore()
    await send(bucket, fileOf(data), { checkpointStore: store })
    expect(store.records.size).toBe(0)
    expect(store.isFree).toBe(true)
    expect(store.saved.length).toBeGreaterThan(1)
  })

  test('that takes one put needs no record', async () => {
    const { bucket } = memoryBucket()
    const store = new RecordStore()
    await send(bucket, fileOf(data), { checkpointStore: store, multipartThresholdBytes: data.length + 1 })
    expect(store.saved).toEqual([])
  })

  test('that was interrupted sends what is missing, under the same key', async () => {
    const { bucket, transport, log, store } = await interrupted()
    const { upload } = JSON.parse(store.record ?? '')
    const result = await send(bucket, fileOf(data), { checkpointStore: store })
    expect(sentParts(transport)).toEqual([4, 5, 6])
    expect(operations(transport)).not.toContain('initiate')
    expect(result).toMatchObject({ resumedBytes: 3 * PART, sizeBytes: data.length, verification: 'crc64' })
    expect(transfers(log)).toEqual(['resume'])
    const stored = transport.objects.get('a')?.headers
    expect(stored?.[V2_HEADERS.wrappedCek]).toBe(upload.envelope[V2_HEADERS.wrappedCek])
    expect(await bucket.getBytes('a')).toEqual(data)
    expect(store.records.size).toBe(0)
  })

  test('that is interrupted repeatedly succeeds in the end', async () => {
    const { bucket, transport, store } = await interrupted()
    for (const failing of [4, 5, 5, 6]) {
      transport.intercept = ({ partNumber }) => {
        if (partNumber === failing) throw denied
      }
      await expect(send(bucket, fileOf(data), { checkpointStore: store, parallel: 1 })).rejects.toBe(denied)
    }
    transport.intercept = undefined
    transport.requests.length = 0
    expect((await send(bucket, fileOf(data), { checkpointStore: store })).resumedBytes).toBe(5 * PART)
    expect(sentParts(transport)).toEqual([6])
    expect(await bucket.getBytes('a')).toEqual(data)
  })

  test('never has the CEK, the IV or a key of the digests in plaintext in its records', async () => {
    const keyring = new WatchedKeyring()
    const { bucket, store } = await interrupted({}, memoryBucket({ keyring }))
    await send(bucket, fileOf(data), { checkpointStore: store })
    const derived = await Promise.all(keyring.copies.map(digestKeys))
    const digestSecrets = derived.map((keys) => ({ cek: keys.slice(0, 32), iv: keys.slice(32) }))
    const secrets = [...keyring.copies, ...digestSecrets].flatMap(spellings)
    expect(store.saved.length).toBeGreaterThan(5)
    expect(secrets.length).toBeGreaterThan(40)
    for (const text of store.saved) for (const secret of secrets) expect(text).not.toContain(secret)
  })

  test('has a part’s digest in its record before the part’s first byte is sent', async () => {
    const { bucket, transport } = memoryBucket()
    const store = new RecordStore()
    store.intercept = settle
    const uploadPart = transport.uploadPart.bind(transport)
    const unknown: number[] = []
    transport.uploadPart = async (request) => {
      const { partNumber, body } = request
      async function* open(): AsyncGenerator<Uint8Array> {
        const digests = JSON.parse(store.record ?? '').upload.partDigests
        if (digests[partNumber] === undefined) unknown.push(partNumber)
        yield* body.open()
      }
      return uploadPart({ ...request, body: { ...body, open } })
    }
    await send(bucket, fileOf(data), { checkpointStore: store })
    expect(unknown).toEqual([])
    expect(sentParts(transport)).toEqual(allParts)
  })

  test('whose record cannot be saved sends nothing more, and is resumed later', async () => {
    const { bucket, transport, store } = await interrupted()
    const full = new CseError('ERR_CSE_CHECKPOINT', 'the disk is full')
    store.intercept = (call) => {
      if (call === 'save') throw full
    }
    await expect(send(bucket, fileOf(data), { checkpointStore: store, parallel: 1 })).rejects.toMatchObject({
      code: 'ERR_CSE_CHECKPOINT',
    })
    store.intercept = undefined
    // The fourth part was already in the record, so nothing of it had to be saved again.
    expect(sentParts(transport).filter((n) => n > 4)).toEqual([])
    await send(bucket, fileOf(data), { checkpointStore: store })
    expect(await bucket.getBytes('a')).toEqual(data)
  })

  test('whose first record cannot be saved leaves nothing behind', async () => {
    const { bucket, transport } = memoryBucket()
    const store = new RecordStore()
    store.intercept = (call) => {
      if (call === 'save') throw new CseError('ERR_CSE_CHECKPOINT', 'the disk is full')
    }
    await expect(send(bucket, fileOf(data), { checkpointStore: store })).rejects.toEqual(
      code('ERR_CSE_CHECKPOINT'),
    )
    expect(await pendingUploads(transport)).toBe(0)
    expect(store.isFree).toBe(true)
  })

  test('is refused while another one of the same source and object is running', async () => {
    const { bucket, transport } = memoryBucket()
    const store = new RecordStore()
    let second: Promise<unknown> | undefined
    transport.intercept = ({ partNumber }) => {
      if (partNumber !== 2 || second !== undefined) return
      second = send(bucket, fileOf(data), { checkpointStore: store })
      second.catch(() => {})
    }
    await send(bucket, fileOf(data), { checkpointStore: store })
    await expect(second).rejects.toEqual(code('ERR_CSE_CHECKPOINT_IN_USE'))
    expect(sentParts(transport)).toEqual(allParts)
    expect(await bucket.getBytes('a')).toEqual(data)
  })

  test('runs beside uploads to another key, of another file, to another bucket', async () => {
    const { bucket, transport, log, store } = await interrupted()
    const options = { multipartThresholdBytes: PART, partSizeBytes: PART, checkpointStore: store }
    await bucket.upload('b', fileOf(data), options)
    await bucket.upload('a', fileOf(data, { identity: '/data/other' }), options)
    class Elsewhere extends MemoryTransport {
      override readonly location = 'memory:elsewhere'
    }
    const elsewhere = memoryBucket({ transport: new Elsewhere() })
    await elsewhere.bucket.upload('a', fileOf(data), options)
    expect(transfers([...log, ...elsewhere.log])).toEqual([])
    transport.requests.length = 0
    expect((await send(bucket, fileOf(data), { checkpointStore: store })).resumedBytes).toBe(3 * PART)
  })

  test('that is small does not wait for another one of the same source', async () => {
    const { bucket, store } = await interrupted()
    const small = () => bucket.upload('a', fileOf(data.subarray(0, 5)), { checkpointStore: store })
    await Promise.all([small(), small(), small()])
    expect(await bucket.getBytes('a')).toEqual(data.subarray(0, 5))
  })

  test.each([
    [1, 'one'],
    [8, 'a hundred'],
  ])('is resumed with any parallel (%i)', async (parallel) => {
    const { bucket, store } = await interrupted({ parallel: 3 })
    await send(bucket, fileOf(data), { checkpointStore: store, parallel })
    expect(await bucket.getBytes('a')).toEqual(data)
  })

  test('is resumed with its original part size if none is given', async () => {
    const { bucket, transport, store } = await interrupted()
    await send(bucket, fileOf(data), { checkpointStore: store, partSizeBytes: undefined })
    expect(sentParts(transport)).toEqual([4, 5, 6])
    expect(await bucket.getBytes('a')).toEqual(data)
  })

  test('is resumed when the same metadata is given in another order', async () => {
    const headers = { 'Cache-Control': 'no-cache', 'x-oss-meta-by': 'me' }
    const { bucket, transport, store } = await interrupted({ headers, contentType: 'text/x-a' })
    const same = {
      metadata: { By: 'me' },
      headers: { 'content-type': 'text/x-a', 'cache-control': 'no-cache' },
    }
    await send(bucket, fileOf(data), { checkpointStore: store, ...same })
    expect(sentParts(transport)).toEqual([4, 5, 6])
    expect(await bucket.head('a')).toMatchObject({ metadata: { by: 'me' }, contentType: 'text/x-a' })
  })

  test('of bytes without an identity is also resumed', async () => {
    const { bucket, transport } = memoryBucket()
    const store = new RecordStore()
    transport.intercept = ({ partNumber }) => {
      if (partNumber === 3) throw denied
    }
    const options = {
      multipartThresholdBytes: PART,
      partSizeBytes: PART,
      checkpointStore: store,
      parallel: 1,
    }
    await expect(bucket.upload('a', data, options)).rejects.toBe(denied)
    transport.intercept = undefined
    expect((await bucket.upload('a', data, options)).resumedBytes).toBe(2 * PART)
    expect(await bucket.getBytes('a')).toEqual(data)
  })
})

describe('a source that changed since the earlier run', () => {
  test.each([
    ['by its fingerprint', fileOf(otherData, { fingerprint: 'touched' })],
    ['only by its fingerprint', fileOf(data, { fingerprint: 'touched' })],
    ['in a part that was sent, unnoticed by its fingerprint', fileOf(changedIn(2))],
    ['in a part that was started and never acknowledged', fileOf(changedIn(4))],
    ['in its length', fileOf(data.subarray(0, 5 * PART))],
    ['in everything', fileOf(otherData)],
  ])('%s is uploaded again from the start, under a new key', async (_what, source) => {
    const made = await interrupted()
    const { bucket, transport, store } = made
    const earlier = JSON.parse(store.record ?? '').upload
    const sent = watchParts(transport)
    const result = await send(bucket, source, { checkpointStore: store })
    const bytes = await bucket.getBytes('a')
    const expected = new Uint8Array(source.sizeBytes)
    let offset = 0
    for await (const chunk of source.open(0, source.sizeBytes)) {
      expected.set(chunk, offset)
      offset += chunk.length
    }
    expect(bytes).toEqual(expected)
    await expectRestarted(made, expected)
    expect(result.resumedBytes).toBe(0)
    for (const { headers } of sent) {
      for (const name of [V2_HEADERS.wrappedCek, V2_HEADERS.wrappedIv]) {
        expect(headers[name]).not.toBe(earlier.envelope[name])
      }
    }
    const aborted = operations(transport).indexOf('abort')
    expect(aborted).toBeGreaterThan(-1)
    expect(aborted).toBeLessThan(operations(transport).indexOf('uploadPart'))
  })

  test('only in parts that were never sent is resumed: the sent parts stay', async () => {
    const { bucket, transport, store } = await interrupted()
    await send(bucket, fileOf(changedIn(5)), { checkpointStore: store })
    expect(sentParts(transport)).toEqual([4, 5, 6])
    expect(await bucket.getBytes('a')).toEqual(changedIn(5))
  })

  test('and is small now leaves nothing of the earlier upload', async () => {
    const { bucket, transport, store } = await interrupted()
    await send(bucket, fileOf(data.subarray(0, 10)), { checkpointStore: store })
    expect(await bucket.getBytes('a')).toEqual(data.subarray(0, 10))
    expect(await pendingUploads(transport)).toBe(0)
    expect(store.records.size).toBe(0)
  })

  test('and is small now leaves no record, even if it was damaged', async () => {
    const { bucket, store } = await interrupted()
    store.alter(() => 'null')
    await send(bucket, fileOf(data.subarray(0, 10)), { checkpointStore: store })
    expect(store.records.size).toBe(0)
    expect(store.isFree).toBe(true)
  })

  test('and is small now opens a record only if the store may have one', async () => {
    const { bucket, transport, store } = await interrupted()
    const opened: string[] = []
    const open = (name: string) => {
      opened.push(name)
      return store.open(name)
    }
    const small = fileOf(data.subarray(0, 10))
    await send(bucket, small, { checkpointStore: { open, has: async () => false } })
    expect(opened).toEqual([])
    await send(bucket, small, { checkpointStore: { open, has: async (name) => store.records.has(name) } })
    expect(opened).toHaveLength(1)
    expect(await pendingUploads(transport)).toBe(0)
  })

  test('is uploaded again even if the earlier upload cannot be aborted', async () => {
    const { bucket, transport, store } = await interrupted()
    transport.intercept = ({ operation }) => {
      if (operation === 'abort') throw denied
    }
    await send(bucket, fileOf(otherData, { fingerprint: 'touched' }), { checkpointStore: store })
    expect(await bucket.getBytes('a')).toEqual(otherData)
  })
})

describe('a source that changes during a run', () => {
  test.each([
    ['in parts', PART],
    ['in one put', data.length + 1],
  ])('is not stored (%s)', async (_what, multipartThresholdBytes) => {
    for (const checkpointStore of [undefined, new RecordStore()]) {
      const { bucket, transport } = memoryBucket()
      await storeOld(transport)
      let asked = 0
      const source = { ...fileOf(data), fingerprint: async () => `${asked++}` }
      await expect(send(bucket, source, { multipartThresholdBytes, checkpointStore })).rejects.toMatchObject({
        code: 'ERR_CSE_SOURCE_CHANGED',
        objectKey: 'a',
      })
      expect(await bucket.getBytes('a')).toEqual(old)
      expect(operations(transport)).not.toContain('complete')
      expect(await pendingUploads(transport)).toBe(0)
      expect(checkpointStore?.records.size ?? 0).toBe(0)
      expect(checkpointStore?.isFree ?? true).toBe(true)
    }
  })

  test('is also detected in a resumed upload', async () => {
    const { bucket, transport, store } = await interrupted()
    let asked = 0
    const source = { ...fileOf(data), fingerprint: async () => (asked++ === 0 ? 'as it was' : 'touched') }
    await expect(send(bucket, source, { checkpointStore: store })).rejects.toEqual(
      code('ERR_CSE_SOURCE_CHANGED'),
    )
    expect(await pendingUploads(transport)).toBe(0)
    expect(store.records.size).toBe(0)
  })

  test('or whose fingerprint fails throws that error', async () => {
    const gone = new Error('the file is gone')
    const { bucket, transport } = memoryBucket()
    for (const failing of [1, 2]) {
      const store = new RecordStore()
      let asked = 0
      const fingerprint = async () => {
        asked += 1
        if (asked === failing) throw gone
        return ''
      }
      for (const checkpointStore of [store, undefined]) {
        asked = 0
        await expect(send(bucket, { ...fileOf(data), fingerprint }, { checkpointStore })).rejects.toBe(gone)
      }
      expect(store.isFree).toBe(true)
    }
    expect(transport.objects.size).toBe(0)
  })
})

describe('an upload that cannot be resumed restarts', () => {
  test.each([
    ['metadata', { metadata: { by: 'me' } }, { metadata: { by: 'you' } }],
    ['metadata (none before)', {}, { metadata: { by: 'you' } }],
    ['content type', { contentType: 'text/x-a' }, { contentType: 'text/x-b' }],
    ['headers', { headers: { 'x-oss-storage-class': 'IA' } }, {}],
    ['MD5', {}, { contentMd5: 'XUFAKrxLKna5cZ2REBfFkg==' }],
  ])('with different %s', async (_what, before, now) => {
    const made = await interrupted(before)
    await send(made.bucket, fileOf(data), { checkpointStore: made.store, ...now })
    await expectRestarted(made)
  })

  test('with a different part size', async () => {
    const { bucket, transport, log, store } = await interrupted()
    await send(bucket, fileOf(data), { checkpointStore: store, partSizeBytes: 2 * PART })
    expect(transfers(log)).toEqual(['restart'])
    expect(sentParts(transport)).toEqual([1, 2, 3])
    expect(await pendingUploads(transport)).toBe(0)
    expect(await bucket.getBytes('a')).toEqual(data)
  })

  test('when the service no longer has it', async () => {
    const made = await interrupted()
    for (const { key, uploadId } of (await made.transport.listUploads({})).uploads) {
      await made.bucket.abortMultipartUpload(key, uploadId)
    }
    await send(made.bucket, fileOf(data), { checkpointStore: made.store })
    await expectRestarted(made)
  })

  test.each([
    ['is another one now', createTestProvider({ seed: 2 })],
    ['is of another type now', createTestProvider({ wrapAlgorithm: 'TEST/OTHER' })],
  ])('when the master key %s', async (_what, provider) => {
    const { transport, store } = await interrupted()
    const { bucket, log } = memoryBucket({ transport, provider })
    await send(bucket, fileOf(data), { checkpointStore: store })
    await expectRestarted({ bucket, transport, log, store })
  })

  test('when the provider asks a key server that reads envelopes of stored objects, and finds another one', async () => {
    const { transport, store } = await interrupted()
    const provider = createTestProvider()
    const unwrap = vi.spyOn(provider, 'unwrap').mockImplementationOnce(() => {
      throw new TransportError('ERR_CSE_PRECONDITION_FAILED', 'another envelope', { retryable: false })
    })
    const { bucket, log } = memoryBucket({ transport, provider })
    await send(bucket, fileOf(data), { checkpointStore: store })
    expect(unwrap).toHaveBeenCalledOnce()
    await expectRestarted({ bucket, transport, log, store })
  })

  test('when the encrypting master key is different, even if the earlier one is still in the keyring', async () => {
    const provider = createTestProvider({ materialDescription: { desc: 'old' } })
    const { transport, store } = await interrupted({}, memoryBucket({ provider }))
    const keyring = new Keyring({
      encrypting: createTestProvider({ seed: 2, materialDescription: { desc: 'new' } }),
      decrypting: [provider],
    })
    const { bucket, log } = memoryBucket({ transport, keyring })
    await send(bucket, fileOf(data), { checkpointStore: store })
    await expectRestarted({ bucket, transport, log, store })
    expect((await bucket.head('a')).envelope?.materialDescription).toEqual({ desc: 'new' })
  })

  test.each([
    ['is damaged', () => 'null'],
    ['is a string', () => '"record"'],
    ['is empty', () => '{}'],
    ['has no upload', (text: string) => JSON.stringify({ ...JSON.parse(text), upload: undefined })],
    ['has no source', (text: string) => JSON.stringify({ ...JSON.parse(text), source: undefined })],
    ['is of an older version', (text: string) => text.replaceAll('"version":2', '"version":1')],
    [
      'has an upload of an older version',
      (text: string) => text.replace(/"version":2(?!.*"version")/, '"version":1'),
    ],
    ['is of a newer version', (text: string) => text.replaceAll('"version":2', '"version":3')],
    [
      'has the digests of an older version',
      (text: string) => text.replace(/("2":)"[^"]*"/, `$1"${btoa('x'.repeat(32))}"`),
    ],
    ['is of another bucket', (text: string) => text.replace('"location":"memory:"', '"location":"other:"')],
    ['is of another key', (text: string) => text.replace('"key":"a"', '"key":"b"')],
    ['is of another file', (text: string) => text.replace('/data/file', '/data/other')],
    ['is of a download', (text: string) => text.replace('"upload"', '"download"')],
    ['has an unknown property', (text: string) => text.replace('{', '{"more":1,')],
    [
      'has a state that contradicts itself',
      (text: string) => text.replace(`"partSizeBytes":${PART}`, `"partSizeBytes":${PART + 16}`),
    ],
    [
      'has a digest of a part outside the plan',
      (text: string) => text.replace('"partDigests":{', '"partDigests":{"0":"",'),
    ],
    [
      'has an invalid wrapped key',
      (text: string) => text.replace(/(encryption-key":")[^"]*/, `$1${btoa('x'.repeat(40))}`),
    ],
  ])('when its record %s', async (_what, alter) => {
    const { bucket, transport, log, store } = await interrupted()
    store.alter((text) => {
      const altered = alter(text)
      expect(altered).not.toBe(text)
      return altered
    })
    await send(bucket, fileOf(data), { checkpointStore: store })
    expect(transfers(log)).toEqual(['restart'])
    expect(sentParts(transport)).toEqual(allParts)
    expect(store.records.size).toBe(0)
    expect(await bucket.getBytes('a')).toEqual(data)
  })

  test('when its record cannot be loaded', async () => {
    const { bucket, log, store } = await interrupted()
    store.intercept = (call) => {
      if (call === 'load') throw new CseError('ERR_CSE_CHECKPOINT', 'damaged')
    }
    await send(bucket, fileOf(data), { checkpointStore: store })
    expect(transfers(log)).toEqual(['restart'])
    expect(await bucket.getBytes('a')).toEqual(data)
  })

  test('when its record lost the digest of a part that was sent', async () => {
    const made = await interrupted()
    made.store.alter((text) => text.replace(/"2":"[^"]*",/, ''))
    await send(made.bucket, fileOf(data), { checkpointStore: made.store })
    await expectRestarted(made)
  })
})

describe('a resumed upload that meets a temporary failure', () => {
  test.each([
    ['the listing of the parts', denied],
    ['the listing of the parts, each time', lost],
  ])('of %s can be resumed by a later run, and its key is wiped', async (_what, failure) => {
    const keyring = new WatchedKeyring()
    const { bucket, transport, log, store } = await interrupted({}, memoryBucket({ keyring }))
    transport.intercept = ({ operation }) => {
      if (operation === 'listParts') throw failure
    }
    await expect(send(bucket, fileOf(data), { checkpointStore: store })).rejects.toBe(failure)
    transport.intercept = undefined
    expect(transfers(log)).toEqual([])
    expect(store.isFree).toBe(true)
    expect(keyring.wiped).toBe(true)
    expect((await send(bucket, fileOf(data), { checkpointStore: store })).resumedBytes).toBe(3 * PART)
  })

  test('of the master key’s service can be resumed by a later run', async () => {
    const { transport, store } = await interrupted()
    const down = new TransportError('ERR_CSE_SERVICE', 'down', { retryable: false })
    const provider = { ...createTestProvider(), unwrap: () => Promise.reject(down) }
    const failing = memoryBucket({ transport, provider })
    await expect(send(failing.bucket, fileOf(data), { checkpointStore: store })).rejects.toMatchObject({
      code: 'ERR_CSE_SERVICE',
      message: 'a: down',
    })
    expect(await pendingUploads(transport)).toBe(1)
    const { bucket } = memoryBucket({ transport })
    expect((await send(bucket, fileOf(data), { checkpointStore: store })).resumedBytes).toBe(3 * PART)
  })

  test('of the source during verification can be resumed by a later run', async () => {
    const { bucket, store } = await interrupted()
    const source: SizedSource = {
      ...fileOf(data),
      // biome-ignore lint/correctness/useYield: it fails before it gives anything.
      async *open() {
        throw new Error('the disk is busy')
      },
    }
    await expect(send(bucket, source, { checkpointStore: store })).rejects.toEqual(code('ERR_CSE_SOURCE'))
    expect((await send(bucket, fileOf(data), { checkpointStore: store })).resumedBytes).toBe(3 * PART)
  })
})

describe('an upload whose record outlived its completion', () => {
  async function killed() {
    const made = memoryBucket()
    const store = new RecordStore()
    store.intercept = (call) => {
      if (call === 'remove') throw new Error('killed')
    }
    // The object is stored, so this is no failure. The record stays, as after a kill.
    await send(made.bucket, fileOf(data), { checkpointStore: store })
    expect(store.records.size).toBe(1)
    store.intercept = undefined
    made.transport.requests.length = 0
    return { ...made, store }
  }

  test('is recognized, and nothing is sent again', async () => {
    const { bucket, transport, store } = await killed()
    const stored = transport.objects.get('a')
    const reports: Progress[] = []
    const onProgress = (progress: Progress) => reports.push(progress)
    const result = await send(bucket, fileOf(data), { checkpointStore: store, onProgress })
    expect(operations(transport)).toEqual(['listParts', 'head'])
    expect(result).toMatchObject({
      resumedBytes: data.length,
      sizeBytes: data.length,
      etag: stored?.etag,
      crc64: String(stored?.crc64),
      verification: 'crc64',
    })
    expect(reports.at(-1)).toMatchObject({ transferredBytes: data.length, partsDone: 6 })
    expect(transport.objects.get('a')).toBe(stored)
    expect(store.records.size).toBe(0)
  })

  test('is uploaded again when the object was replaced since', async () => {
    const { bucket, transport, log, store } = await killed()
    await bucket.put('a', 'newer')
    transport.requests.length = 0
    await send(bucket, fileOf(data), { checkpointStore: store })
    await expectRestarted({ bucket, transport, log, store })
  })

  test('is uploaded again when the source changed since', async () => {
    const { bucket, transport, log, store } = await killed()
    await send(bucket, fileOf(otherData), { checkpointStore: store })
    await expectRestarted({ bucket, transport, log, store }, otherData)
  })
})

describe('with only a public key', () => {
  test('an upload succeeds, logs that it cannot be resumed, and keeps no record', async () => {
    const provider = createTestProvider({ encryptOnly: true })
    const { bucket, transport, log } = memoryBucket({ provider })
    const store = new RecordStore()
    await send(bucket, fileOf(data), { checkpointStore: store })
    expect(transfers(log)).toEqual(['not-resumable'])
    expect(store.saved).toEqual([])
    expect(await memoryBucket({ transport }).bucket.getBytes('a')).toEqual(data)
  })

  test('or a key server for stored objects, an upload succeeds in the same way, and nothing is unwrapped', async () => {
    const unwrap = vi.fn()
    const provider = { ...createTestProvider(), unwrapsStoredOnly: true, unwrap }
    const { bucket, transport, log } = memoryBucket({ provider })
    const store = new RecordStore()
    await send(bucket, fileOf(data), { checkpointStore: store })
    expect(transfers(log)).toEqual(['not-resumable'])
    expect(store.saved).toEqual([])
    expect(unwrap).not.toHaveBeenCalled()
    expect(await memoryBucket({ transport }).bucket.getBytes('a')).toEqual(data)
  })

  test('an upload that fails leaves nothing behind', async () => {
    const provider = createTestProvider({ encryptOnly: true })
    const { bucket, transport } = memoryBucket({ provider })
    transport.intercept = ({ partNumber }) => {
      if (partNumber === 2) throw denied
    }
    await expect(send(bucket, fileOf(data), { checkpointStore: new RecordStore() })).rejects.toBe(denied)
    transport.intercept = undefined
    expect(await pendingUploads(transport)).toBe(0)
  })

  test('nothing is logged without a checkpoint store', async () => {
    const { bucket, log } = memoryBucket({ provider: createTestProvider({ encryptOnly: true }) })
    await send(bucket, fileOf(data))
    expect(log).toEqual([])
  })
})

describe('an upload that the service stores wrongly', () => {
  test('is an integrity failure, and leaves no record', async () => {
    const { bucket, transport } = memoryBucket()
    const store = new RecordStore()
    const complete = transport.complete.bind(transport)
    transport.complete = async (request) => {
      const response = await complete(request)
      return { ...response, headers: { ...response.headers, 'x-oss-hash-crc64ecma': '1' } }
    }
    await expect(send(bucket, fileOf(data), { checkpointStore: store })).rejects.toEqual(
      code('ERR_CSE_INTEGRITY'),
    )
    expect(store.records.size).toBe(0)
    expect(store.isFree).toBe(true)
  })

  test('in one part, each time, is an integrity failure, and leaves nothing', async () => {
    const { bucket, transport } = memoryBucket()
    const store = new RecordStore()
    watchParts(transport, (_, response) => ({ ...response, crc64: 1n }))
    await expect(send(bucket, fileOf(data), { checkpointStore: store })).rejects.toEqual(
      code('ERR_CSE_INTEGRITY'),
    )
    expect(await pendingUploads(transport)).toBe(0)
    expect(store.records.size).toBe(0)
  })

  test('between the runs, in one part, is fixed by the next run', async () => {
    const { bucket, transport, store } = await interrupted()
    const listParts = transport.listParts.bind(transport)
    transport.listParts = async (request) => {
      const { parts } = await listParts(request)
      return { parts: parts.map((part) => (part.partNumber === 2 ? { ...part, crc64: 1n } : part)) }
    }
    const result = await send(bucket, fileOf(data), { checkpointStore: store })
    expect(sentParts(transport)).toEqual([2, 4, 5, 6])
    expect(result.resumedBytes).toBe(2 * PART)
    expect(await bucket.getBytes('a')).toEqual(data)
  })
})
