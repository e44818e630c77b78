import { Keyring } from '@oss-cse/crypto-core'
import { createTestProvider, type MemoryTransport } from '@oss-cse/crypto-core/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { commands, userEvent } from 'vitest/browser'
import { difference, pattern } from '../../test/bytes.ts'
import { memoryBucket } from '../../test/memory-bucket.ts'
import { denied, pendingUploads } from '../../test/multipart.ts'
import { openPage } from '../../test/page.ts'
import type { CryptoBucketOptions } from '../crypto-bucket.ts'
import type { UploadOptions } from '../resume/resumable-upload.ts'
import { IndexedDbCheckpointStore } from './indexed-db-checkpoint-store.web.ts'
import { uploadFile } from './upload-file.web.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const PART = 131_072
const data = pattern(4 * PART + 17)
const inParts = { multipartThresholdBytes: PART, partSizeBytes: PART, parallel: 1 }

function fileOf(bytes: Uint8Array, name = 'holiday.mp4', lastModified = 1_000): File {
  return new File([Uint8Array.from(bytes)], name, { lastModified })
}

function newStore(waitMs = 0): IndexedDbCheckpointStore {
  return new IndexedDbCheckpointStore({ database: `tests ${crypto.randomUUID()}`, waitMs })
}

async function expectStored(transport: MemoryTransport, bytes: Uint8Array = data): Promise<void> {
  expect(difference(await memoryBucket({ transport }).bucket.getBytes('a'), bytes)).toBeUndefined()
  expect(await pendingUploads(transport)).toBe(0)
}

/** A handle of a file that the page made. */
async function handleOf(bytes: Uint8Array): Promise<FileSystemFileHandle> {
  const root = await navigator.storage.getDirectory()
  const handle = await root.getFileHandle(`upload ${crypto.randomUUID()}`, { create: true })
  await write(handle, bytes)
  return handle
}

async function write(handle: FileSystemFileHandle, bytes: Uint8Array): Promise<void> {
  const writable = await handle.createWritable()
  await writable.write(Uint8Array.from(bytes))
  await writable.close()
}

/** An upload that ends after three parts, and what it left. */
async function interrupted(file: File, made: Partial<CryptoBucketOptions> = {}, options: UploadOptions = {}) {
  const { bucket, transport, log } = memoryBucket(made)
  const checkpointStore = newStore()
  transport.intercept = ({ partNumber }) => {
    if (partNumber === 4) throw denied
  }
  await expect(uploadFile(bucket, 'a', file, { ...inParts, checkpointStore, ...options })).rejects.toBe(
    denied,
  )
  transport.intercept = undefined
  transport.requests.length = 0
  log.length = 0
  return { bucket, transport: transport as MemoryTransport, log, checkpointStore }
}

afterEach(() => {
  document.body.replaceChildren()
})

describe.each(['aes-ctr', 'sealed'] as const)('a file, in the format %s,', (format) => {
  test.each([0, 1, PART - 1, PART, PART + 1, data.length])('of %i bytes is stored', async (size) => {
    const { bucket, transport } = memoryBucket({ format })
    const options = { ...inParts, metadata: { author: 'me' }, contentType: 'video/mp4' }
    const result = await uploadFile(bucket, 'a', fileOf(data.subarray(0, size)), options)
    expect(result).toMatchObject({ key: 'a', sizeBytes: size, resumedBytes: 0 })
    await expectStored(transport, data.subarray(0, size))
    expect(await bucket.head('a')).toMatchObject({ metadata: { author: 'me' }, contentType: 'video/mp4' })
  })

  test('that was interrupted resumes when the user selects it again', async () => {
    const { bucket, transport, log, checkpointStore } = await interrupted(fileOf(data), { format })
    const { resumedBytes } = await uploadFile(bucket, 'a', fileOf(data), { ...inParts, checkpointStore })
    expect(resumedBytes).toBeGreaterThan(2 * PART)
    expect(log.map(({ type }) => type)).toEqual(['resume'])
    await expectStored(transport)
  })

  test('that was interrupted resumes under a public key alone', async () => {
    const keyring = new Keyring({ encrypting: createTestProvider({ encryptOnly: true }) })
    const { bucket, transport, log, checkpointStore } = await interrupted(fileOf(data), { format, keyring })
    await uploadFile(bucket, 'a', fileOf(data), { ...inParts, checkpointStore })
    expect(log.map(({ type }) => type)).toEqual(['resume'])
    await expectStored(transport)
  })

  test('that was changed and selected again is uploaded from the start, and the old parts are freed', async () => {
    const { bucket, transport, log, checkpointStore } = await interrupted(fileOf(data), { format })
    const other = data.map((byte) => byte ^ 1)
    const file = fileOf(other, 'holiday.mp4', 2_000)
    const { resumedBytes } = await uploadFile(bucket, 'a', file, { ...inParts, checkpointStore })
    expect(resumedBytes).toBe(0)
    expect(log.map(({ type }) => type)).toEqual(['restart'])
    await expectStored(transport, other)
  })

  test('that was changed without a trace is never mixed with what was sent', async () => {
    const { bucket, transport, log, checkpointStore } = await interrupted(fileOf(data), { format })
    const other = data.map((byte) => byte ^ 1)
    await uploadFile(bucket, 'a', fileOf(other), { ...inParts, checkpointStore })
    expect(log.map(({ type }) => type)).toEqual(['restart'])
    await expectStored(transport, other)
  })
})

describe('a file', () => {
  test.each([
    '',
    ' ',
    '__proto__',
    'constructor',
    '\ud800',
    '../../etc/passwd',
    'Größe 😀\u0000\n"\\.txt',
    'x'.repeat(256),
  ])('with the name %j resumes', async (name) => {
    const { bucket, transport, checkpointStore } = await interrupted(fileOf(data, name))
    const file = fileOf(data, name)
    const { resumedBytes } = await uploadFile(bucket, 'a', file, { ...inParts, checkpointStore })
    expect(resumedBytes).toBe(3 * PART)
    await expectStored(transport)
  })

  test('with another name is another upload', async () => {
    const { bucket, checkpointStore } = await interrupted(fileOf(data))
    const file = fileOf(data, 'other.mp4')
    const { resumedBytes } = await uploadFile(bucket, 'a', file, { ...inParts, checkpointStore })
    expect(resumedBytes).toBe(0)
  })

  test('that changes on disk before it is read is refused, and nothing is stored', async () => {
    const path = `node_modules/.vite/changed-${crypto.randomUUID()}.bin`
    await commands.writeFile(path, 'first '.repeat(60_000))
    const input = document.createElement('input')
    input.type = 'file'
    document.body.append(input)
    await userEvent.upload(input, path)
    const [file] = input.files ?? []
    try {
      for (const options of [inParts, {}]) {
        await commands.writeFile(path, 'second '.repeat(60_000))
        const { bucket, transport } = memoryBucket()
        await expect(uploadFile(bucket, 'a', file as File, options)).rejects.toEqual(
          code('ERR_CSE_SOURCE_CHANGED'),
        )
        expect(transport.objects.size).toBe(0)
        expect(await pendingUploads(transport)).toBe(0)
      }
    } finally {
      await commands.removeFile(path)
    }
  })

  test('is not read after an abort, and its upload is resumed later', async () => {
    const { bucket, transport } = memoryBucket()
    const checkpointStore = newStore()
    const controller = new AbortController()
    const reason = new Error('stop')
    transport.intercept = ({ partNumber }) => {
      if (partNumber === 3) controller.abort(reason)
    }
    const { signal } = controller
    await expect(uploadFile(bucket, 'a', fileOf(data), { ...inParts, checkpointStore, signal })).rejects.toBe(
      reason,
    )
    await expect(uploadFile(bucket, 'a', fileOf(data), { signal })).rejects.toBe(reason)
    transport.intercept = undefined
    const { resumedBytes } = await uploadFile(bucket, 'a', fileOf(data), { ...inParts, checkpointStore })
    expect(resumedBytes).toBeGreaterThanOrEqual(2 * PART)
    await expectStored(transport)
  })
})

describe('a Blob', () => {
  test('is stored, and resumed by the key of its object', async () => {
    const { bucket, transport, checkpointStore } = await interrupted(
      new Blob([Uint8Array.from(data)]) as File,
    )
    const blob = new Blob([Uint8Array.from(data)])
    const { resumedBytes } = await uploadFile(bucket, 'a', blob, { ...inParts, checkpointStore })
    expect(resumedBytes).toBe(3 * PART)
    await expectStored(transport)
  })
})

describe('a handle', () => {
  test('is stored', async () => {
    const { bucket, transport } = memoryBucket()
    await uploadFile(bucket, 'a', await handleOf(data), inParts)
    await expectStored(transport)
  })

  test('whose file changes during the upload is refused, and nothing is stored', async () => {
    const { bucket, transport } = memoryBucket()
    const handle = await handleOf(data)
    let changed: Promise<void> | undefined
    transport.intercept = async ({ partNumber }) => {
      if (partNumber !== 3) return
      changed ??= write(handle, data.subarray(1))
      await changed
    }
    await expect(uploadFile(bucket, 'a', handle, inParts)).rejects.toEqual(code('ERR_CSE_SOURCE_CHANGED'))
    expect(transport.objects.size).toBe(0)
    expect(await pendingUploads(transport)).toBe(0)
  })

  test('whose file is gone is refused before any request', async () => {
    const { bucket, transport } = memoryBucket()
    const handle = await handleOf(data)
    await (await navigator.storage.getDirectory()).removeEntry(handle.name)
    await expect(uploadFile(bucket, 'a', handle)).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    expect(transport.requests).toEqual([])
  })

  test('of a directory is refused, as is anything else', async () => {
    const { bucket } = memoryBucket()
    const directory = await navigator.storage.getDirectory()
    for (const input of [directory, undefined, null, 'a', 1, {}, new Uint8Array()]) {
      await expect(uploadFile(bucket, 'a', input as unknown as File)).rejects.toEqual(
        code('ERR_CSE_INVALID_ARGUMENT'),
      )
    }
  })
})

describe('a page', () => {
  /** What uploads the file in another page, and resolves when its third part has arrived. */
  async function uploadIn(
    page: Awaited<ReturnType<typeof openPage>>,
    transport: MemoryTransport,
    database: string,
  ) {
    const { CryptoBucket, createTestProvider, IndexedDbCheckpointStore, uploadFile } = page.modules
    const bucket = new CryptoBucket({ transport, provider: createTestProvider({ encryptOnly: true }) })
    const arrived = new Promise<void>((resolve) => {
      transport.intercept = ({ partNumber }) => {
        if (partNumber !== 4) return
        resolve()
        return new Promise(() => {})
      }
    })
    const checkpointStore = new IndexedDbCheckpointStore({ database })
    void uploadFile(bucket, 'a', fileOf(data), { ...inParts, checkpointStore }).catch(() => {})
    await arrived
    transport.intercept = undefined
  }

  test('that is closed in mid-upload leaves an upload that another page resumes', async () => {
    const { bucket, transport } = memoryBucket({ provider: createTestProvider({ encryptOnly: true }) })
    const database = `tests ${crypto.randomUUID()}`
    const page = await openPage()
    await uploadIn(page, transport, database)
    page.close()
    // The lock may be held for a moment longer.
    const checkpointStore = new IndexedDbCheckpointStore({ database, waitMs: 60_000 })
    const { resumedBytes } = await uploadFile(bucket, 'a', fileOf(data), { ...inParts, checkpointStore })
    expect(resumedBytes).toBe(3 * PART)
    await expectStored(transport)
  })

  test('that uploads the same file as another page is refused', async () => {
    const { bucket, transport } = memoryBucket()
    const database = `tests ${crypto.randomUUID()}`
    const page = await openPage()
    await uploadIn(page, transport, database)
    const checkpointStore = new IndexedDbCheckpointStore({ database, waitMs: 0 })
    const upload = uploadFile(bucket, 'a', fileOf(data), { ...inParts, checkpointStore })
    await expect(upload).rejects.toEqual(code('ERR_CSE_CHECKPOINT_IN_USE'))
    page.close()
  })
})
