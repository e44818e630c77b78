import { CseError, type GetObjectResponse, type HeaderMap, TransportError } from '@oss-cse/crypto-core'
import { createTestProvider, MemoryTransport, type RecordedRequest } from '@oss-cse/crypto-core/testing'
import { describe, expect, test } from 'vitest'
import { broken, pattern } from '../../test/bytes.ts'
import { memoryBucket } from '../../test/memory-bucket.ts'
import { MemoryTarget } from '../../test/memory-target.ts'
import { abortAt, denied, lost, operations, PART, settle } from '../../test/multipart.ts'
import { RecordStore } from '../../test/record-store.ts'
import { spellings, WatchedKeyring } from '../../test/watched-keys.ts'
import type { CryptoBucket } from '../crypto-bucket.ts'
import type { Progress } from '../policy/progress.ts'
import type { LogEvent } from '../policy/retry.ts'
import type { DownloadOptions, DownloadResult } from './resumable-download.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const reason = new Error('stop')
const data = pattern(5 * PART + 17)
const newer = data.map((byte) => byte ^ 0x55)

function fetch(
  bucket: CryptoBucket,
  target: MemoryTarget,
  options: Partial<DownloadOptions> = {},
): Promise<DownloadResult> {
  return bucket.download('a', target, { multipartThresholdBytes: PART, partSizeBytes: PART, ...options })
}

async function stored(made = memoryBucket(), bytes: Uint8Array = data) {
  await made.bucket.put('a', bytes)
  made.transport.requests.length = 0
  return { ...made, target: new MemoryTarget(), store: new RecordStore() }
}

function ranges(transport: MemoryTransport): string[] {
  return transport.requests.flatMap(({ headers }) => headers['range'] ?? []).sort()
}

/** The offsets of the part requests in the object, in parts. */
function fetchedParts(transport: MemoryTransport): number[] {
  return ranges(transport)
    .map((range) => Number(/=(\d+)/.exec(range)?.[1]) / PART + 1)
    .sort()
}

function transfers(log: readonly LogEvent[]): string[] {
  return log.flatMap(({ type }) => (type === 'retry' ? [] : type))
}

function isGetOf(n: number) {
  return ({ operation, headers }: RecordedRequest): boolean =>
    operation === 'get' && headers['range']?.startsWith(`bytes=${(n - 1) * PART}-`) === true
}

/** A download of six parts whose fourth is denied. */
async function interrupted(options: Partial<DownloadOptions> = {}, made = memoryBucket()) {
  const { bucket, transport, log, target, store } = await stored(made)
  transport.intercept = (request) => {
    if (isGetOf(4)(request)) throw denied
  }
  const download = fetch(bucket, target, { checkpointStore: store, parallel: 1, ...options })
  await expect(download).rejects.toBe(denied)
  transport.intercept = undefined
  transport.requests.length = 0
  log.length = 0
  return { bucket, transport, log, target, store }
}

function expectNothingLeft(target: MemoryTarget, store?: RecordStore): void {
  expect(target.isOpen).toBe(false)
  expect(target.partial?.length).toBeUndefined()
  expect(store?.records.size ?? 0).toBe(0)
  expect(store?.isFree ?? true).toBe(true)
}

describe('a download', () => {
  test.each([
    [0, PART, ['get', 'head']],
    [1, PART, ['get']],
    [PART - 1, PART, ['get']],
    [PART, PART, ['get']],
    [PART + 1, PART, ['get', 'get']],
    [PART + 1, 2 * PART, ['get']],
    [3 * PART, PART, ['get', 'get', 'get']],
    [3 * PART + 1, PART, ['get', 'get', 'get', 'get']],
    [3 * PART, 0, ['get', 'get', 'get']],
    // Never less than a part: an object of one part takes one request anyway.
    [3 * PART, 7, ['get', 'get', 'get']],
    [3 * PART, PART + 0.5, ['get', 'get', 'get']],
    [3 * PART, Number.POSITIVE_INFINITY, ['get']],
    [5, undefined, ['get']],
  ])(
    'of %i bytes with the threshold %s consists of the requests %j',
    async (size, multipartThresholdBytes, expected) => {
      for (const parallel of [1, 3]) {
        const { bucket, transport, target } = await stored(memoryBucket(), data.subarray(0, size))
        const result = await fetch(bucket, target, { multipartThresholdBytes, parallel })
        expect(operations(transport)).toEqual(expected)
        expect(target.bytes).toEqual(data.subarray(0, size))
        expect(result).toMatchObject({
          key: 'a',
          sizeBytes: size,
          totalBytes: size,
          resumedBytes: 0,
          verification: 'crc64',
          etag: transport.objects.get('a')?.etag,
        })
        expect(result.envelope).toBeDefined()
        expectNothingLeft(target)
      }
    },
  )

  test('requests each part once, and pins all but the first to the object', async () => {
    const { bucket, transport, target } = await stored()
    await fetch(bucket, target, { headers: { 'x-oss-request-payer': 'requester' } })
    const { etag } = transport.objects.get('a') ?? {}
    expect(fetchedParts(transport)).toEqual([1, 2, 3, 4, 5, 6])
    const [first, ...others] = transport.requests
    expect(first?.headers).not.toHaveProperty('if-match')
    for (const { headers } of others) expect(headers['if-match']).toBe(etag)
    for (const { headers } of transport.requests) {
      expect(headers).toMatchObject({
        'accept-encoding': 'identity',
        'x-oss-range-behavior': 'standard',
        'x-oss-request-payer': 'requester',
      })
    }
  })

  test('requests only the given version', async () => {
    for (const size of [0, data.length]) {
      const { bucket, transport, target } = await stored(memoryBucket(), data.subarray(0, size))
      await fetch(bucket, target, { versionId: 'v1' })
      for (const { versionId } of transport.requests) expect(versionId).toBe('v1')
    }
  })

  test.each([1, 2, 100])(
    'with parallel %i has at most that many running parts, and reaches that number',
    async (parallel) => {
      const { bucket, transport, target } = await stored()
      let now = 0
      let most = 0
      transport.alterGet = (response) => {
        async function* body(): AsyncGenerator<Uint8Array> {
          most = Math.max(most, ++now)
          await settle()
          yield* response.body
          now -= 1
        }
        return { ...response, body: body() }
      }
      await fetch(bucket, target, { parallel })
      expect(most).toBe(Math.min(parallel, 6))
      expect(target.bytes).toEqual(data)
    },
  )

  test('unwraps the key once', async () => {
    const keyring = new WatchedKeyring()
    const { bucket, target } = await stored(memoryBucket({ keyring }))
    await fetch(bucket, target)
    expect(keyring.unwrapped).toBe(1)
  })

  test.each([
    { parallel: 0 },
    { parallel: 101 },
    { multipartThresholdBytes: -1 },
    { multipartThresholdBytes: Number.NaN },
    { partSizeBytes: PART + 1 },
    { partSizeBytes: 16 },
    { onObjectChanged: 'ignore' },
    { headers: { range: 'bytes=0-1' } },
  ])('with %j is refused before any request', async (options) => {
    const { bucket, transport, target, store } = await stored()
    const download = fetch(bucket, target, {
      checkpointStore: store,
      ...(options as Partial<DownloadOptions>),
    })
    await expect(download).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    expect(transport.requests).toEqual([])
    expectNothingLeft(target, store)
  })

  test('of a plain object is refused, or passes if that is allowed', async () => {
    for (const size of [0, 10, data.length]) {
      const { bucket, transport, target } = await stored()
      await transport.plant('a', data.slice(0, size))
      await expect(fetch(bucket, target)).rejects.toEqual(code('ERR_CSE_NOT_ENCRYPTED'))
      expect(target.bytes?.length).toBeUndefined()
      expectNothingLeft(target)
      const result = await fetch(bucket, target, { onPlainObject: 'passthrough' })
      expect(target.bytes).toEqual(data.subarray(0, size))
      expect(result.envelope).toBeUndefined()
      expect(result.verification).toBe('crc64')
    }
  })

  test.each([
    ['that does not exist', (transport: MemoryTransport) => transport.objects.clear(), 'ERR_CSE_NOT_FOUND'],
    [
      'whose envelope is damaged',
      (transport: MemoryTransport) => alterHeaders(transport, { '-key': undefined }),
      'ERR_CSE_ENVELOPE_DAMAGED',
    ],
    [
      'under another master key',
      (transport: MemoryTransport) => alterHeaders(transport, { '-key': btoa('x'.repeat(40)) }),
      'ERR_CSE_UNWRAP_FAILED',
    ],
    [
      'that was truncated',
      (transport: MemoryTransport) => {
        const object = transport.objects.get('a')
        if (object !== undefined) transport.objects.set('a', { ...object, bytes: object.bytes.slice(1) })
      },
      'ERR_CSE_INTEGRITY',
    ],
  ])('of an object %s writes nothing', async (_what, spoil, expected) => {
    for (const checkpointStore of [undefined, new RecordStore()]) {
      const { bucket, transport, target } = await stored()
      spoil(transport)
      await expect(fetch(bucket, target, { checkpointStore })).rejects.toEqual(code(expected))
      expect(target.bytes?.length).toBeUndefined()
      expectNothingLeft(target, checkpointStore)
    }
  })

  test.each([10, data.length])(
    'of %i bytes with a wrong checksum is an integrity failure, and leaves nothing',
    async (size) => {
      for (const checkpointStore of [undefined, new RecordStore()]) {
        const { bucket, transport, target } = await stored(memoryBucket(), data.subarray(0, size))
        const object = transport.objects.get('a')
        if (object !== undefined) transport.objects.set('a', { ...object, crc64: object.crc64 ^ 1n })
        await expect(fetch(bucket, target, { checkpointStore })).rejects.toMatchObject({
          code: 'ERR_CSE_INTEGRITY',
          objectKey: 'a',
        })
        expect(target.bytes?.length).toBeUndefined()
        expectNothingLeft(target, checkpointStore)
      }
    },
  )

  test('of an object whose bytes changed on the service is an integrity failure, whichever part it is', async () => {
    for (const n of [1, 2, 6]) {
      const { bucket, transport, target } = await stored()
      const object = transport.objects.get('a')
      const bytes = object?.bytes.slice() ?? new Uint8Array()
      bytes[(n - 1) * PART] = (bytes[(n - 1) * PART] ?? 0) ^ 1
      if (object !== undefined) transport.objects.set('a', { ...object, bytes })
      await expect(fetch(bucket, target)).rejects.toEqual(code('ERR_CSE_INTEGRITY'))
      expectNothingLeft(target)
    }
  })

  test('without a checksum from the service says so in the result', async () => {
    const { bucket, transport, target } = await stored()
    transport.alterGet = (response) => ({ ...response, headers: without(response, 'x-oss-hash-crc64ecma') })
    expect((await fetch(bucket, target)).verification).toBe('length')
    expect(target.bytes).toEqual(data)
  })

  test('without an ETag from the service takes one part at a time', async () => {
    const { bucket, transport, target, store } = await stored()
    let now = 0
    transport.alterGet = (response) => {
      async function* body(): AsyncGenerator<Uint8Array> {
        expect(++now).toBe(1)
        await settle()
        yield* response.body
        now -= 1
      }
      return { ...response, headers: without(response, 'etag'), body: body() }
    }
    await fetch(bucket, target, { checkpointStore: store })
    expect(target.bytes).toEqual(data)
    expect(store.saved).toEqual([])
  })

  test('is resumed when a connection breaks', async () => {
    const { bucket, transport, target, log } = await stored()
    let responses = 0
    transport.alterGet = (response) => {
      responses += 1
      return responses % 2 === 1 ? { ...response, body: broken(response.body, 70_001, lost) } : response
    }
    await fetch(bucket, target)
    expect(target.bytes).toEqual(data)
    expect(log.some((event) => event.type === 'retry' && event.operation === 'read')).toBe(true)
  })

  test.each([
    ['in each response', () => true],
    ['only in the first response', (index: number) => index === 0],
    ['in each response except the first', (index: number) => index > 0],
  ])('from a service that ignores ranges (%s) is still correct', async (_what, ignores) => {
    for (const size of [1, PART, 2 * PART + 1, data.length]) {
      const { bucket, transport, target } = await stored(memoryBucket(), data.subarray(0, size))
      const object = transport.objects.get('a')
      let responses = 0
      transport.alterGet = (response) => {
        if (!ignores(responses++) || object === undefined) return response
        async function* body(): AsyncGenerator<Uint8Array> {
          yield* [
            object?.bytes.slice(0, 1000) ?? new Uint8Array(),
            object?.bytes.slice(1000) ?? new Uint8Array(),
          ]
        }
        const headers = { ...without(response, 'content-range'), 'content-length': String(size) }
        return { status: 200, headers, body: body() }
      }
      await fetch(bucket, target)
      expect(target.bytes).toEqual(data.subarray(0, size))
    }
  })

  test('of an object that was uploaded in parts is correct, whatever the parts of the download', async () => {
    const { bucket, transport } = memoryBucket()
    await bucket.upload('a', data, { multipartThresholdBytes: 1, partSizeBytes: PART })
    for (const [multipartThresholdBytes, partSizeBytes] of [
      [PART, PART],
      [1000, PART + 16],
      [PART - 1, 2 * PART],
      [3 * PART + 5, PART],
    ]) {
      const target = new MemoryTarget()
      await fetch(bucket, target, { multipartThresholdBytes, partSizeBytes })
      expect(target.bytes).toEqual(data)
    }
    expect(transport.objects.size).toBe(1)
  })

  test('that cannot write throws the target’s error, and leaves nothing unless it can be resumed', async () => {
    const full = new CseError('ERR_CSE_FILE', 'no space is left')
    for (const call of ['open', 'write', 'commit'] as const) {
      const { bucket, transport, target } = await stored()
      const bodies = watchBodies(transport)
      target.intercept = (now, offset = 3 * PART) => {
        if (now === call && offset >= 3 * PART) throw full
      }
      await expect(fetch(bucket, target)).rejects.toMatchObject({ code: 'ERR_CSE_FILE' })
      expect(target.bytes, call).toBeUndefined()
      expect(target.isOpen, call).toBe(false)
      expect(target.partial?.length, call).toBeUndefined()
      expect(bodies.open, call).toBe(0)
    }
  })

  test('of a conditional get that fails is not restarted', async () => {
    const { bucket, transport, target } = await stored()
    for (const multipartThresholdBytes of [PART, data.length]) {
      const headers = { 'if-match': '"other"' }
      await expect(fetch(bucket, target, { headers, multipartThresholdBytes })).rejects.toEqual(
        code('ERR_CSE_PRECONDITION_FAILED'),
      )
    }
    expect(operations(transport)).toEqual(['get', 'get'])
  })
})

function alterHeaders(transport: MemoryTransport, suffixes: Record<string, string | undefined>): void {
  const object = transport.objects.get('a')
  if (object === undefined) return
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(object.headers)) {
    const suffix = Object.keys(suffixes).find((end) => name.endsWith(end))
    const altered = suffix === undefined ? value : suffixes[suffix]
    if (altered !== undefined) headers[name] = altered
  }
  transport.objects.set('a', { ...object, headers })
}

function without({ headers }: GetObjectResponse, name: string): HeaderMap {
  return Object.fromEntries(Object.entries(headers).filter(([other]) => other !== name))
}

/** Counts the responses whose bodies were neither read to the end nor closed. */
function watchBodies(transport: MemoryTransport): { open: number } {
  const bodies = { open: 0 }
  const { alterGet } = transport
  transport.alterGet = (given, request) => {
    const response = alterGet?.(given, request) ?? given
    const iterator = response.body[Symbol.asyncIterator]()
    let ended = false
    const end = () => {
      if (!ended) bodies.open -= 1
      ended = true
    }
    bodies.open += 1
    const watched: AsyncIterator<Uint8Array> = {
      async next() {
        try {
          const result = await iterator.next()
          if (result.done) end()
          return result
        } catch (error) {
          end()
          throw error
        }
      },
      async return() {
        end()
        await iterator.return?.()
        return { done: true, value: undefined }
      },
    }
    return { ...response, body: { [Symbol.asyncIterator]: () => watched } }
  }
  return bodies
}

describe('progress', () => {
  test.each([
    [0, 1],
    [10, 1],
    [data.length, 1],
    [data.length, 3],
  ])('of %i bytes rises to the total with parallel %i', async (size, parallel) => {
    const { bucket, transport, target } = await stored(memoryBucket(), data.subarray(0, size))
    let responses = 0
    transport.alterGet = (response) => {
      responses += 1
      return responses === 2 ? { ...response, body: broken(response.body, 70_001, lost) } : response
    }
    const reports: Progress[] = []
    await fetch(bucket, target, { parallel, onProgress: (progress) => reports.push(progress) })
    const partCount = Math.ceil(size / PART)
    expect(reports[0]).toMatchObject({ transferredBytes: 0, totalBytes: size, partsDone: 0, partCount })
    expect(reports.at(-1)).toEqual({
      transferredBytes: size,
      totalBytes: size,
      resumedBytes: 0,
      partsDone: partCount,
      partCount,
    })
    for (const field of ['transferredBytes', 'partsDone'] as const) {
      const values = reports.map((report) => report[field] ?? Number.NaN)
      expect(values).toEqual([...values].sort((a, b) => a - b))
    }
  })

  test('of a resumed download starts with the bytes that were fetched before', async () => {
    const { bucket, target, store } = await interrupted()
    const reports: Progress[] = []
    const onProgress = (progress: Progress) => reports.push(progress)
    const result = await fetch(bucket, target, { checkpointStore: store, onProgress })
    expect(result.resumedBytes).toBe(3 * PART)
    const transferred = reports.map(({ transferredBytes }) => transferredBytes)
    expect(transferred).toEqual([...transferred].sort((a, b) => a - b))
    expect(reports.at(-1)).toMatchObject({
      transferredBytes: data.length,
      resumedBytes: 3 * PART,
      partsDone: 6,
      partCount: 6,
    })
  })
})

describe('an abort', () => {
  test('before a download sends nothing', async () => {
    const { bucket, transport, target, store } = await stored()
    const signal = AbortSignal.abort(reason)
    await expect(fetch(bucket, target, { signal })).rejects.toBe(reason)
    await expect(fetch(bucket, target, { signal, checkpointStore: store })).rejects.toBe(reason)
    expect(transport.requests).toEqual([])
    expectNothingLeft(target, store)
  })

  describe.each([
    ['that is cancelled', true],
    ['that still gets its response', false],
  ])('as a request starts %s', (_what, cancelled) => {
    test.each([1, 2, 3, 4, 5, 6])('without a checkpoint leaves nothing (request %i)', async (k) => {
      const keyring = new WatchedKeyring()
      const { bucket, transport, target } = await stored(memoryBucket({ keyring }))
      keyring.handedOut.length = 0
      const bodies = watchBodies(transport)
      await expect(fetch(bucket, target, { signal: abortAt(transport, k, reason, cancelled) })).rejects.toBe(
        reason,
      )
      expect(target.bytes?.length).toBeUndefined()
      expectNothingLeft(target)
      expect(bodies.open).toBe(0)
      expect(keyring.wiped).toBe(true)
    })

    test.each([1, 2, 3, 4, 5, 6])(
      'with a checkpoint loses no part that was fetched (request %i)',
      async (k) => {
        const { bucket, transport, target, store } = await stored()
        const signal = abortAt(transport, k, reason, cancelled)
        await expect(fetch(bucket, target, { signal, checkpointStore: store })).rejects.toBe(reason)
        transport.intercept = undefined
        expect(target.bytes?.length).toBeUndefined()
        expect(target.isOpen).toBe(false)
        expect(store.isFree).toBe(true)
        const parts: object = store.record === undefined ? {} : JSON.parse(store.record).parts
        const fetched = Object.keys(parts).map(Number)
        transport.requests.length = 0
        const result = await fetch(bucket, target, { checkpointStore: store })
        expect(fetchedParts(transport)).toEqual([1, 2, 3, 4, 5, 6].filter((n) => !fetched.includes(n)))
        expect(result.resumedBytes).toBe(fetched.reduce((sum, n) => sum + (n === 6 ? 17 : PART), 0))
        expect(target.bytes).toEqual(data)
        expectNothingLeft(target, store)
      },
    )
  })

  test.each(['open', 'write', 'commit'] as const)(
    'while the target works (%s) rejects with its reason',
    async (call) => {
      const { bucket, target } = await stored()
      const controller = new AbortController()
      target.intercept = (now) => {
        if (now === call) controller.abort(reason)
      }
      const download = fetch(bucket, target, { signal: controller.signal })
      // What is committed stays.
      if (call === 'commit') await expect(download).resolves.toMatchObject({ sizeBytes: data.length })
      else await expect(download).rejects.toBe(reason)
      expectNothingLeft(target)
    },
  )

  test('ends a stalled connection', async () => {
    const { bucket, transport, target } = await stored()
    const controller = new AbortController()
    transport.alterGet = (response, { signal }) => {
      async function* body(): AsyncGenerator<Uint8Array> {
        yield* []
        controller.abort(reason)
        await new Promise((_, reject) => {
          if (signal?.aborted) reject(signal.reason)
          signal?.addEventListener('abort', () => reject(signal.reason))
        })
      }
      return { ...response, body: body() }
    }
    await expect(fetch(bucket, target, { signal: controller.signal })).rejects.toBe(reason)
    expectNothingLeft(target)
  })
})

describe('a download with a checkpoint', () => {
  test('that succeeds leaves no record', async () => {
    const { bucket, target, store } = await stored()
    await fetch(bucket, target, { checkpointStore: store })
    expect(target.bytes).toEqual(data)
    expectNothingLeft(target, store)
    expect(store.saved.length).toBeGreaterThan(0)
  })

  test('that was interrupted fetches what is missing, of the same object', async () => {
    const { bucket, transport, log, target, store } = await interrupted()
    const result = await fetch(bucket, target, { checkpointStore: store })
    expect(fetchedParts(transport)).toEqual([4, 5, 6])
    expect(operations(transport)[0]).toBe('head')
    const { etag } = transport.objects.get('a') ?? {}
    for (const { headers } of transport.requests) expect(headers['if-match']).toBe(etag)
    expect(transfers(log)).toEqual(['resume'])
    expect(result).toMatchObject({ resumedBytes: 3 * PART, sizeBytes: data.length, verification: 'crc64' })
    expect(target.bytes).toEqual(data)
    expectNothingLeft(target, store)
  })

  test('uses the state of the object that the caller gave', async () => {
    const { bucket, transport, target, store } = await interrupted()
    const { etag = '' } = transport.objects.get('a') ?? {}
    const named = (value: string) =>
      fetch(bucket, target, { checkpointStore: store, headers: { 'If-Match': value } })
    await expect(named('"other"')).rejects.toEqual(code('ERR_CSE_PRECONDITION_FAILED'))
    expect(target.bytes).toBeUndefined()
    expect((await named(etag)).sizeBytes).toBe(data.length)
    expect(target.bytes).toEqual(data)
  })

  test('is not given up for a 404 that does not mean that the object is gone', async () => {
    const { bucket, transport, target, store } = await interrupted()
    transport.intercept = () => {
      throw new TransportError('ERR_CSE_NOT_FOUND', 'not here', { status: 404, retryable: false })
    }
    await expect(fetch(bucket, target, { checkpointStore: store })).rejects.toEqual(code('ERR_CSE_NOT_FOUND'))
    transport.intercept = undefined
    expect((await fetch(bucket, target, { checkpointStore: store })).resumedBytes).toBe(3 * PART)
  })

  test('of an object that is gone leaves nothing', async () => {
    const { bucket, transport, target, store } = await interrupted()
    transport.objects.delete('a')
    await expect(fetch(bucket, target, { checkpointStore: store })).rejects.toEqual(code('ERR_CSE_NOT_FOUND'))
    expectNothingLeft(target, store)
  })

  test('that is interrupted repeatedly succeeds in the end', async () => {
    const { bucket, transport, target, store } = await interrupted()
    for (const failing of [4, 5, 6, 6]) {
      transport.intercept = (request) => {
        if (isGetOf(failing)(request)) throw denied
      }
      await expect(fetch(bucket, target, { checkpointStore: store, parallel: 1 })).rejects.toBe(denied)
    }
    transport.intercept = undefined
    transport.requests.length = 0
    await fetch(bucket, target, { checkpointStore: store })
    expect(fetchedParts(transport)).toEqual([6])
    expect(target.bytes).toEqual(data)
  })

  test('that has everything except its final name needs one request', async () => {
    const { bucket, transport, target, store } = await stored()
    target.intercept = (call) => {
      if (call === 'commit') throw new CseError('ERR_CSE_FILE', 'no such name')
    }
    await expect(fetch(bucket, target, { checkpointStore: store })).rejects.toEqual(code('ERR_CSE_FILE'))
    target.intercept = undefined
    transport.requests.length = 0
    const result = await fetch(bucket, target, { checkpointStore: store })
    expect(operations(transport)).toEqual(['head'])
    expect(result.resumedBytes).toBe(data.length)
    expect(target.bytes).toEqual(data)
  })

  test('never has the CEK, IV or content in its records', async () => {
    const keyring = new WatchedKeyring()
    const { store } = await interrupted({}, memoryBucket({ keyring }))
    const secrets = keyring.copies.flatMap(spellings)
    expect(store.saved.length).toBeGreaterThan(2)
    for (const text of store.saved) for (const secret of secrets) expect(text).not.toContain(secret)
  })

  test.each([
    ['the first byte of its second part', PART],
    ['the last byte of its third part', 3 * PART - 1],
  ])('whose bytes changed in the meantime (%s) fetches that part again', async (_what, offset) => {
    const { bucket, transport, target, store } = await interrupted()
    if (target.partial !== undefined) target.partial[offset] = (target.partial[offset] ?? 0) ^ 0x80
    const result = await fetch(bucket, target, { checkpointStore: store })
    expect(fetchedParts(transport)).toEqual([Math.floor(offset / PART) + 1, 4, 5, 6])
    expect(result.resumedBytes).toBe(2 * PART)
    expect(target.bytes).toEqual(data)
  })

  test.each([
    ['removed', undefined],
    ['cut', pattern(data.length - 1)],
    ['extended', pattern(data.length + 1)],
  ])('whose bytes were %s in the meantime restarts', async (_what, partial) => {
    const { bucket, transport, log, target, store } = await interrupted()
    target.partial = partial
    expect((await fetch(bucket, target, { checkpointStore: store })).resumedBytes).toBe(0)
    expect(fetchedParts(transport)).toEqual([1, 2, 3, 4, 5, 6])
    expect(transfers(log)).toEqual(['restart'])
    expect(target.bytes).toEqual(data)
    expectNothingLeft(target, store)
  })

  test.each([
    ['parallel', { parallel: 5 }],
    ['no part size', { partSizeBytes: undefined }],
    ['another threshold', { multipartThresholdBytes: 3 * PART + 7 }],
  ])('is resumed with %s', async (_what, options) => {
    const { bucket, transport, target, store } = await interrupted()
    await fetch(bucket, target, { checkpointStore: store, ...options })
    expect(fetchedParts(transport)).toEqual([4, 5, 6])
    expect(target.bytes).toEqual(data)
  })

  test.each([
    ['another part size', { partSizeBytes: 2 * PART }, 2 * PART],
    ['another version', { versionId: 'v2' }, PART],
  ])('restarts with %s', async (_what, options, firstBytes) => {
    const { bucket, transport, log, target, store } = await interrupted()
    await fetch(bucket, target, { checkpointStore: store, ...options })
    expect(transfers(log)).toEqual(['restart'])
    expect(ranges(transport)).toContain(`bytes=0-${firstBytes - 1}`)
    expect(target.bytes).toEqual(data)
    expectNothingLeft(target, store)
  })

  test('of one version is resumed with that version', async () => {
    const { bucket, transport, target, store } = await interrupted({ versionId: 'v1' })
    await fetch(bucket, target, { checkpointStore: store, versionId: 'v1' })
    expect(fetchedParts(transport)).toEqual([4, 5, 6])
    for (const { versionId } of transport.requests) expect(versionId).toBe('v1')
  })

  test.each([
    ['is damaged', () => 'null'],
    ['is empty', () => '{}'],
    ['is of another version', (text: string) => text.replace('"version":1', '"version":0')],
    ['is of another bucket', (text: string) => text.replace('"location":"memory:"', '"location":"other:"')],
    ['is of another key', (text: string) => text.replace('"key":"a"', '"key":"b"')],
    ['is of another file', (text: string) => text.replace('/data/file', '/data/other')],
    ['is of an upload', (text: string) => text.replace('"download"', '"upload"')],
    ['has a part without a number', (text: string) => text.replace('"parts":{', '"parts":{"0":"1",')],
    ['has a part without a checksum', (text: string) => text.replace(/"1":"\d+"/, '"1":""')],
    ['has no length', (text: string) => text.replace(/"sizeBytes":\d+/, '"sizeBytes":0')],
    [
      'has a fractional part size',
      (text: string) => text.replace(/"partSizeBytes":\d+/, '"partSizeBytes":0.5'),
    ],
    ['has another length', (text: string) => text.replace(/"sizeBytes":\d+/, '"sizeBytes":7')],
  ])('whose record %s restarts', async (_what, alter) => {
    const { bucket, log, target, store } = await interrupted()
    store.alter((text) => {
      const altered = alter(text)
      expect(altered).not.toBe(text)
      return altered
    })
    await fetch(bucket, target, { checkpointStore: store })
    expect(transfers(log)).toEqual(['restart'])
    expect(target.bytes).toEqual(data)
    expectNothingLeft(target, store)
  })

  test.each([
    ['wrong checksums', (text: string) => text.replace(/"([123])":"\d+"/g, '"$1":"5"')],
    ['other part boundaries', (text: string) => text.replace(/"firstBytes":\d+/, '"firstBytes":16')],
    ['too many parts', (text: string) => text.replace('"parts":{', '"parts":{"99":"1",')],
  ])('whose record has %s still returns the object', async (_what, alter) => {
    const { bucket, target, store } = await interrupted()
    store.alter(alter)
    await fetch(bucket, target, { checkpointStore: store })
    expect(target.bytes).toEqual(data)
    expectNothingLeft(target, store)
  })

  test('whose record cannot be saved fails, and does not block the next one', async () => {
    const { bucket, target, store } = await stored()
    const full = new CseError('ERR_CSE_CHECKPOINT', 'the disk is full')
    store.intercept = (call) => {
      if (call === 'save') throw full
    }
    await expect(fetch(bucket, target, { checkpointStore: store })).rejects.toEqual(
      code('ERR_CSE_CHECKPOINT'),
    )
    expect(target.isOpen).toBe(false)
    expect(target.bytes?.length).toBeUndefined()
    store.intercept = undefined
    await fetch(bucket, target, { checkpointStore: store })
    expect(target.bytes).toEqual(data)
    expectNothingLeft(target, store)
  })

  test('is refused while another one to the same target is running', async () => {
    const { bucket, transport, target, store } = await stored()
    let second: Promise<unknown> | undefined
    transport.intercept = () => {
      if (second !== undefined) return
      second = fetch(bucket, new MemoryTarget(), { checkpointStore: store })
      second.catch(() => {})
    }
    await fetch(bucket, target, { checkpointStore: store })
    await expect(second).rejects.toEqual(code('ERR_CSE_CHECKPOINT_IN_USE'))
    expect(target.bytes).toEqual(data)
  })

  test('is another one for another bucket', async () => {
    const { store, target } = await interrupted()
    class Elsewhere extends MemoryTransport {
      override readonly location = 'memory:elsewhere'
    }
    const { bucket, log } = memoryBucket({ transport: new Elsewhere() })
    await bucket.put('a', newer)
    await fetch(bucket, target, { checkpointStore: store })
    expect(transfers(log)).toEqual([])
    expect(target.bytes).toEqual(newer)
  })

  test('of an object of one part that is interrupted leaves nothing, because nothing can be resumed', async () => {
    const { bucket, transport, target, store } = await stored(memoryBucket(), data.subarray(0, PART))
    transport.alterGet = (response) => ({ ...response, body: broken(response.body, 70_001, denied) })
    await expect(fetch(bucket, target, { checkpointStore: store })).rejects.toBe(denied)
    expectNothingLeft(target, store)
  })

  test('that fails before anything of it could be resumed leaves nothing', async () => {
    const { bucket, transport, target, store } = await stored()
    transport.alterGet = (response) => ({ ...response, body: broken(response.body, 70_001, denied) })
    await expect(fetch(bucket, target, { checkpointStore: store })).rejects.toBe(denied)
    expectNothingLeft(target, store)
  })

  test('that gives up what an earlier run left, and then fails, closes the target', async () => {
    const { bucket, transport, target, store } = await interrupted()
    target.partial = pattern(3)
    transport.intercept = ({ operation }) => {
      if (operation === 'get') throw denied
    }
    await expect(fetch(bucket, target, { checkpointStore: store })).rejects.toBe(denied)
    expectNothingLeft(target, store)
  })

  test('whose key is temporarily unavailable can be resumed later', async () => {
    const { transport, target, store } = await interrupted()
    const provider = { ...createTestProvider(), unwrap: () => Promise.reject(denied) }
    const failing = memoryBucket({ transport, provider })
    await expect(fetch(failing.bucket, target, { checkpointStore: store })).rejects.toMatchObject({
      code: denied.code,
      objectKey: 'a',
    })
    expect(target.isOpen).toBe(false)
    const { bucket } = memoryBucket({ transport })
    expect((await fetch(bucket, target, { checkpointStore: store })).resumedBytes).toBe(3 * PART)
  })

  test.each([
    [
      'another length',
      (target: MemoryTarget) => target,
      (text: string) => text.replace(/"sizeBytes":\d+/, '"sizeBytes":7'),
    ],
    [
      'other bytes',
      (target: MemoryTarget) => Object.assign(target, { partial: pattern(3) }),
      (text: string) => text,
    ],
  ])('that restarts because of %s wipes its earlier key', async (_what, spoil, alter) => {
    const keyring = new WatchedKeyring()
    const { bucket, target, store } = await interrupted({}, memoryBucket({ keyring }))
    spoil(target)
    store.alter(alter)
    keyring.handedOut.length = 0
    await fetch(bucket, target, { checkpointStore: store })
    expect(keyring.handedOut).toHaveLength(2)
    expect(keyring.wiped).toBe(true)
  })
})

describe('an object that is replaced', () => {
  const replaceAt = (bucket: CryptoBucket, transport: MemoryTransport, k: number, times = 1): void => {
    let requests = 0
    transport.intercept = async ({ operation }) => {
      if (operation !== 'get' || ++requests < k || times-- <= 0) return
      requests = 0
      const { intercept } = transport
      transport.intercept = undefined
      await bucket.put('a', times % 2 === 0 ? newer : data)
      transport.intercept = intercept
    }
  }

  test.each([2, 3, 4, 5, 6])(
    'during a run is downloaded again from the start, never mixed (request %i)',
    async (k) => {
      for (const checkpointStore of [undefined, new RecordStore()]) {
        const { bucket, transport, log, target } = await stored()
        replaceAt(bucket, transport, k)
        const result = await fetch(bucket, target, { checkpointStore })
        expect(target.bytes).toEqual(newer)
        expect(result.etag).toBe(transport.objects.get('a')?.etag)
        expect(transfers(log)).toEqual(['restart'])
        expectNothingLeft(target, checkpointStore)
      }
    },
  )

  test.each([2, 4, 6])('during a run fails with onObjectChanged: fail (request %i)', async (k) => {
    for (const checkpointStore of [undefined, new RecordStore()]) {
      const { bucket, transport, log, target } = await stored()
      const bodies = watchBodies(transport)
      replaceAt(bucket, transport, k)
      await expect(fetch(bucket, target, { checkpointStore, onObjectChanged: 'fail' })).rejects.toMatchObject(
        {
          code: 'ERR_CSE_PRECONDITION_FAILED',
          objectKey: 'a',
        },
      )
      expect(target.bytes?.length).toBeUndefined()
      expect(transfers(log)).toEqual([])
      expect(bodies.open).toBe(0)
      expectNothingLeft(target, checkpointStore)
    }
  })

  test('three times is downloaded again each time, and a fourth time is a failure', async () => {
    for (const [times, ends] of [
      [3, true],
      [4, false],
    ] as const) {
      const { bucket, transport, log, target } = await stored()
      replaceAt(bucket, transport, 3, times)
      const download = fetch(bucket, target, { parallel: 1 })
      if (ends) await download
      else await expect(download).rejects.toEqual(code('ERR_CSE_PRECONDITION_FAILED'))
      expect(transfers(log)).toEqual(['restart', 'restart', 'restart'])
      expect(target.bytes).toEqual(ends ? newer : undefined)
      expectNothingLeft(target)
    }
  })

  test.each([
    ['of the same length', newer],
    ['of another length', newer.subarray(0, 3 * PART + 1)],
    ['that is small', newer.subarray(0, 10)],
    ['that is empty', newer.subarray(0, 0)],
  ])('between the runs by one %s is downloaded again from the start', async (_what, bytes) => {
    const { bucket, transport, log, target, store } = await interrupted()
    await bucket.put('a', bytes)
    transport.requests.length = 0
    expect((await fetch(bucket, target, { checkpointStore: store })).resumedBytes).toBe(0)
    expect(target.bytes).toEqual(bytes)
    expect(transfers(log)).toEqual(['restart'])
    expectNothingLeft(target, store)
  })

  test('between the runs fails with onObjectChanged: fail, and leaves nothing of the old one', async () => {
    const { bucket, target, store } = await interrupted()
    await bucket.put('a', newer)
    await expect(fetch(bucket, target, { checkpointStore: store, onObjectChanged: 'fail' })).rejects.toEqual(
      code('ERR_CSE_PRECONDITION_FAILED'),
    )
    expectNothingLeft(target, store)
  })

  test('during a resumed read is not mixed', async () => {
    const { bucket, transport, log, target } = await stored()
    let responses = 0
    transport.alterGet = (response) => {
      responses += 1
      return responses === 3 ? { ...response, body: broken(response.body, 70_001, lost) } : response
    }
    replaceAt(bucket, transport, 4)
    await fetch(bucket, target, { parallel: 1 })
    expect(target.bytes).toEqual(newer)
    expect(transfers(log)).toEqual(['restart'])
  })

  test('and a cache that ignores If-Match are detected by the ETag of the response', async () => {
    const { bucket, transport, log, target } = await stored()
    const get = transport.get.bind(transport)
    transport.get = (request) => {
      const { 'if-match': _, ...headers } = request.headers
      return get({ ...request, headers })
    }
    replaceAt(bucket, transport, 4)
    await fetch(bucket, target)
    expect(target.bytes).toEqual(newer)
    expect(transfers(log)).toEqual(['restart'])
  })

  test('by one that cannot be read fails with its error, and leaves nothing', async () => {
    const { bucket, transport, target } = await stored()
    transport.intercept = (request) => (isGetOf(3)(request) ? transport.plant('a', pattern(9)) : undefined)
    await expect(fetch(bucket, target)).rejects.toEqual(code('ERR_CSE_NOT_ENCRYPTED'))
    expectNothingLeft(target)
  })
})
