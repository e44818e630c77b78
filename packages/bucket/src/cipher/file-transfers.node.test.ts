import {
  appendFileSync,
  closeSync,
  openSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { availableParallelism } from 'node:os'
import { CseError, type GetObjectResponse, TransportError } from '@oss-cse/crypto-core'
import { V2_HEADERS } from '@oss-cse/crypto-core/internal'
import { MemoryTransport } from '@oss-cse/crypto-core/testing'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { broken } from '../../test/bytes.ts'
import {
  FILE_PART,
  type FileTransfer,
  FileTransfers,
  FORMATS,
  FORMATTED_TRANSFERS,
  fileData,
  isByWorker,
} from '../../test/file-transfers.ts'
import { watchBodies, watchMessages } from '../../test/file-workers.ts'
import { MemoryTarget } from '../../test/memory-target.ts'
import { lost, operations } from '../../test/multipart.ts'
import { openFilesBelow } from '../../test/open-files.ts'
import type { WorkerMemoryTransport } from '../../test/worker-memory-transport.ts'
import { CONTENT_LENGTHS } from '../policy/content-lengths.ts'
import type { Progress } from '../policy/progress.ts'
import type { FileCipherRequest } from './file-cipher-messages.node.ts'
import type { WritableFile } from './run-target.ts'

const MIB = 1024 ** 2
const code = (value: string) => expect.objectContaining({ code: value })
const otherData = fileData.map((byte) => byte ^ 0x55)
const refusal = new TransportError('ERR_CSE_ACCESS_DENIED', 'denied', {
  status: 403,
  serviceCode: 'AccessDenied',
  requestId: '5F3C',
  ec: '0003-00000001',
  retryable: false,
})
const throttled = new TransportError('ERR_CSE_THROTTLED', 'slow down', {
  status: 503,
  serviceCode: 'SlowDown',
  requestId: '5F3D',
  retryable: true,
})

let at: FileTransfers

beforeEach(async () => {
  at = await FileTransfers.begin()
})
afterEach(async () => {
  vi.restoreAllMocks()
  await at.end()
})

/** The outcome of a transfer, as a caller sees it, and its log. */
async function outcomeOf(
  transfer: FileTransfer,
  on: FileTransfers<MemoryTransport>,
  arrange: (transport: MemoryTransport) => void,
) {
  try {
    await on.prepare(transfer)
    arrange(on.transport)
    const result = await on[transfer]().then(
      ({ verification }) => ({ verification }),
      (error: CseError) => ({ ...error, message: error.message, isOurs: CseError.isInstance(error) }),
    )
    return { result, log: on.log, requests: operations(on.transport), files: await on.files() }
  } finally {
    await on.end()
  }
}

/** Changes the file before a thread gets its first job of a kind. */
function changeBefore(type: FileCipherRequest['type'], change: () => void): void {
  let changed = false
  watchMessages((request) => {
    if (request.type === type && !changed) {
      changed = true
      change()
    }
    return true
  })
}

describe.runIf(availableParallelism() > 1).each(FORMATS)('a put by a worker, %s', (format) => {
  beforeEach(async () => {
    await at.end()
    at = await FileTransfers.begin(undefined, { format })
  })

  test('stores the encrypted file with one request, verified, with all its headers', async () => {
    const progress: Progress[] = []
    const result = await at.put({
      metadata: { author: 'ops' },
      contentType: 'text/plain',
      onProgress: (event) => progress.push(event),
    })
    expect(at.transport.prepared.map(({ operation }) => operation)).toEqual(['put'])
    expect(operations(at.transport)).toEqual(['put'])
    await at.expectDone('put')
    expect(at.transport.objects.get('a')?.headers).toMatchObject({
      'x-oss-meta-author': 'ops',
      'content-type': 'text/plain',
    })
    expect(at.transport.objects.get('a')?.headers).toHaveProperty(V2_HEADERS.wrappedCek)
    const crc64 = String(at.transport.objects.get('a')?.crc64)
    expect(result).toMatchObject({ key: 'a', sizeBytes: fileData.length, verification: 'crc64', crc64 })
    const steps = progress.map(({ transferredBytes }) => transferredBytes)
    expect(steps[0]).toBe(0)
    expect(steps).toEqual(steps.toSorted((a, b) => a - b))
    expect(steps.at(-1)).toBe(fileData.length)
    expect(await openFilesBelow(at.directory)).toBe(0)
  })

  test('returns the response of the callback server', async () => {
    const callbackData = new TextEncoder().encode('{"Status":"OK"}')
    watchBodies(at.transport, (response) => ({ ...response, data: callbackData }))
    const { callbackData: returned } = await at.put({ headers: { 'x-oss-callback': 'e30=' } })
    expect(returned).toEqual(callbackData)
    expect(at.transport.prepared).toHaveLength(1)
    expect(at.transport.requests[0]?.headers).toMatchObject({ 'x-oss-callback': 'e30=' })
  })

  test.each([
    ['is touched', () => utimesSync(at.here('in'), 1, 1), 'ERR_CSE_SOURCE_CHANGED'],
    ['grows', () => appendFileSync(at.here('in'), 'x'), 'ERR_CSE_SOURCE_CHANGED'],
    ['shrinks', () => truncateSync(at.here('in'), 3 * MIB), 'ERR_CSE_SOURCE'],
    [
      'gets other bytes and its old time',
      () => {
        const { atime, mtime } = statSync(at.here('in'))
        writeFileSync(at.here('in'), otherData)
        utimesSync(at.here('in'), atime, mtime)
      },
      'ERR_CSE_SOURCE_CHANGED',
    ],
  ])('stores nothing if the file %s meanwhile, and keeps the old object', async (_what, change, expected) => {
    await at.bucket.put('a', 'old')
    const bodies = watchBodies(at.transport)
    changeBefore('put', change)
    await expect(at.put()).rejects.toMatchObject({ code: expected, objectKey: 'a' })
    expect(at.transport.prepared).toHaveLength(1)
    expect(bodies).toEqual([])
    expect(new TextDecoder().decode(await at.bucket.getBytes('a'))).toBe('old')
    expect(await openFilesBelow(at.directory)).toBe(0)
  })

  test('that failed is sent again under another key', async () => {
    const bodies = watchBodies(at.transport, (response, n) => {
      if (n === 1) throw throttled
      return response
    })
    await at.put()
    const wrapped = at.transport.prepared.map(({ headers }) => headers[V2_HEADERS.wrappedCek])
    expect(wrapped).toHaveLength(2)
    expect(new Set([undefined, ...wrapped]).size).toBe(3)
    const [first, second] = bodies.map(({ bytes }) => bytes)
    const storedBytes = CONTENT_LENGTHS[format].stored(fileData.length)
    expect([first?.length, second?.length]).toEqual([storedBytes, storedBytes])
    // Under one key they would be equal, because the plaintext is.
    expect(Buffer.compare(first?.subarray(0, 32) ?? fileData, second?.subarray(0, 32) ?? fileData)).not.toBe(
      0,
    )
    expect(Buffer.compare(first?.subarray(-17) ?? fileData, second?.subarray(-17) ?? fileData)).not.toBe(0)
    await at.expectDone('put')
  })

  test('whose response was lost is recognized if it may not be overwritten', async () => {
    watchBodies(at.transport, (response, n) => {
      if (n === 1) throw lost
      return response
    })
    const result = await at.put({ headers: { 'x-oss-forbid-overwrite': 'true' } })
    expect(operations(at.transport)).toEqual(['put', 'put', 'head'])
    expect(at.transport.prepared).toHaveLength(2)
    expect(result).toMatchObject({ verification: 'crc64', sizeBytes: fileData.length })
    expect(result.crc64).toBe(String(at.transport.objects.get('a')?.crc64))
    await at.expectDone('put')
  })

  test('is not taken for the object of another writer', async () => {
    await at.bucket.put('a', 'old')
    const put = at.put({ headers: { 'x-oss-forbid-overwrite': 'true' } })
    await expect(put).rejects.toMatchObject({ code: 'ERR_CSE_PRECONDITION_FAILED', status: 409 })
    expect(new TextDecoder().decode(await at.bucket.getBytes('a'))).toBe('old')
  })

  test.each([
    [
      'reads the body twice',
      'for await (const _ of body.open()); return { status: 200, headers: { etag: "stored" } }',
    ],
    ['reads the body, and leaves the request to this thread', 'return undefined'],
  ])('fails if its transport %s, because that would be a second pass', async (_what, then) => {
    const code = `export async function put(data, { body }) {
      for await (const _ of body.open()) break
      ${then}
    }`
    const module = `data:text/javascript,${encodeURIComponent(code)}`
    at.transport.workerSide = async () => ({ module, data: undefined })
    await expect(at.put()).rejects.toMatchObject({ code: 'ERR_CSE_CIPHER_REUSED', objectKey: 'a' })
    await at.expectNothing('put')
  })

  test('is sent again if the service stored other bytes', async () => {
    const bodies = watchBodies(at.transport, (response, n) =>
      n > 1 ? response : { ...response, headers: { 'x-oss-hash-crc64ecma': '1' } },
    )
    await at.put()
    expect(bodies).toHaveLength(2)
    expect(at.log).toEqual([
      { type: 'retry', operation: 'put', key: 'a', attempt: 1, code: 'ERR_CSE_INTEGRITY' },
    ])
    await at.expectDone('put')
  })

  test.each([
    ['each time', {}, 4],
    ['and may not be overwritten', { 'x-oss-forbid-overwrite': 'true' }, 1],
  ])('fails if the service stored other bytes %s', async (_when, headers, attempts) => {
    const bodies = watchBodies(at.transport, (response) => ({
      ...response,
      headers: { 'x-oss-hash-crc64ecma': '1' },
    }))
    await expect(at.put({ headers })).rejects.toMatchObject({
      code: 'ERR_CSE_INTEGRITY',
      objectKey: 'a',
    })
    expect(bodies).toHaveLength(attempts)
  })
})

describe.runIf(availableParallelism() > 1).each(FORMATTED_TRANSFERS)(
  'the failure of a request of a worker: %s, %s',
  (operation, format) => {
    beforeEach(async () => {
      await at.end()
      at = await FileTransfers.begin(undefined, { format })
    })

    /** Fails the requests of a worker, but not all. */
    function failing(error: Error, times = Number.POSITIVE_INFINITY) {
      return (on: MemoryTransport): void => {
        let failures = 0
        on.intercept = (request) => {
          if (!isByWorker(request) || failures >= times) return
          failures += 1
          throw error
        }
      }
    }

    test.each([
      ['a refusal', refusal],
      ['a temporary failure', throttled],
      ['a broken connection', lost],
    ])('has the same outcome and the same log as without workers: %s', async (_what, error) => {
      const byWorkers = await outcomeOf(
        operation,
        await FileTransfers.begin(undefined, { format }),
        failing(error),
      )
      const without = await FileTransfers.begin(new MemoryTransport(), { format })
      const inPlace = await outcomeOf(operation, without, failing(error))
      expect(byWorkers.result).toMatchObject({ code: error.code })
      expect(byWorkers).toEqual(inPlace)
    })

    test('has all that the service said', async () => {
      const { result } = await outcomeOf(
        operation,
        await FileTransfers.begin(undefined, { format }),
        failing(refusal),
      )
      const { name, ...fields } = refusal
      expect(result).toMatchObject({ ...fields, isOurs: true })
    })

    test('is retried and logged with operation, key, code and request id', async () => {
      await at.prepare(operation)
      failing(throttled, 1)(at.transport)
      await at[operation]()
      expect(at.log).toEqual([
        { type: 'retry', operation, key: 'a', attempt: 1, code: 'ERR_CSE_THROTTLED', requestId: '5F3D' },
      ])
      await at.expectDone(operation)
      expect(at.transport.prepared.length).toBeGreaterThan(1)
    })

    test('is what the transport makes of it in the thread that prepared it', async () => {
      await at.prepare(operation)
      const judged: unknown[] = []
      at.transport.failed = (error) => {
        judged.push(error)
        return TransportError.with(error as TransportError, { message: 'judged', retryable: true })
      }
      failing(refusal, 1)(at.transport)
      await at[operation]()
      await at.expectDone(operation)
      expect(judged).toMatchObject([{ code: refusal.code, requestId: refusal.requestId, retryable: false }])
      expect(judged[0]).toBeInstanceOf(TransportError)
      expect(at.log).toMatchObject([{ operation, code: refusal.code }])
      // A second refusal is final: the newer credentials are no better.
      failing(refusal)(at.transport)
      await expect(at[operation]()).rejects.toMatchObject({ code: refusal.code, message: 'judged' })
      expect(judged).toHaveLength(3)
    })

    test('is what the transport throws when it judges it', async () => {
      await at.prepare(operation)
      at.transport.failed = () => {
        throw new CseError('ERR_CSE_OPERATION_REFUSED', 'never')
      }
      failing(lost)(at.transport)
      await expect(at[operation]()).rejects.toMatchObject({
        code: 'ERR_CSE_OPERATION_REFUSED',
        message: expect.stringContaining('never'),
      })
    })
  },
)

describe.runIf(availableParallelism() > 1)('a connection that breaks in the middle of a response', () => {
  test('fails a download by a worker with the error that the transport made of it', async () => {
    await at.prepare('get')
    const judged: unknown[] = []
    at.transport.failed = (error) => {
      judged.push(error)
      return error
    }
    at.transport.alterGet = (response, { headers }) =>
      isByWorker({ operation: 'get', key: 'a', headers })
        ? { ...response, body: broken(response.body, 0, lost) }
        : response
    const error = await at.get().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: lost.code })
    expect(judged.includes(error)).toBe(true)
  })
})

describe.runIf(availableParallelism() > 1)('a range that a worker requests', () => {
  /** The ranges and conditions that workers sent, in their order. */
  const sent = () =>
    at.transport.prepared.map(({ headers }) => ({ range: headers['range'], ifMatch: headers['if-match'] }))
  const etag = () => at.transport.objects.get('a')?.etag
  const second = `bytes=${FILE_PART}-${2 * FILE_PART - 1}`
  const third = `bytes=${2 * FILE_PART}-${fileData.length - 1}`

  /** Changes the responses to the second range, at most so many times. */
  function alterSecond(alter: (response: GetObjectResponse) => GetObjectResponse, times = 1): void {
    let altered = 0
    at.transport.alterGet = (response, { headers }) => {
      if (headers['range'] !== second || altered >= times) return response
      altered += 1
      return alter(response)
    }
  }

  beforeEach(async () => {
    await at.prepare('get')
    at.transport.prepared.length = 0
  })

  test('is of the same object: each request names its ETag', async () => {
    const result = await at.get()
    await at.expectDone('get')
    expect(result).toMatchObject({ verification: 'crc64', sizeBytes: fileData.length })
    expect(sent()).toEqual([
      { range: second, ifMatch: etag() },
      { range: third, ifMatch: etag() },
    ])
  })

  test('is of the version that was requested, with all headers of the caller', async () => {
    await at.get({ versionId: 'v7', headers: { 'x-oss-request-payer': 'requester' } })
    for (const request of at.transport.prepared) {
      expect(request).toMatchObject({ versionId: 'v7', headers: { 'x-oss-request-payer': 'requester' } })
    }
    expect(at.transport.prepared).toHaveLength(2)
  })

  test.each(['refuses', 'ignores'])(
    'restarts if the object is replaced, and a server %s the condition',
    async (how) => {
      const before = etag()
      at.transport.intercept = async ({ headers }) => {
        if (headers['range'] !== third) return
        at.transport.intercept = undefined
        await at.bucket.put('a', otherData)
        if (how === 'ignores') ignoreIfMatch()
      }
      await at.get()
      await at.expectDone('get', otherData)
      expect(at.log).toMatchObject([{ type: 'restart' }])
      expect(sent().map(({ ifMatch }) => ifMatch)).toEqual([before, before, etag(), etag()])
    },
  )

  test.each(['refuses', 'ignores'])(
    'fails if the object is replaced and that is asked for, and a server %s the condition',
    async (how) => {
      at.transport.intercept = async ({ headers }) => {
        if (headers['range'] !== third) return
        at.transport.intercept = undefined
        await at.bucket.put('a', otherData)
        if (how === 'ignores') ignoreIfMatch()
      }
      await expect(at.get({ onObjectChanged: 'fail' })).rejects.toMatchObject({
        code: 'ERR_CSE_PRECONDITION_FAILED',
        objectKey: 'a',
      })
      await at.expectNothing('get')
    },
  )

  /** From now on the server sends the bytes whatever their ETag is. */
  function ignoreIfMatch(): void {
    const get = at.transport.get.bind(at.transport)
    at.transport.get = ({ headers: { 'if-match': _, ...headers }, ...request }) =>
      get({ ...request, headers })
  }

  test.each([0, 1, 70_000, FILE_PART - 1])(
    'is resumed at the same byte after a broken connection: %i bytes',
    async (bytes) => {
      alterSecond((response) => ({ ...response, body: broken(response.body, bytes, lost) }))
      await at.get()
      await at.expectDone('get')
      const rest = `bytes=${FILE_PART + bytes}-${2 * FILE_PART - 1}`
      expect(sent().slice(0, 2)).toEqual([
        { range: second, ifMatch: etag() },
        { range: rest, ifMatch: etag() },
      ])
      expect(at.log).toEqual([
        { type: 'retry', operation: 'read', key: 'a', attempt: 1, code: 'ERR_CSE_NETWORK' },
      ])
    },
  )

  test('fails after too many broken connections in a row without a byte', async () => {
    at.transport.alterGet = (response, { headers }) =>
      headers['range'] === second ? { ...response, body: broken(response.body, 0, lost) } : response
    await expect(at.get()).rejects.toMatchObject({ code: 'ERR_CSE_NETWORK', retryable: true })
    await at.expectNothing('get')
  })

  test('fails if the object is replaced while it is resumed', async () => {
    alterSecond((response) => ({ ...response, body: broken(response.body, 70_000, lost) }))
    at.transport.intercept = async ({ headers }) => {
      if (headers['range']?.startsWith(`bytes=${FILE_PART + 70_000}-`)) {
        at.transport.intercept = undefined
        await at.bucket.put('a', otherData)
      }
    }
    await expect(at.get({ onObjectChanged: 'fail' })).rejects.toEqual(code('ERR_CSE_PRECONDITION_FAILED'))
    await at.expectNothing('get')
  })

  test.each<[string, (response: GetObjectResponse) => GetObjectResponse]>([
    ['more bytes', (response) => ({ ...response, body: followedBy(response.body, Uint8Array.of(1)) })],
    ['other bytes', (response) => ({ ...response, body: flipped(response.body) })],
    [
      'another range',
      (response) => ({
        ...response,
        headers: { ...response.headers, 'content-range': `bytes 0-${FILE_PART - 1}/${fileData.length}` },
      }),
    ],
  ])('with %s than were announced fails, and leaves nothing', async (_what, alter) => {
    alterSecond(alter)
    await expect(at.get()).rejects.toMatchObject({ code: 'ERR_CSE_INTEGRITY', objectKey: 'a' })
    await at.expectNothing('get')
  })

  test('of the whole object is cut to the wanted bytes', async () => {
    const whole = await at.transport.get({ key: 'a', headers: {} })
    at.transport.prepared.length = 0
    alterSecond(() => whole)
    await at.get()
    await at.expectDone('get')
  })

  test.each([
    ['is full', '/dev/full', 'w', 'ENOSPC'],
    ['cannot be written', '/dev/zero', 'r', 'EBADF'],
  ])('fails with the error of its target if the file %s', async (_what, path, flags, systemCode) => {
    const fd = openSync(path, flags)
    const causes: unknown[] = []
    const failure = (cause: unknown) => {
      causes.push(cause)
      return new CseError('ERR_CSE_FILE', 'no more', { cause })
    }
    class FileTarget extends MemoryTarget {
      /** Only for the workers: the first range does not come to it. */
      get file(): WritableFile | undefined {
        return at.transport.prepared.length === 0 && !this.#first
          ? { fd, sizeBytes: fileData.length, failure }
          : undefined
      }
      #first = true
      override async write(chunk: Uint8Array, offsetBytes: number): Promise<void> {
        await super.write(chunk, offsetBytes)
        if (offsetBytes + chunk.length === FILE_PART) this.#first = false
      }
    }
    const target = new FileTarget()
    const parts = { multipartThresholdBytes: FILE_PART, partSizeBytes: FILE_PART, parallel: 1 }
    try {
      await expect(at.bucket.download('a', target, parts)).rejects.toMatchObject({
        code: 'ERR_CSE_FILE',
        message: 'a: no more',
        objectKey: 'a',
      })
    } finally {
      closeSync(fd)
    }
    expect(causes).toMatchObject([{ code: systemCode }])
    expect(at.transport.prepared).toHaveLength(1)
    expect(target.isOpen).toBe(false)
    expect(target.bytes).toBeUndefined()
  })

  test('of a symbolic link is not requested by a worker, because its target may change', async () => {
    at.transport.links.set('link', 'a')
    const { downloadFile } = await import('../files/download-file.node.ts')
    const parts = { multipartThresholdBytes: FILE_PART, partSizeBytes: FILE_PART }
    await downloadFile(at.bucket, 'link', at.here('out'), parts)
    await at.expectDone('get')
    expect(at.transport.prepared).toEqual([])
  })
})

async function* followedBy(body: AsyncIterable<Uint8Array>, last: Uint8Array): AsyncGenerator<Uint8Array> {
  yield* body
  yield last
}

/** A body with one wrong bit. */
async function* flipped(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let position = 0
  for await (const chunk of body) {
    yield position++ === 0 ? chunk.map((byte, i) => (i === 7 ? byte ^ 1 : byte)) : chunk
  }
}

describe.each(FORMATTED_TRANSFERS)('without a worker that sends: %s, %s', (operation, format) => {
  /** The requests and outcome of a transport in memory. */
  const inPlace = async (arrange: (transport: MemoryTransport) => void = () => {}) =>
    outcomeOf(operation, await FileTransfers.begin(new MemoryTransport(), { format }), arrange)

  test('nothing is prepared if there shall be no workers', async () => {
    const on = await FileTransfers.begin(undefined, { fileWorkers: 0, format })
    expect(await outcomeOf(operation, on, () => {})).toEqual(await inPlace())
    expect(on.transport.prepared).toEqual([])
  })

  test.each([
    ['always', () => true],
    ['but the first time', (n: number) => n > 1],
  ])('the transfer is done here if the transport can prepare no request: %s', async (_when, declines) => {
    const on = await FileTransfers.begin(undefined, { format })
    let asked = 0
    const outcome = await outcomeOf(operation, on, (transport) => {
      const worker = transport as WorkerMemoryTransport
      const workerSide = worker.workerSide.bind(worker)
      worker.workerSide = async (request) => {
        asked += 1
        return declines(asked) ? undefined : workerSide(request)
      }
    })
    expect(outcome).toEqual(await inPlace())
    expect(asked > 0).toBe(availableParallelism() > 1)
  })

  test.each([
    ['always', refusal, Number.POSITIVE_INFINITY],
    ['once, temporarily', throttled, 1],
  ])(
    'a transport that fails to prepare a request fails as the request does: %s',
    async (_when, error, times) => {
      const failing = () => {
        let failures = 0
        return () => {
          failures += 1
          if (failures <= times) throw error
        }
      }
      const on = await FileTransfers.begin(undefined, { format })
      const outcome = await outcomeOf(operation, on, (transport) => {
        const worker = transport as WorkerMemoryTransport
        const workerSide = worker.workerSide.bind(worker)
        const fail = failing()
        worker.workerSide = async (request) => {
          fail()
          return workerSide(request)
        }
      })
      const expected = await inPlace((transport) => {
        const fail = failing()
        transport.intercept = (request) => {
          if (isByWorker(request)) fail()
        }
      })
      const { result, log, files } = outcome
      expect({ result, log, files }).toEqual({
        result: expected.result,
        log: expected.log,
        files: expected.files,
      })
    },
  )
})

test('a part that a worker cannot send first, and could send later, is sent', async () => {
  const bodies = watchBodies(at.transport, (response, n) => {
    if (n < 3) throw lost
    return response
  })
  const workerSide = at.transport.workerSide.bind(at.transport)
  let asked = 0
  at.transport.workerSide = async (request) => (++asked === 1 ? undefined : workerSide(request))
  await at.uploadPart()
  expect(bodies.map(({ partNumber }) => partNumber)).toEqual([1, 1, 1, 2, 3])
  for (const { bytes } of bodies.slice(1, 3)) {
    expect(Buffer.compare(bytes, bodies[0]?.bytes ?? fileData)).toBe(0)
  }
  await at.expectDone('uploadPart')
})
