import {
  appendFileSync,
  openSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ContentKey } from '@oss-cse/crypto-core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { difference, pattern } from '../../test/bytes.ts'
import { endThreads, watchMessages } from '../../test/file-workers.ts'
import { memoryBucket } from '../../test/memory-bucket.ts'
import { denied, lost, watchParts } from '../../test/multipart.ts'
import { RecordedTransport } from '../../test/recorded-transport.ts'
import { sealReference } from '../../test/sealed-reference.ts'
import { WatchedKeyring } from '../../test/watched-keys.ts'
import type { CryptoBucket } from '../crypto-bucket.ts'
import { putFile, uploadFile } from '../files/upload-file.node.ts'
import { MemoryCheckpointStore } from '../resume/checkpoint-store.ts'
import type { UploadOptions } from '../resume/resumable-upload.ts'

const MIB = 1024 ** 2
const Z = 65_536
/** The plaintext of so many full segments. */
const full = (segments: number) => segments * (Z - 16) - 40
const PART = 2 * MIB
const content = pattern(full(160) + 1)

let directory: string
let transport: RecordedTransport
let keyring: WatchedKeyring
let bucket: CryptoBucket
/** The kinds of jobs that threads got, and whether they seal. */
let jobs: string[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'oss-cse-'))
  transport = new RecordedTransport(directory)
  keyring = new WatchedKeyring()
  bucket = sealing()
  jobs = []
})
afterEach(async () => {
  vi.restoreAllMocks()
  await rm(directory, { recursive: true, force: true })
})

const here = (name = 'in') => join(directory, name)
const sealing = (fileWorkers?: number) =>
  memoryBucket({
    transport,
    keyring,
    format: 'sealed',
    context: (key) => `object ${key}`,
    ...(fileWorkers !== undefined && { fileWorkers }),
  }).bucket
const put = (on = bucket) => putFile(on, 'a', here())
const upload = (options: UploadOptions = {}, on = bucket) =>
  uploadFile(on, 'a', here(), { partSizeBytes: PART, multipartThresholdBytes: 1, parallel: 1, ...options })

function watchKinds(): void {
  watchMessages((request) => {
    if ('fd' in request) jobs.push(`${request.type} ${'sealed' in request && request.sealed !== undefined}`)
    return true
  })
}

function lastKey(): ContentKey {
  const key = keyring.copies.at(-1)
  if (key === undefined) throw new Error('no key')
  return key
}

/** Checks the object against another implementation, under the key that was made last. */
async function expectStored(plaintext: Uint8Array): Promise<void> {
  const expected = await sealReference(lastKey(), plaintext, 'object a')
  const stored = transport.objects.get('a')?.bytes ?? new Uint8Array()
  expect(stored.length).toBe(expected.length)
  expect(difference(stored, expected)).toBeUndefined()
}

describe.runIf(availableParallelism() > 1)('a file that workers seal', () => {
  // A file of less than 8 MiB is not worth a worker.
  test.each([
    [8 * MIB - 1, false],
    [8 * MIB, true],
    [full(132) - 1, true],
    [full(132), true],
    [full(132) + 1, true],
    [full(160), true],
    [full(160) + 1, true],
  ])(
    'of %i bytes is the object of another implementation, at once and in parts',
    async (sizeBytes, byWorkers) => {
      const plaintext = content.subarray(0, sizeBytes)
      await writeFile(here(), plaintext)
      watchKinds()
      expect(await put()).toMatchObject({ sizeBytes, sealed: true, verification: 'crc64' })
      await expectStored(plaintext)
      expect(jobs).toEqual(byWorkers ? ['put true'] : [])
      jobs.length = 0
      expect(await upload()).toMatchObject({ sizeBytes, sealed: true, verification: 'crc64' })
      await expectStored(plaintext)
      const parts = transport.requests.filter(({ operation }) => operation === 'uploadPart').length
      expect(jobs).toEqual(byWorkers ? Array.from({ length: parts }, () => 'hold true') : [])
      expect(difference(await bucket.getBytes('a'), plaintext)).toBeUndefined()
      transport.expectOnePlaintext()
    },
  )

  test('is the same object without workers, and with those that cannot send', async () => {
    const plaintext = content.subarray(0, 8 * MIB + 17)
    await writeFile(here(), plaintext)
    for (const workers of ['none', 'cannot send', 'no transport', 'no module']) {
      const on = sealing(workers === 'none' ? 0 : undefined)
      const { workerSide } = transport
      if (workers === 'cannot send') transport.workerSide = async () => undefined
      if (workers === 'no transport') Object.assign(transport, { workerSide: undefined })
      if (workers === 'no module')
        transport.workerSide = async () => ({ module: 'file:///nothing.mjs', data: undefined })
      for (const store of [() => put(on), () => upload({}, on)]) {
        transport.objects.clear()
        await store()
        await expectStored(plaintext)
      }
      transport.workerSide = workerSide
    }
  })

  test('at an offset of a larger file is that range of it', async () => {
    await writeFile(here(), content)
    const file = await open(here())
    try {
      const [offsetBytes, sizeBytes] = [12_345, full(133) + 1]
      const plaintext = content.subarray(offsetBytes, offsetBytes + sizeBytes)
      watchKinds()
      const range = { fd: file.fd, sizeBytes: content.length, offsetBytes }
      const never = () => {
        throw new Error('must not be read here')
      }
      await bucket.put('a', { sizeBytes, open: never, file: range })
      await expectStored(plaintext)
      expect(jobs).toEqual(['put true'])
    } finally {
      await file.close()
    }
  })

  test.each<[string, () => void, string]>([
    ['is touched', () => utimesSync(here(), 1, 1), 'ERR_CSE_SOURCE_CHANGED'],
    ['grows', () => appendFileSync(here(), 'x'), 'ERR_CSE_SOURCE_CHANGED'],
    ['shrinks', () => truncateSync(here(), full(132)), 'ERR_CSE_SOURCE'],
    ['is emptied', () => truncateSync(here(), 0), 'ERR_CSE_SOURCE'],
  ])(
    'and that %s during a put never gets its last segment, and stores nothing',
    async (_what, change, code) => {
      const sizeBytes = full(133)
      await writeFile(here(), content.subarray(0, sizeBytes))
      const expected = async () => sealReference(lastKey(), content.subarray(0, sizeBytes), 'object a')
      watchMessages(({ type }) => {
        if (type === 'put') change()
        return true
      })
      await expect(put()).rejects.toMatchObject({ code, objectKey: 'a' })
      expect(transport.objects.size).toBe(0)
      const [{ bytes } = { bytes: content }, ...others] = transport.wires
      expect(others).toEqual([])
      // Segment 132 is the last one. All before it are sealed as such.
      expect(bytes.length % Z).toBe(0)
      expect(bytes.length).toBeLessThanOrEqual(132 * Z)
      expect(difference(bytes, (await expected()).subarray(0, bytes.length))).toBeUndefined()
    },
  )

  test('is put again only under another key, whatever happened', async () => {
    await writeFile(here(), content.subarray(0, 8 * MIB + 17))
    let failures = 0
    transport.intercept = () => {
      if (failures++ === 0) throw lost
    }
    const { ended } = endThreads('put', { at: 2 })
    await put()
    expect([ended.size, failures]).toEqual([1, 2])
    expect(new Set(keyring.copies.map(({ cek }) => String(cek))).size).toBe(3)
    transport.expectOnePlaintext()
    await expectStored(content.subarray(0, 8 * MIB + 17))
  })

  describe('in parts, interrupted, and resumed', () => {
    const sizeBytes = full(5 * 32) - 1000
    const plaintext = content.subarray(0, sizeBytes)
    let checkpointStore: MemoryCheckpointStore

    beforeEach(async () => {
      checkpointStore = new MemoryCheckpointStore()
      await writeFile(here(), plaintext)
      // Times that can be set again exactly.
      utimesSync(here(), 1_000_000, 1_000_000)
      let requests = 0
      transport.intercept = ({ partNumber }) => {
        if (partNumber === 2 && requests++ === 0) throw lost
        if (partNumber === 4) throw denied
      }
      await expect(upload({ checkpointStore })).rejects.toMatchObject({ code: denied.code })
      transport.intercept = undefined
      transport.requests.length = 0
    })

    const sentParts = () => transport.requests.flatMap(({ partNumber }) => partNumber ?? [])

    /** Changes a byte of the file, and keeps its length and times. */
    function changeByte(position: number): void {
      const { atime, mtime } = statSync(here())
      const fd = openSync(here(), 'r+')
      writeSync(fd, Uint8Array.of(0xff ^ (plaintext[position] ?? 0)), 0, 1, position)
      utimesSync(here(), atime, mtime)
    }

    test('is compared by workers before anything is sent, and then sends what is missing', async () => {
      watchKinds()
      const { resumedBytes } = await upload({ checkpointStore })
      expect(resumedBytes).toBe(full(3 * 32))
      expect(sentParts()).toEqual([4, 5])
      expect(jobs).toEqual([...Array(4).fill('encrypt true'), 'hold true', 'hold true'])
      await expectStored(plaintext)
      transport.expectOnePlaintext()
    })

    test.each([
      ['in a part that was sent', full(32) + 5],
      ['in the part that was begun', full(3 * 32)],
    ])(
      'restarts under another key if a byte changed %s, and sends nothing under the old one',
      async (_where, at) => {
        const before = transport.wires.length
        const old = lastKey()
        changeByte(at)
        expect((await upload({ checkpointStore })).resumedBytes).toBe(0)
        expect(sentParts()).toEqual([1, 2, 3, 4, 5])
        expect(lastKey().cek).not.toEqual(old.cek)
        const [first] = transport.wires
        for (const { wrappedCek } of transport.wires.slice(before))
          expect(wrappedCek).not.toBe(first?.wrappedCek)
        await expectStored(new Uint8Array(await readFile(here())))
        transport.expectOnePlaintext()
      },
    )

    test('is resumed without workers too', async () => {
      await upload({ checkpointStore }, sealing(0))
      expect(sentParts()).toEqual([4, 5])
      await expectStored(plaintext)
    })

    test('has no tag in its record', async () => {
      const { record } = await recorded()
      const expected = await sealReference(lastKey(), plaintext, 'object a')
      for (let start = 0; start < expected.length; start += Z) {
        const tag = Buffer.from(expected.subarray(start, start + Z).subarray(-16))
        for (const spelling of ['hex', 'base64'] as const)
          expect(record).not.toContain(tag.toString(spelling).replace(/=*$/, ''))
      }
    })

    async function recorded() {
      let record = ''
      const { open: openRecord } = checkpointStore
      vi.spyOn(checkpointStore, 'open').mockImplementation(async (...parameters) => {
        const checkpoint = await openRecord.apply(checkpointStore, parameters)
        record += JSON.stringify(await checkpoint.load())
        return checkpoint
      })
      transport.intercept = () => {
        throw denied
      }
      await upload({ checkpointStore }).catch(() => {})
      expect(record).toContain('partDigests')
      return { record }
    }
  })

  test.each(['hold', 'send', 'take'] as const)(
    'in parts whose workers end never sends another plaintext: %s',
    async (type) => {
      await writeFile(here(), content)
      if (type === 'take') transport.workerSide = async () => undefined
      const sent = watchParts(transport)
      for (const at of [1, 2]) {
        const { ended } = endThreads(type, { at })
        await upload({ parallel: 2 })
        expect(ended.size).toBe(1)
        vi.restoreAllMocks()
        await expectStored(content)
      }
      transport.expectOnePlaintext()
      expect(sent.length).toBeGreaterThanOrEqual(12)
    },
  )

  test('and whose file changes while parts are sent is not completed', async () => {
    await writeFile(here(), content)
    transport.intercept = ({ partNumber }) => {
      if (partNumber === 3)
        writeFileSync(
          here(),
          content.map((byte) => byte ^ 1),
        )
    }
    await expect(upload()).rejects.toMatchObject({ code: 'ERR_CSE_SOURCE_CHANGED' })
    expect(transport.objects.size).toBe(0)
    transport.expectOnePlaintext()
  })
})
