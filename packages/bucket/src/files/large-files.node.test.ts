import { execFileSync } from 'node:child_process'
import {
  appendFile,
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { CseError } from '@oss-cse/crypto-core'
import type { MemoryTransport, RecordedRequest } from '@oss-cse/crypto-core/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { chunked, difference, pattern } from '../../test/bytes.ts'
import { memoryBucket } from '../../test/memory-bucket.ts'
import { denied, lost, operations, PART, pendingUploads, watchParts } from '../../test/multipart.ts'
import { openFilesBelow } from '../../test/open-files.ts'
import { spellings, WatchedKeyring } from '../../test/watched-keys.ts'
import { WorkerMemoryTransport } from '../../test/worker-memory-transport.ts'
import { MAX_HELD_BYTES } from '../cipher/encrypted-part.ts'
import type { CryptoBucket } from '../crypto-bucket.ts'
import type { Progress } from '../policy/progress.ts'
import type { LogEvent } from '../policy/retry.ts'
import { MemoryCheckpointStore } from '../resume/checkpoint-store.ts'
import type { DownloadOptions } from '../resume/resumable-download.ts'
import type { UploadOptions } from '../resume/resumable-upload.ts'
import { downloadFile } from './download-file.node.ts'
import { FileCheckpointStore } from './file-checkpoint-store.node.ts'
import { uploadFile } from './upload-file.node.ts'

const MIB = 1024 ** 2
const code = (value: string) => expect.objectContaining({ code: value })
const reason = new Error('stop')
const isRoot = process.getuid?.() === 0
let directory: string
let bucket: CryptoBucket
let transport: MemoryTransport
let log: LogEvent[]
let keyring: WatchedKeyring
let store: FileCheckpointStore

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'oss-cse-'))
  keyring = new WatchedKeyring()
  ;({ bucket, transport, log } = memoryBucket({ keyring }))
  store = new FileCheckpointStore({ directory: join(directory, 'checkpoints') })
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const here = (name: string) => join(directory, name)

async function bytesOf(name: string): Promise<Uint8Array> {
  return new Uint8Array(await readFile(here(name)))
}

/** The content of the directory, without the checkpoints. */
async function files(): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name !== 'checkpoints').sort()
}

async function records(): Promise<string[]> {
  return (await readdir(store.directory).catch(() => [])).filter((name) => name.endsWith('.json'))
}

async function temporary(): Promise<string> {
  const names = (await files()).filter((name) => name.endsWith('.part'))
  expect(names).toHaveLength(1)
  return here(names[0] ?? '')
}

function sentParts(): number[] {
  return transport.requests.flatMap(({ partNumber }) => partNumber ?? []).sort((a, b) => a - b)
}

function transfers(): string[] {
  return log.flatMap(({ type }) => (type === 'retry' ? [] : type))
}

function equal(actual: Uint8Array, expected: Uint8Array): void {
  // Compared natively first, because they are nearly always equal.
  if (Buffer.compare(actual, expected) !== 0) expect(difference(actual, expected)).toBeUndefined()
}

// Large files are read and written by workers, which also send the requests if the transport lets them.
describe.each([
  { what: 'a short file', size: 5 * PART + 17, partSizeBytes: PART },
  { what: 'a long file', size: 10 * MIB + 17, partSizeBytes: 2 * MIB },
  { what: 'a long file, sent by workers,', size: 10 * MIB + 17, partSizeBytes: 2 * MIB, byWorkers: true },
])('$what of six parts', ({ size, partSizeBytes, byWorkers }) => {
  const data = pattern(size)
  const otherData = data.map((byte) => byte ^ 0x55)
  const upload = (options: UploadOptions = {}) =>
    uploadFile(bucket, 'a', here('in'), { multipartThresholdBytes: 1, partSizeBytes, ...options })
  const download = (options: DownloadOptions = {}, name = 'out') =>
    downloadFile(bucket, 'a', here(name), {
      multipartThresholdBytes: partSizeBytes,
      partSizeBytes,
      ...options,
    })
  const isGetOf = (n: number) => (request: RecordedRequest) =>
    request.headers['range']?.startsWith(`bytes=${(n - 1) * partSizeBytes}-`) === true
  const fetchedParts = () =>
    transport.requests
      .flatMap(({ headers }) => headers['range'] ?? [])
      .map((range) => Number(/=(\d+)/.exec(range)?.[1]) / partSizeBytes + 1)
      .sort()

  beforeEach(async () => {
    await writeFile(here('in'), data)
    if (byWorkers) {
      ;({ bucket, transport, log } = memoryBucket({ keyring, transport: new WorkerMemoryTransport() }))
    }
  })

  /** An upload whose fourth part is denied. */
  async function interruptedUpload(options: UploadOptions = {}): Promise<void> {
    transport.intercept = ({ partNumber }) => {
      if (partNumber === 4) throw denied
    }
    await expect(upload({ checkpointStore: store, parallel: 1, ...options })).rejects.toEqual(denied)
    transport.intercept = undefined
    transport.requests.length = 0
  }

  /** A download whose fourth part is denied. */
  async function interruptedDownload(options: DownloadOptions = {}): Promise<void> {
    await bucket.put('a', data)
    await unlink(here('in'))
    transport.intercept = (request) => {
      if (isGetOf(4)(request)) throw denied
    }
    await expect(download({ checkpointStore: store, parallel: 1, ...options })).rejects.toEqual(denied)
    transport.intercept = undefined
    transport.requests.length = 0
  }

  test('is read back unchanged with any number of parallel parts', async () => {
    for (const parallel of [1, 3, 10]) {
      const progress: Progress[] = []
      const onProgress = (report: Progress) => progress.push(report)
      const sent = await upload({ parallel, checkpointStore: store, onProgress })
      expect(sent).toMatchObject({ sizeBytes: size, resumedBytes: 0, verification: 'crc64' })
      expect(progress.at(-1)).toMatchObject({ transferredBytes: size, partsDone: 6, partCount: 6 })
      progress.length = 0
      const fetched = await download({ parallel, checkpointStore: store, onProgress })
      expect(fetched).toMatchObject({ sizeBytes: size, resumedBytes: 0, verification: 'crc64' })
      expect(progress.at(-1)).toMatchObject({ transferredBytes: size, partsDone: 6, partCount: 6 })
      equal(await bytesOf('out'), data)
      expect(await files()).toEqual(['in', 'out'])
      expect(await records()).toEqual([])
    }
  })

  test.runIf(byWorkers && availableParallelism() > 1)(
    'is sent and fetched by workers alone, but for the first range',
    async () => {
      await upload()
      await download()
      const { prepared } = transport as WorkerMemoryTransport
      const asked = prepared.map((request) =>
        request.operation === 'uploadPart' ? request.partNumber : request.headers['range'],
      )
      const ranges = transport.requests.flatMap(({ headers }) => headers['range'] ?? [])
      expect(asked.sort()).toEqual([1, 2, 3, 4, 5, 6, ...ranges.slice(1)].sort())
      expect(ranges[0]).toBe(`bytes=0-${partSizeBytes - 1}`)
      equal(await bytesOf('out'), data)
    },
  )

  test('is the same in a plain get', async () => {
    await upload()
    equal(await bucket.getBytes('a'), data)
  })

  test('is sent again with the same bytes when a part fails', async () => {
    const failures = new Map<number, number>()
    const sent = watchParts(transport, ({ partNumber }, response) => {
      failures.set(partNumber, (failures.get(partNumber) ?? 0) + 1)
      if ((failures.get(partNumber) ?? 0) < 3) throw lost
      return response
    })
    await upload({ parallel: 3 })
    expect(sent).toHaveLength(18)
    for (let n = 1; n <= 6; n++) {
      const [first, ...others] = sent.filter(({ partNumber }) => partNumber === n)
      for (const { bytes } of others) equal(bytes, first?.bytes ?? new Uint8Array())
    }
    equal(await bucket.getBytes('a'), data)
  })

  test('gives no other bytes later to a failed connection, which may still be writing them', async () => {
    const uploadPart = transport.uploadPart.bind(transport)
    const given: { chunk: Uint8Array; copy: Uint8Array }[] = []
    const failed = new Set<number>()
    transport.uploadPart = async (request) => {
      if (failed.has(request.partNumber)) return uploadPart(request)
      failed.add(request.partNumber)
      for await (const chunk of request.body.open()) given.push({ chunk, copy: Uint8Array.from(chunk) })
      throw lost
    }
    await upload({ parallel: 2 })
    expect(failed.size).toBe(6)
    for (const { chunk, copy } of given) equal(chunk, copy)
  })

  test('is resumed after an interrupted upload', async () => {
    await interruptedUpload()
    expect(await records()).toHaveLength(1)
    const [name = ''] = await records()
    const text = await readFile(join(store.directory, name), 'utf8')
    for (const secret of keyring.copies.flatMap(spellings)) expect(text).not.toContain(secret)
    const result = await upload({ checkpointStore: new FileCheckpointStore(store) })
    expect(result.resumedBytes).toBe(3 * partSizeBytes)
    expect(sentParts()).toEqual([4, 5, 6])
    expect(transfers()).toEqual(['resume'])
    equal(await bucket.getBytes('a'), data)
    expect(await records()).toEqual([])
  })

  test.each([
    ['is touched', async () => utimes(here('in'), 1, 1)],
    ['gets another length', async () => appendFile(here('in'), 'x')],
    [
      'gets other bytes in a part that was sent, and its old time',
      async () => {
        const { atime, mtime } = await stat(here('in'))
        const file = await open(here('in'), 'r+')
        await file.write(Uint8Array.of(0xff ^ (data[partSizeBytes] ?? 0)), 0, 1, partSizeBytes)
        await file.close()
        await utimes(here('in'), atime, mtime)
      },
    ],
    [
      'gets other bytes in a part that was started, and its old time',
      async () => {
        const { atime, mtime } = await stat(here('in'))
        const file = await open(here('in'), 'r+')
        await file.write(Uint8Array.of(0xff ^ (data[3 * partSizeBytes] ?? 0)), 0, 1, 3 * partSizeBytes)
        await file.close()
        await utimes(here('in'), atime, mtime)
      },
    ],
  ])('is uploaded again from the start when it %s after an interruption', async (_what, change) => {
    // Times that can be set again exactly.
    await utimes(here('in'), 1_000_000, 1_000_000)
    await interruptedUpload()
    await change()
    const result = await upload({ checkpointStore: store })
    expect(result.resumedBytes).toBe(0)
    expect(transfers()).toEqual(['restart'])
    expect(sentParts()).toEqual([1, 2, 3, 4, 5, 6])
    equal(await bucket.getBytes('a'), await bytesOf('in'))
    expect(await pendingUploads(transport)).toBe(0)
    expect(await records()).toEqual([])
  })

  test.each([
    ['is touched', async () => utimes(here('in'), 1, 1), 'ERR_CSE_SOURCE_CHANGED'],
    ['grows', async () => appendFile(here('in'), 'x'), 'ERR_CSE_SOURCE_CHANGED'],
    ['shrinks', async () => truncate(here('in'), partSizeBytes + 5), 'ERR_CSE_SOURCE'],
    ['is emptied', async () => truncate(here('in'), 0), 'ERR_CSE_SOURCE'],
  ])('is not stored when it %s during the upload', async (_what, change, expected) => {
    for (const checkpointStore of [undefined, store]) {
      await writeFile(here('in'), data)
      let changed: Promise<void> | undefined
      transport.intercept = async ({ partNumber }) => {
        if (partNumber !== 2) return
        changed ??= change()
        await changed
      }
      await expect(upload({ checkpointStore, parallel: 1 })).rejects.toMatchObject({
        code: expected,
        objectKey: 'a',
      })
      transport.intercept = undefined
      expect(transport.objects.size).toBe(0)
      if (checkpointStore === undefined) expect(await pendingUploads(transport)).toBe(0)
    }
  })

  test('is uploaded whole even if its name is given to another file during the upload', async () => {
    transport.intercept = async ({ partNumber }) => {
      if (partNumber !== 2) return
      await unlink(here('in'))
      await writeFile(here('in'), otherData)
    }
    await upload({ parallel: 1 })
    equal(await bucket.getBytes('a'), data)
  })

  test('is not verified to its end when that is aborted', async () => {
    await interruptedUpload()
    const controller = new AbortController()
    let verified = 0
    const onProgress = ({ resumedBytes = 0, partsDone = 0 }: Progress) => {
      verified = partsDone
      if (resumedBytes > 0) controller.abort(reason)
    }
    await expect(upload({ checkpointStore: store, signal: controller.signal, onProgress })).rejects.toBe(
      reason,
    )
    expect(verified).toBe(1)
    expect((await upload({ checkpointStore: store })).resumedBytes).toBe(3 * partSizeBytes)
  })

  test.each([1, 2, 4, 7, 8])('leaves no open file when an upload is aborted (request %i)', async (k) => {
    const controller = new AbortController()
    let requests = 0
    transport.intercept = () => {
      if (++requests === k) controller.abort(reason)
    }
    const before = await openFilesBelow(directory)
    await expect(upload({ signal: controller.signal, checkpointStore: store })).rejects.toBe(reason)
    expect(await openFilesBelow(directory)).toBe(before)
    transport.intercept = undefined
    await upload({ checkpointStore: store })
    equal(await bucket.getBytes('a'), data)
  })

  test('is resumed after an interrupted download, and has its name only at the end', async () => {
    await writeFile(here('out'), 'old')
    await chmod(here('out'), 0o640)
    await interruptedDownload()
    expect(await readFile(here('out'), 'utf8')).toBe('old')
    expect(await records()).toHaveLength(1)
    const { size: temporarySize, mode } = await stat(await temporary())
    expect(temporarySize).toBe(size)
    expect(mode & 0o777).toBe(0o600)
    const result = await download({ checkpointStore: new FileCheckpointStore(store) })
    expect(result.resumedBytes).toBe(3 * partSizeBytes)
    expect(fetchedParts()).toEqual([4, 5, 6])
    equal(await bytesOf('out'), data)
    expect((await stat(here('out'))).mode & 0o777).toBe(0o640)
    expect(await files()).toEqual(['out'])
    expect(await records()).toEqual([])
  })

  test('is fetched again where a fetched bit is wrong', async () => {
    await interruptedDownload()
    const file = await open(await temporary(), 'r+')
    await file.write(Uint8Array.of(0x80 ^ (data[2 * partSizeBytes - 1] ?? 0)), 0, 1, 2 * partSizeBytes - 1)
    await file.close()
    const result = await download({ checkpointStore: store })
    expect(fetchedParts()).toEqual([2, 4, 5, 6])
    expect(result.resumedBytes).toBe(2 * partSizeBytes)
    equal(await bytesOf('out'), data)
  })

  test.each([
    ['removed', async () => unlink(await temporary())],
    ['cut', async () => truncate(await temporary(), size - 1)],
    ['extended', async () => truncate(await temporary(), size + 1)],
  ])('is fetched again from the start when the fetched bytes were %s', async (_what, change) => {
    await interruptedDownload()
    await change()
    const result = await download({ checkpointStore: store })
    expect(result.resumedBytes).toBe(0)
    expect(transfers()).toEqual(['restart'])
    equal(await bytesOf('out'), data)
    expect(await files()).toEqual(['out'])
  })

  test('is fetched again from the start when the object was replaced after the interruption', async () => {
    await interruptedDownload()
    await bucket.put('a', otherData)
    await download({ checkpointStore: store })
    equal(await bytesOf('out'), otherData)
    expect(await files()).toEqual(['out'])
  })

  test('leaves nothing after an interruption without a checkpoint, and keeps the old file', async () => {
    await writeFile(here('out'), 'old')
    await interruptedDownload({ checkpointStore: undefined })
    expect(await files()).toEqual(['out'])
    expect(await readFile(here('out'), 'utf8')).toBe('old')
  })

  test.each([undefined, 'a checkpoint'])(
    'with a wrong checksum leaves nothing (with %s)',
    async (checkpointStore) => {
      await bucket.put('a', data)
      const object = transport.objects.get('a')
      if (object !== undefined) transport.objects.set('a', { ...object, crc64: object.crc64 ^ 1n })
      const options = checkpointStore === undefined ? {} : { checkpointStore: store }
      await expect(download(options)).rejects.toEqual(code('ERR_CSE_INTEGRITY'))
      expect(await files()).toEqual(['in'])
      expect(await records()).toEqual([])
    },
  )

  test.each([1, 2, 4, 6])('leaves no open file when a download is aborted (request %i)', async (k) => {
    await bucket.put('a', data)
    for (const checkpointStore of [undefined, store]) {
      const controller = new AbortController()
      let requests = 0
      transport.intercept = () => {
        if (++requests === k) controller.abort(reason)
      }
      const before = await openFilesBelow(directory)
      await expect(download({ signal: controller.signal, checkpointStore })).rejects.toBe(reason)
      expect(await openFilesBelow(directory)).toBe(before)
      if (checkpointStore === undefined) expect(await files()).toEqual(['in'])
      transport.intercept = undefined
    }
    await download({ checkpointStore: store })
    equal(await bytesOf('out'), data)
    expect(await files()).toEqual(['in', 'out'])
  })

  test('is written to the target of a link', async () => {
    await writeFile(here('real'), 'old')
    await symlink(here('real'), here('out'))
    await interruptedDownload()
    await download({ checkpointStore: store }, 'real')
    expect(fetchedParts()).toEqual([4, 5, 6])
    equal(await bytesOf('real'), data)
    expect((await lstat(here('out'))).isSymbolicLink()).toBe(true)
    expect(await files()).toEqual(['out', 'real'])
  })

  test('is whole even if another download, with its own store, creates the same file in parallel', async () => {
    await bucket.put('a', data)
    let second: Promise<unknown> | undefined
    let secondHolds = (): void => {}
    let release = (): void => {}
    const secondOpened = new Promise<void>((resolve) => {
      secondHolds = resolve
    })
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    transport.intercept = async (request) => {
      if (second === undefined && isGetOf(6)(request)) {
        second = download({ checkpointStore: new MemoryCheckpointStore(), parallel: 1 }).catch(() => {})
        await Promise.race([secondOpened, second])
      } else if (second !== undefined && isGetOf(2)(request)) {
        secondHolds()
        await released
      }
    }
    await download({ checkpointStore: new MemoryCheckpointStore(), parallel: 1 })
    const first = await bytesOf('out')
    release()
    await second
    equal(first, data)
    equal(await bytesOf('out'), data)
  })

  test('is not written through a link at its temporary name', async () => {
    await interruptedDownload()
    const path = await temporary()
    await writeFile(here('victim'), 'untouched')
    await unlink(path)
    await symlink(here('victim'), path)
    expect((await download({ checkpointStore: store })).resumedBytes).toBe(0)
    equal(await bytesOf('out'), data)
    expect(await readFile(here('victim'), 'utf8')).toBe('untouched')
  })

  test.runIf(isRoot)('is not written into another user’s file', async () => {
    await interruptedDownload()
    const path = await temporary()
    await chown(path, 12_345, 12_345)
    const theirs = await open(path)
    const before = await theirs.readFile()
    expect((await download({ checkpointStore: store })).resumedBytes).toBe(0)
    equal(await bytesOf('out'), data)
    const buffer = new Uint8Array(before.length)
    await theirs.read(buffer, 0, buffer.length, 0)
    await theirs.close()
    equal(buffer, before)
  })

  test('that does not fit on the disk is reported before it arrives, and leaves nothing', async () => {
    const firstBytes = 10 * MIB
    await bucket.put('a', chunked(new Uint8Array(firstBytes), MIB))
    transport.alterGet = (response) => ({
      ...response,
      headers: { ...response.headers, 'content-range': `bytes 0-${firstBytes - 1}/${2 ** 45}` },
    })
    const counts: number[] = []
    for (const checkpointStore of [undefined, undefined, store]) {
      await expect(download({ checkpointStore, partSizeBytes: undefined })).rejects.toEqual(
        code('ERR_CSE_FILE'),
      )
      expect(await files()).toEqual(['in'])
      counts.push(await openFilesBelow(directory))
    }
    expect(new Set(counts).size).toBe(1)
  })

  test('whose name is taken by a directory during the download fails, and is resumed once that is gone', async () => {
    await bucket.put('a', data)
    transport.intercept = async (request) => {
      if (isGetOf(6)(request)) await mkdir(here('out'))
    }
    await expect(download({ checkpointStore: store, parallel: 1 })).rejects.toEqual(code('ERR_CSE_FILE'))
    transport.intercept = undefined
    await rm(here('out'), { recursive: true })
    transport.requests.length = 0
    expect((await download({ checkpointStore: store })).resumedBytes).toBe(size)
    expect(operations(transport)).toEqual(['head'])
    equal(await bytesOf('out'), data)
    expect(await files()).toEqual(['in', 'out'])
  })

  test.each([
    ['is missing', ['none', 'out']],
    ['is a file', ['in', 'out']],
  ])('is refused before any request if its directory %s', async (_what, path) => {
    await bucket.put('a', data)
    transport.requests.length = 0
    await expect(download({ checkpointStore: store }, join(...path))).rejects.toEqual(
      code('ERR_CSE_INVALID_ARGUMENT'),
    )
    expect(transport.requests).toEqual([])
    expect(await records()).toEqual([])
  })
})

test.each([
  [10 * MIB - 1, 'put', ['get']],
  [10 * MIB, 'initiate', ['get']],
  [10 * MIB + 1, 'initiate', ['get', 'get']],
])('a file of %i bytes takes by default one %s', async (size, operation, expected) => {
  const data = Buffer.alloc(size, pattern(65_537))
  await writeFile(here('in'), data)
  await uploadFile(bucket, 'a', here('in'))
  expect(operations(transport)[0]).toBe(operation)
  transport.requests.length = 0
  await downloadFile(bucket, 'a', here('out'))
  expect(operations(transport)).toEqual(expected)
  equal(await bytesOf('out'), data)
})

describe('a part that is too large for memory', () => {
  const size = MAX_HELD_BYTES + 16
  const data = Buffer.alloc(size, pattern(65_537))

  test('is read again each time it is sent, and sent with the same bytes', async () => {
    let opened = 0
    const body = {
      sizeBytes: size,
      open: () => {
        opened += 1
        return chunked(data, 8 * MIB)
      },
    }
    let attempts = 0
    const sent = watchParts(transport, (_, response) => {
      attempts += 1
      if (attempts === 1) throw lost
      return response
    })
    const upload = await bucket.initiateMultipartUpload('a', { sizeBytes: size, partSizeBytes: size })
    await upload.uploadPart(1, body)
    await upload.completeMultipartUpload()
    expect(opened).toBe(3)
    equal(sent[1]?.bytes ?? new Uint8Array(), sent[0]?.bytes ?? new Uint8Array())
    equal(await bucket.getBytes('a'), data)
  }, 60_000)

  test('is not held in memory for verification either', async () => {
    const upload = await bucket.initiateMultipartUpload('a', { sizeBytes: size, partSizeBytes: size })
    const partDigests = { 1: btoa('x'.repeat(16)) }
    const later = await bucket.resumeMultipartUpload({ ...upload.toJSON(), partDigests })
    // Code that reads the part from the file, to hold it, finds no file.
    const file = { fd: 2 ** 31 - 1, sizeBytes: size, offsetBytes: 0 }
    const body = { sizeBytes: size, open: () => chunked(data, 8 * MIB), file }
    await expect(later.verifyParts(() => body)).rejects.toEqual(code('ERR_CSE_SOURCE_CHANGED'))
  })

  test('that changes is not sent from the change on', async () => {
    const changed = Buffer.from(data)
    changed[3 * MIB + 5] = (changed[3 * MIB + 5] ?? 0) ^ 1
    let opened = 0
    const body = { sizeBytes: size, open: () => chunked(opened++ === 0 ? data : changed, 8 * MIB) }
    const sent = watchParts(transport)
    const upload = await bucket.initiateMultipartUpload('a', { sizeBytes: size, partSizeBytes: size })
    await expect(upload.uploadPart(1, body)).rejects.toMatchObject({
      code: 'ERR_CSE_SOURCE_CHANGED',
      objectKey: 'a',
    })
    expect(sent).toHaveLength(1)
    expect(sent[0]?.bytes).toHaveLength(3 * MIB)
  }, 60_000)
})

test.skipIf(process.platform === 'win32')('a named pipe is refused at once', async () => {
  execFileSync('/usr/bin/env', ['mkfifo', here('pipe')])
  await expect(uploadFile(bucket, 'a', here('pipe'))).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
  expect(transport.requests).toEqual([])
})

test('an upload closes its file, whatever its result', async () => {
  await writeFile(here('in'), pattern(5 * MIB))
  const before = await openFilesBelow(directory)
  for (const options of [
    { partSizeBytes: 5 },
    { parallel: 0 },
    { multipartThresholdBytes: 1, signal: AbortSignal.abort() },
  ]) {
    await expect(uploadFile(bucket, 'a', here('in'), options)).rejects.toThrow()
    expect(await openFilesBelow(directory)).toBe(before)
  }
  await expect(uploadFile(bucket, '', here('in'))).rejects.toBeInstanceOf(CseError)
  expect(await openFilesBelow(directory)).toBe(before)
})
