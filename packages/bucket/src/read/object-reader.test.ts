import { concatBytes, type GetObjectResponse } from '@oss-cse/crypto-core'
import { createCrc64 } from '@oss-cse/crypto-core/internal'
import type { MemoryTransport } from '@oss-cse/crypto-core/testing'
import { describe, expect, test } from 'vitest'
import { broken, chunked, pattern } from '../../test/bytes.ts'
import { memoryBucket } from '../../test/memory-bucket.ts'
import { denied, lost, operations } from '../../test/multipart.ts'
import { WatchedKeyring } from '../../test/watched-keys.ts'
import type { ObjectReader, RangeRead } from './object-reader.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const reason = new Error('stop')
const data = pattern(1000)

async function read(run: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks = []
  for await (const chunk of run) chunks.push(chunk)
  return concatBytes(chunks)
}

async function stored(bytes: Uint8Array = data) {
  const keyring = new WatchedKeyring()
  const made = memoryBucket({ keyring })
  await made.bucket.put('a', bytes)
  made.transport.requests.length = 0
  keyring.handedOut.length = 0
  return { ...made, keyring }
}

/** Changes the k-th response to a get, and returns whether its connection was closed. */
function alterResponse(
  transport: MemoryTransport,
  k: number,
  alter: (response: GetObjectResponse) => Partial<GetObjectResponse>,
): { closed: boolean } {
  const state = { closed: false }
  let responses = 0
  transport.alterGet = (response) => {
    responses += 1
    if (responses !== k) return response
    const altered = { ...response, ...alter(response) }
    const iterator = altered.body[Symbol.asyncIterator]()
    const body: AsyncIterator<Uint8Array> = {
      next: () => iterator.next(),
      async return() {
        state.closed = true
        await iterator.return?.()
        return { done: true, value: undefined }
      },
    }
    return { ...altered, body: { [Symbol.asyncIterator]: () => body } }
  }
  return state
}

test('every range of a small object is that slice of it', async () => {
  const { bucket, transport } = await stored(data.subarray(0, 53))
  transport.chunkBytes = 7
  const reader = await bucket.openObject('a')
  for (let start = 0; start < 53; start++) {
    for (let end = start; end < 53; end++) {
      expect(await read(reader.read({ start, end }))).toEqual(data.subarray(start, end + 1))
    }
  }
  await reader.close()
})

test('the checksum of a range is that of its ciphertext, and only the plaintext at that offset has it', async () => {
  const { bucket, transport } = await stored()
  const ciphertext = transport.objects.get('a')?.bytes ?? new Uint8Array()
  const reader = await bucket.openObject('a')
  for (const [start, end] of [
    [0, 0],
    [0, 999],
    [3, 500],
    [17, 31],
    [999, 999],
  ] as const) {
    const run = reader.read({ start, end })
    expect(run.ciphertextCrc64()).toBeUndefined()
    const plaintext = await read(run)
    const crc = createCrc64()
    crc.update(ciphertext.subarray(start, end + 1))
    expect(run.ciphertextCrc64()).toBe(crc.value())
    expect(await reader.markOf(chunked(plaintext, 5), { start, end })).toBe(String(crc.value()))
    // One byte has the same ciphertext at two offsets in 1 of 256 cases.
    if (end > start) {
      expect(await reader.markOf(chunked(plaintext, 5), { start: start + 16, end })).not.toBe(
        String(crc.value()),
      )
    }
  }
})

test('several ranges are read in parallel, chunk by chunk in turns', async () => {
  const { bucket, transport } = await stored()
  transport.chunkBytes = 11
  const reader = await bucket.openObject('a')
  const starts = [0, 1, 16, 333, 990]
  const runs = starts.map((start) => reader.read({ start, end: 999 })[Symbol.asyncIterator]())
  const bytes: Uint8Array[] = starts.map(() => new Uint8Array())
  for (let open = runs.length; open > 0; ) {
    open = 0
    for (const [index, run] of runs.entries()) {
      const { done, value } = await run.next()
      if (done) continue
      open += 1
      bytes[index] = concatBytes([bytes[index] ?? new Uint8Array(), value])
    }
  }
  for (const [index, start] of starts.entries()) expect(bytes[index]).toEqual(data.subarray(start))
})

test('the key is unwrapped once, with one HEAD, and each request is pinned to the object', async () => {
  const { bucket, transport, keyring } = await stored()
  const reader = await bucket.openObject('a', {
    versionId: 'v1',
    headers: { 'x-oss-request-payer': 'requester' },
  })
  expect(operations(transport)).toEqual(['head'])
  await Promise.all([0, 100, 200].map((start) => read(reader.read({ start, end: 999 }))))
  await reader.close()
  expect(keyring.unwrapped).toBe(1)
  for (const { operation, headers, versionId } of transport.requests) {
    expect(versionId).toBe('v1')
    expect(headers).toMatchObject({ 'accept-encoding': 'identity', 'x-oss-request-payer': 'requester' })
    expect(headers['if-match']).toBe(operation === 'head' ? undefined : reader.description.etag)
  }
})

test('it describes the object', async () => {
  const { bucket } = await stored()
  await bucket.put('a', data, { metadata: { by: 'me' }, contentType: 'text/x-a' })
  const head = await bucket.head('a')
  for (const firstRange of [undefined, { start: 5, end: 9 }]) {
    const { description, sizeBytes } = await bucket.openObject('a', { firstRange })
    expect(sizeBytes).toBe(1000)
    expect(description).toMatchObject({
      key: 'a',
      metadata: { by: 'me' },
      contentType: 'text/x-a',
      etag: head.etag,
    })
    expect(description.envelope).toEqual(head.envelope)
  }
})

test('an empty object has no bytes to read', async () => {
  const { bucket, transport } = await stored(new Uint8Array())
  const reader = await bucket.openObject('a')
  expect(reader.sizeBytes).toBe(0)
  expect(() => reader.read({ start: 0, end: 0 })).toThrow(code('ERR_CSE_RANGE_NOT_SATISFIABLE'))
  await reader.close()
  expect(operations(transport)).toEqual(['head'])
})

test.each([
  [{ start: 0, end: 1000 }, 'ERR_CSE_RANGE_NOT_SATISFIABLE'],
  [{ start: 1000, end: 1000 }, 'ERR_CSE_RANGE_NOT_SATISFIABLE'],
  [{ start: 5, end: 4 }, 'ERR_CSE_INVALID_ARGUMENT'],
  [{ start: -1, end: 4 }, 'ERR_CSE_INVALID_ARGUMENT'],
  [{ start: 0.5, end: 4 }, 'ERR_CSE_INVALID_ARGUMENT'],
])('the range %j is refused before any request', async (range, expected) => {
  const { bucket, transport } = await stored()
  const reader = await bucket.openObject('a')
  transport.requests.length = 0
  expect(() => reader.read(range)).toThrow(code(expected))
  expect(transport.requests).toEqual([])
})

describe('opened by its first range', () => {
  test('an object needs no second request for that range', async () => {
    const { bucket, transport } = await stored()
    for (const start of [0, 3, 16, 500]) {
      transport.requests.length = 0
      const reader = await bucket.openObject('a', { firstRange: { start, end: 700 } })
      expect(await read(reader.read({ start, end: 700 }))).toEqual(data.subarray(start, 701))
      expect(operations(transport)).toEqual(['get'])
      expect(await read(reader.read({ start, end: 700 }))).toEqual(data.subarray(start, 701))
      expect(operations(transport)).toEqual(['get', 'get'])
      await reader.close()
    }
  })

  test.each([
    ['shorter', { start: 100, end: 150 }],
    ['longer', { start: 100, end: 999 }],
    ['earlier', { start: 0, end: 200 }],
    ['later', { start: 101, end: 200 }],
  ])('an object returns another range that is %s', async (_what, range) => {
    const { bucket } = await stored()
    const reader = await bucket.openObject('a', { firstRange: { start: 100, end: 200 } })
    expect(await read(reader.read(range))).toEqual(data.subarray(range.start, range.end + 1))
    await reader.close()
  })

  test('an object that ends inside the first range has the right length', async () => {
    const { bucket, transport } = await stored()
    const reader = await bucket.openObject('a', { firstRange: { start: 0, end: 1_000_000 } })
    expect(reader.sizeBytes).toBe(1000)
    expect(await read(reader.read({ start: 0, end: 999 }))).toEqual(data)
    expect(operations(transport)).toEqual(['get'])
  })

  test('an object closes the connection when that range is not read', async () => {
    const { bucket, transport } = await stored()
    const first = alterResponse(transport, 1, () => ({}))
    const reader = await bucket.openObject('a', { firstRange: { start: 0, end: 99 } })
    await read(reader.read({ start: 200, end: 299 }))
    expect(first.closed).toBe(false)
    await reader.close()
    expect(first.closed).toBe(true)
    await reader.close()
  })

  test('an object that cannot be opened closes the connection', async () => {
    const { bucket, transport } = await stored()
    const first = alterResponse(transport, 1, ({ headers }) => ({
      headers: { ...headers, 'x-oss-meta-client-side-encryption-key': btoa('x'.repeat(40)) },
    }))
    await expect(bucket.openObject('a', { firstRange: { start: 0, end: 99 } })).rejects.toMatchObject({
      code: 'ERR_CSE_UNWRAP_FAILED',
      objectKey: 'a',
    })
    expect(first.closed).toBe(true)
  })

  test('an object whose read was aborted before it started is not read', async () => {
    const { bucket, transport } = await stored()
    const first = alterResponse(transport, 1, () => ({}))
    const reader = await bucket.openObject('a', { firstRange: { start: 0, end: 99 } })
    const run = reader.read({ start: 0, end: 99 }, { signal: AbortSignal.abort(reason) })
    await expect(read(run)).rejects.toBe(reason)
    await reader.close()
    expect(first.closed).toBe(true)
  })
})

describe('an object that was replaced', () => {
  test('is not read any more, whether the service or only its response shows it', async () => {
    const { bucket, transport } = await stored()
    const reader = await bucket.openObject('a')
    await bucket.put('a', data.subarray(0, 900))
    await expect(read(reader.read({ start: 0, end: 9 }))).rejects.toMatchObject({
      code: 'ERR_CSE_PRECONDITION_FAILED',
      objectKey: 'a',
    })
    const get = transport.get.bind(transport)
    transport.get = (request) => get({ ...request, headers: { range: request.headers['range'] ?? '' } })
    const altered = alterResponse(transport, 1, () => ({}))
    await expect(read(reader.read({ start: 0, end: 9 }))).rejects.toEqual(code('ERR_CSE_PRECONDITION_FAILED'))
    expect(altered.closed).toBe(true)
  })

  test('is detected by its length if there is no ETag', async () => {
    const { bucket, transport } = await stored()
    const withoutTag = ({ headers: { etag: _, ...headers } }: GetObjectResponse) => ({ headers })
    alterResponse(transport, 1, withoutTag)
    const reader = await bucket.openObject('a', { firstRange: { start: 0, end: 0 } })
    await bucket.put('a', data.subarray(0, 900))
    const altered = alterResponse(transport, 1, withoutTag)
    await expect(read(reader.read({ start: 100, end: 109 }))).rejects.toEqual(
      code('ERR_CSE_PRECONDITION_FAILED'),
    )
    expect(altered.closed).toBe(true)
  })

  test('after its first range arrived still returns that range', async () => {
    const { bucket } = await stored()
    const reader = await bucket.openObject('a', { firstRange: { start: 0, end: 99 } })
    await bucket.put(
      'a',
      data.map((byte) => byte ^ 1),
    )
    expect(await read(reader.read({ start: 0, end: 99 }))).toEqual(data.subarray(0, 100))
    await expect(read(reader.read({ start: 100, end: 199 }))).rejects.toEqual(
      code('ERR_CSE_PRECONDITION_FAILED'),
    )
  })
})

describe('a response', () => {
  test.each([
    ['with another range', { 'content-range': 'bytes 500-609/1000', 'content-length': '110' }],
    ['with no range', { 'content-range': '' }],
    ['whose announced range is too short', { 'content-range': 'bytes 96-100/1000', 'content-length': '5' }],
  ])('%s is an integrity failure, and its connection is closed', async (_what, wrong) => {
    const { bucket, transport } = await stored()
    const reader = await bucket.openObject('a')
    const altered = alterResponse(transport, 1, ({ headers }) => ({ headers: { ...headers, ...wrong } }))
    await expect(read(reader.read({ start: 100, end: 199 }))).rejects.toMatchObject({
      code: 'ERR_CSE_INTEGRITY',
      objectKey: 'a',
    })
    expect(altered.closed).toBe(true)
  })

  test('that is interrupted is resumed with the same object', async () => {
    const { bucket, transport, log } = await stored()
    transport.chunkBytes = 10
    const reader = await bucket.openObject('a')
    alterResponse(transport, 1, ({ body }) => ({ body: broken(body, 333, lost) }))
    expect(await read(reader.read({ start: 5, end: 990 }))).toEqual(data.subarray(5, 991))
    expect(log).toMatchObject([{ type: 'retry', operation: 'read' }])
    expect(transport.requests.at(-1)?.headers['if-match']).toBe(reader.description.etag)
  })

  test('that fails permanently fails the read', async () => {
    const { bucket, transport } = await stored()
    const reader = await bucket.openObject('a')
    alterResponse(transport, 1, ({ body }) => ({ body: broken(body, 333, denied) }))
    await expect(read(reader.read({ start: 5, end: 990 }))).rejects.toBe(denied)
  })

  test('that is not read to its end is closed', async () => {
    const { bucket, transport } = await stored()
    transport.chunkBytes = 10
    const reader = await bucket.openObject('a')
    const altered = alterResponse(transport, 1, () => ({}))
    for await (const _ of reader.read({ start: 0, end: 999 })) break
    expect(altered.closed).toBe(true)
  })

  test('of a plain object passes if that is allowed', async () => {
    const { bucket, transport } = await stored()
    await transport.plant('a', data)
    await expect(bucket.openObject('a')).rejects.toEqual(code('ERR_CSE_NOT_ENCRYPTED'))
    const reader = await bucket.openObject('a', { onPlainObject: 'passthrough' })
    expect(await read(reader.read({ start: 3, end: 20 }))).toEqual(data.subarray(3, 21))
  })
})

describe('an abort', () => {
  test.each(['head', 'get'])('as the opening %s starts rejects with its reason', async (operation) => {
    const { bucket, transport, keyring } = await stored()
    const controller = new AbortController()
    transport.intercept = () => controller.abort(reason)
    const first = alterResponse(transport, 1, () => ({}))
    const firstRange = operation === 'get' ? { start: 0, end: 9 } : undefined
    await expect(bucket.openObject('a', { firstRange, signal: controller.signal })).rejects.toBe(reason)
    expect(operations(transport)).toEqual([operation])
    expect(first.closed).toBe(operation === 'get')
    expect(keyring.wiped).toBe(true)
  })

  test('during a read ends that read and not the others', async () => {
    const { bucket, transport } = await stored()
    transport.chunkBytes = 10
    const reader = await bucket.openObject('a')
    const controller = new AbortController()
    const other = reader.read({ start: 0, end: 999 })
    let responses = 0
    transport.alterGet = (response) => {
      responses += 1
      if (responses > 1) return response
      async function* body(): AsyncGenerator<Uint8Array> {
        for await (const chunk of response.body) {
          yield chunk
          controller.abort(reason)
        }
      }
      return { ...response, body: body() }
    }
    await expect(read(reader.read({ start: 0, end: 999 }, { signal: controller.signal }))).rejects.toBe(
      reason,
    )
    expect(await read(other)).toEqual(data)
  })
})

describe('a reader that was closed', () => {
  async function closed(): Promise<{ reader: ObjectReader; begun: RangeRead; keyring: WatchedKeyring }> {
    const { bucket, keyring } = await stored()
    const reader = await bucket.openObject('a')
    const begun = reader.read({ start: 0, end: 999 })
    await reader.close()
    return { reader, begun, keyring }
  }

  test('has wiped its key, and throws for what it cannot decrypt', async () => {
    const { reader, keyring } = await closed()
    expect(keyring.handedOut).toHaveLength(1)
    expect(keyring.wiped).toBe(true)
    const reading = async () => read(reader.read({ start: 0, end: 9 }))
    await expect(reading()).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_CSE_/) })
  })

  test('never returns wrong bytes to a read that started before', async () => {
    const { begun } = await closed()
    const bytes = await read(begun).catch(() => data)
    expect(bytes).toEqual(data)
  })
})

test('a target without a file may keep the chunks that it is given', async () => {
  const { bucket } = await stored()
  const reader = await bucket.openObject('a')
  const kept: Uint8Array[] = []
  const target = { write: async (chunk: Uint8Array) => void kept.push(chunk) }
  await reader.readInto({ start: 0, end: 999 }, target)
  await reader.close()
  expect(concatBytes(kept)).toEqual(data)
})
