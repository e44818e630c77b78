import { once } from 'node:events'
import { type BigIntStats, createReadStream, existsSync, type Stats } from 'node:fs'
import {
  chmod,
  type FileHandle,
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
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { TransportError } from '@oss-cse/crypto-core'
import { createTestProvider, MemoryTransport } from '@oss-cse/crypto-core/testing'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { chunked, difference, pattern } from '../../test/bytes.ts'
import { CryptoBucket } from '../crypto-bucket.ts'
import { downloadFile } from './download-file.node.ts'
import { putFile, uploadFile } from './upload-file.node.ts'

const code = (value: string) => expect.objectContaining({ code: value })
let directory: string
let transport: MemoryTransport
let bucket: CryptoBucket

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'oss-cse-'))
  transport = new MemoryTransport()
  bucket = new CryptoBucket({
    transport,
    provider: createTestProvider(),
    retry: { minDelayMs: 0, maxDelayMs: 0 },
  })
})
afterEach(() => rm(directory, { recursive: true, force: true }))

test('a file of any size is read back unchanged', async () => {
  for (const size of [0, 1, 1_048_575, 1_048_576, 2_500_001]) {
    await writeFile(join(directory, 'in'), pattern(size))
    await uploadFile(bucket, 'a', join(directory, 'in'))
    const result = await downloadFile(bucket, 'a', join(directory, 'out'))
    expect(result).toMatchObject({ sizeBytes: size, verification: 'crc64' })
    expect(difference(await readFile(join(directory, 'out')), pattern(size))).toBeUndefined()
    expect((await readdir(directory)).sort()).toEqual(['in', 'out'])
  }
})

test('putFile sends a file of any size in one request, and again when that fails', async () => {
  const path = join(directory, 'in')
  await writeFile(path, pattern(12 * 1024 ** 2))
  let failures = 1
  transport.intercept = ({ operation }) => {
    if (operation === 'put' && failures-- > 0)
      throw new TransportError('ERR_CSE_NETWORK', 'lost', { retryable: true })
  }
  const result = await putFile(bucket, 'a', path, { metadata: { owner: 'ops' } })
  expect(result).toMatchObject({ sizeBytes: 12 * 1024 ** 2, verification: 'crc64' })
  expect(transport.requests.map(({ operation }) => operation)).toEqual(['put', 'put'])
  expect(difference(await bucket.getBytes('a'), pattern(12 * 1024 ** 2))).toBeUndefined()
  expect((await bucket.head('a')).metadata).toEqual({ owner: 'ops' })
})

test('putFile of a file that changes during the upload stores nothing', async () => {
  const path = join(directory, 'in')
  await writeFile(path, pattern(3_000_000))
  const put = transport.put.bind(transport)
  transport.put = async (request) => {
    const body = {
      ...request.body,
      async *open() {
        let first = true
        for await (const chunk of request.body.open()) {
          if (first) await writeFile(path, pattern(3_000_001).subarray(1))
          first = false
          yield chunk
        }
      },
    }
    return put({ ...request, body })
  }
  await expect(putFile(bucket, 'a', path)).rejects.toThrow(code('ERR_CSE_SOURCE_CHANGED'))
  expect(await bucket.exists('a')).toBe(false)
})

/** Makes the file system report another length for each file that is opened. */
async function tellLength(sizeBytes: number): Promise<void> {
  const some = await open(join(directory, 'in'))
  const prototype = Object.getPrototypeOf(some) as FileHandle
  await some.close()
  const { stat: real } = prototype
  vi.spyOn(prototype, 'stat').mockImplementation(async function (this: FileHandle, options?: object) {
    const found = (await real.call(this, options as never)) as Stats | BigIntStats
    return Object.assign(found, { size: typeof found.size === 'bigint' ? BigInt(sizeBytes) : sizeBytes })
  } as never)
  onTestFinished(() => void vi.restoreAllMocks())
}

test.each([
  ['putFile', putFile],
  ['uploadFile', uploadFile],
] as const)('%s reads a file to its real end if the file system reports no content', async (_, send) => {
  for (const size of [1, 1_048_576, 1_500_001]) {
    await writeFile(join(directory, 'in'), pattern(size))
    await tellLength(0)
    const result = await send(bucket, 'a', join(directory, 'in'), { metadata: { m: '1' } })
    expect(result).toMatchObject({ sizeBytes: size, verification: 'crc64' })
    expect(difference(await bucket.getBytes('a'), pattern(size))).toBeUndefined()
    expect(await bucket.head('a')).toMatchObject({ metadata: { m: '1' } })
    vi.restoreAllMocks()
  }
})

test.each([
  ['putFile', putFile, {}],
  ['uploadFile, in one put', uploadFile, {}],
  ['uploadFile, in parts', uploadFile, { multipartThresholdBytes: 0, partSizeBytes: 100 * 1024 }],
] as const)(
  '%s fails if a file does not end where the file system reports, and stores nothing',
  async (_, send, options) => {
    await writeFile(join(directory, 'in'), pattern(250_000))
    for (const told of [1, 249_999, 250_001, 400_000]) {
      await tellLength(told)
      await expect(send(bucket, 'a', join(directory, 'in'), options)).rejects.toEqual(code('ERR_CSE_SOURCE'))
      vi.restoreAllMocks()
    }
    expect(transport.objects.size).toBe(0)
  },
)

// Only if there is such a file system: it reports a length of 0.
test.runIf(existsSync('/proc/self/status'))('a file of procfs is uploaded with its content', async () => {
  for (const send of [putFile, uploadFile]) {
    await send(bucket, 'a', '/proc/self/status')
    expect(new TextDecoder().decode(await bucket.getBytes('a'))).toMatch(/^Name:/)
  }
})

test('putFile refuses anything but a file before any request', async () => {
  for (const path of [directory, join(directory, 'none')]) {
    await expect(putFile(bucket, 'a', path)).rejects.toThrow(code('ERR_CSE_INVALID_ARGUMENT'))
  }
  expect(transport.requests).toEqual([])
})

test('a file stream of Node.js is a stream like any other', async () => {
  await writeFile(join(directory, 'in'), pattern(200_000))
  await bucket.put('a', createReadStream(join(directory, 'in')))
  expect(await bucket.getBytes('a')).toEqual(pattern(200_000))
})

test('a file stream is closed when the upload fails before it was read', async () => {
  await writeFile(join(directory, 'in'), pattern(5))
  const stream = createReadStream(join(directory, 'in'))
  const closed = once(stream, 'close')
  transport.intercept = () => {
    throw new TransportError('ERR_CSE_NETWORK', 'reset', { retryable: false })
  }
  await expect(bucket.put('a', stream)).rejects.toThrow('reset')
  await closed
})

test('an upload that failed reads the file again', async () => {
  await writeFile(join(directory, 'in'), pattern(100_000))
  let failures = 2
  transport.intercept = () => {
    if (failures-- > 0) throw new TransportError('ERR_CSE_NETWORK', 'reset', { retryable: true })
  }
  await uploadFile(bucket, 'a', join(directory, 'in'))
  expect(await bucket.getBytes('a')).toEqual(pattern(100_000))
})

test('a file that does not exist, or is not a file, is refused before any request', async () => {
  await expect(uploadFile(bucket, 'a', join(directory, 'none'))).rejects.toEqual(
    code('ERR_CSE_INVALID_ARGUMENT'),
  )
  await expect(uploadFile(bucket, 'a', directory)).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
  expect(transport.requests).toEqual([])
})

test('a file that shrinks while it is sent fails, and the object stays unchanged', async () => {
  await bucket.put('a', 'old')
  const path = join(directory, 'in')
  await writeFile(path, pattern(5_000_000))
  const put = transport.put.bind(transport)
  transport.put = async (request) => {
    await truncate(path, 1000)
    return put(request)
  }
  await expect(uploadFile(bucket, 'a', path)).rejects.toEqual(code('ERR_CSE_SOURCE_CHANGED'))
  expect(new TextDecoder().decode(await bucket.getBytes('a'))).toBe('old')
})

test('a download that fails at any point keeps the old file and leaves nothing else', async () => {
  await bucket.put('a', pattern(500_000))
  await writeFile(join(directory, 'out'), 'old')
  const stored = transport.objects.get('a')
  if (stored === undefined) throw new Error('nothing is stored')
  const failures: (() => void)[] = [
    () => {
      transport.intercept = () => {
        throw new TransportError('ERR_CSE_ACCESS_DENIED', 'no', { retryable: false })
      }
    },
    () => transport.objects.set('a', { ...stored, crc64: 1n }),
    () => transport.objects.set('a', { ...stored, headers: {} }),
    () => {
      transport.alterGet = (response) => ({ ...response, body: chunked(pattern(500_001), 1000) })
    },
  ]
  for (const fail of failures) {
    transport.intercept = undefined
    transport.alterGet = undefined
    transport.objects.set('a', stored)
    fail()
    await expect(downloadFile(bucket, 'a', join(directory, 'out'))).rejects.toHaveProperty('code')
    expect(await readFile(join(directory, 'out'), 'utf8')).toBe('old')
    expect(await readdir(directory)).toEqual(['out'])
  }
})

test('an aborted download leaves no file', async () => {
  await bucket.put('a', pattern(3_000_000))
  const controller = new AbortController()
  const onProgress = () => controller.abort(new Error('stop'))
  await expect(
    downloadFile(bucket, 'a', join(directory, 'out'), { signal: controller.signal, onProgress }),
  ).rejects.toThrow('stop')
  expect(await readdir(directory)).toEqual([])
})

test('a path where no file can be created is refused before any request', async () => {
  await bucket.put('a', 'x')
  transport.requests.length = 0
  await expect(downloadFile(bucket, 'a', join(directory, 'none', 'out'))).rejects.toEqual(
    code('ERR_CSE_INVALID_ARGUMENT'),
  )
  expect(transport.requests).toEqual([])
})

test('anything but a regular file is not replaced, and nothing is requested', async () => {
  await bucket.put('a', 'x')
  transport.requests.length = 0
  await mkdir(join(directory, 'folder'))
  for (const path of [join(directory, 'folder'), '/dev/null']) {
    await expect(downloadFile(bucket, 'a', path)).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
  }
  expect(transport.requests).toEqual([])
})

test('a link is followed: its target is replaced', async () => {
  await bucket.put('a', pattern(10))
  await writeFile(join(directory, 'file'), 'old')
  await symlink(join(directory, 'file'), join(directory, 'link'))
  await downloadFile(bucket, 'a', join(directory, 'link'))
  expect(new Uint8Array(await readFile(join(directory, 'file')))).toEqual(pattern(10))
  expect((await lstat(join(directory, 'link'))).isSymbolicLink()).toBe(true)
})

test('the longest possible name of a file works', async () => {
  await bucket.put('a', pattern(10))
  await downloadFile(bucket, 'a', join(directory, 'n'.repeat(255)))
  expect(await readdir(directory)).toEqual(['n'.repeat(255)])
})

test('a Readable that was read or destroyed is refused', async () => {
  const read = Readable.from([Buffer.from('x')])
  for await (const _ of read);
  const destroyed = Readable.from([Buffer.from('x')]).destroy()
  for (const stream of [read, destroyed]) {
    await expect(bucket.put('a', stream)).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
  }
  expect(transport.requests).toEqual([])
})

test('a range is downloaded into a file', async () => {
  await bucket.put('a', pattern(1000))
  const result = await downloadFile(bucket, 'a', join(directory, 'out'), { range: '-10' })
  expect(result.contentRange).toBe('bytes 990-999/1000')
  expect(new Uint8Array(await readFile(join(directory, 'out')))).toEqual(pattern(1000).subarray(990))
})

test('a replaced file keeps its permissions', async () => {
  await bucket.put('a', pattern(10))
  await writeFile(join(directory, 'out'), 'old')
  await chmod(join(directory, 'out'), 0o600)
  await downloadFile(bucket, 'a', join(directory, 'out'))
  const { mode } = await stat(join(directory, 'out'))
  expect(mode & 0o777).toBe(0o600)
})
