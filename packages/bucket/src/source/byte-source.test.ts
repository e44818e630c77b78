import { describe, expect, test } from 'vitest'
import { impatientTransport } from '../../test/impatient-transport.ts'
import { memoryBucket } from '../../test/memory-bucket.ts'
import { type BodyInput, sourceCheck } from './byte-source.ts'

test('a stream of unknown length fails when it exceeds what one upload can hold', () => {
  const chunk = new Uint8Array(1024 ** 2)
  const check = sourceCheck({ sizeBytes: undefined })
  for (let received = 0; received < 5 * 1024 ** 3; received += chunk.length) check.onReceived?.(chunk)
  expect(() => check.onReceived?.(chunk.subarray(0, 1))).toThrow(
    expect.objectContaining({ code: 'ERR_CSE_SOURCE' }),
  )
})

const text = (chunk: string): Uint8Array => new TextEncoder().encode(chunk)

function webStream(...chunks: (Uint8Array | string)[]): ReadableStream<Uint8Array | string> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
}

async function* generator(...chunks: (Uint8Array | string)[]): AsyncGenerator<Uint8Array | string> {
  yield* chunks
}

/** Bodies that were read before, in whole or in part. */
const SPENT: readonly (readonly [name: string, make: () => Promise<BodyInput>])[] = [
  [
    'a Web stream that is locked',
    async () => {
      const stream = webStream('abc')
      stream.getReader()
      return stream
    },
  ],
  [
    'a Web stream from which one chunk was read',
    async () => {
      const stream = webStream('abc', 'def')
      const reader = stream.getReader()
      await reader.read()
      reader.releaseLock()
      return stream
    },
  ],
  [
    'a Web stream that was read to its end',
    async () => {
      const stream = webStream('abc')
      const reader = stream.getReader()
      while (!(await reader.read()).done);
      reader.releaseLock()
      return stream
    },
  ],
  [
    'a Web stream that was cancelled',
    async () => {
      const stream = webStream('abc')
      await stream.cancel()
      return stream
    },
  ],
  [
    'a generator that has ended',
    async () => {
      const chunks = generator('abc')
      for await (const _ of chunks);
      return chunks
    },
  ],
  [
    'a generator that was returned',
    async () => {
      const chunks = generator('abc')
      await chunks.return(undefined)
      return chunks
    },
  ],
]

describe.each(SPENT)('%s', (_, make) => {
  test('is refused before any request, and the object stays unchanged', async () => {
    const { bucket, transport } = memoryBucket()
    await bucket.put('a', 'good')
    transport.requests.length = 0
    await expect(bucket.put('a', await make())).rejects.toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
    expect(transport.requests).toEqual([])
    expect(await bucket.getBytes('a')).toEqual(text('good'))
  })
})

test.each([
  ['a Web stream', () => webStream('ab', text('c'), '中')],
  ['a generator', () => generator('ab', text('c'), '中')],
  [
    'an iterable that restarts each time',
    () => ({ [Symbol.asyncIterator]: () => generator('ab', text('c'), '中') }),
  ],
])('%s may yield text, which is uploaded as UTF-8', async (_, make) => {
  const { bucket } = memoryBucket()
  await bucket.put('a', make())
  expect(await bucket.getBytes('a')).toEqual(text('abc中'))
  await bucket.put('a', make(), { sizeBytes: 6 })
  expect(await bucket.getBytes('a')).toEqual(text('abc中'))
})

test('an empty Web stream, and an iterator declared as empty, make an empty object', async () => {
  const { bucket } = memoryBucket()
  for (const put of [
    () => bucket.put('a', webStream()),
    () => bucket.put('a', generator(), { sizeBytes: 0 }),
    () => bucket.put('a', generator(new Uint8Array())),
  ]) {
    await bucket.put('a', 'good')
    expect(await put()).toMatchObject({ sizeBytes: 0, verification: 'crc64' })
    expect(await bucket.getBytes('a')).toEqual(new Uint8Array())
  }
})

test('the failure of a generator’s first step is a source failure, and a step that never ends is ended by the signal', async () => {
  const { bucket, transport } = memoryBucket()
  const broken = new Error('the disk is gone')
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield* []
    throw broken
  }
  await expect(bucket.put('a', failing())).rejects.toMatchObject({ code: 'ERR_CSE_SOURCE', cause: broken })
  const controller = new AbortController()
  const reason = new Error('stop')
  async function* silent(): AsyncGenerator<Uint8Array> {
    controller.abort(reason)
    await new Promise(() => {})
    yield new Uint8Array()
  }
  await expect(bucket.put('a', silent(), { signal: controller.signal })).rejects.toBe(reason)
  expect(transport.requests).toEqual([])
})

describe.each([
  ['its first chunk is invalid', [5], {}],
  ['its second chunk is invalid', ['abc', 5], {}],
  ['it is longer than announced', ['abc', 'def'], { sizeBytes: 4 }],
] as const)('a source is ended when %s', (_, chunks, options) => {
  test.each(['a generator', 'a Web stream'])('%s', async (kind) => {
    const { bucket } = memoryBucket()
    let ended = false
    async function* endless(): AsyncGenerator<never> {
      try {
        yield* chunks as readonly unknown[] as never[]
        for (;;) yield 'more' as never
      } finally {
        ended = true
      }
    }
    const source = endless()
    const body =
      kind === 'a generator'
        ? source
        : new ReadableStream<never>({
            async pull(controller) {
              controller.enqueue((await source.next()).value as never)
            },
            cancel: async () => void (await source.return(undefined)),
          })
    const put = bucket.put('a', body, options)
    await expect(put).rejects.toMatchObject({ code: 'ERR_CSE_SOURCE' })
    // No call waits for it.
    while (!ended) await new Promise((resolve) => setTimeout(resolve))
  })
})

test('after an abort no more chunks are pulled, even while small chunks are being gathered', async () => {
  const { bucket } = memoryBucket({ transport: impatientTransport() })
  const controller = new AbortController()
  let pulled = 0
  let ended = false
  async function* small(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        pulled += 1
        if (pulled === 10) controller.abort(new Error('stop'))
        await new Promise((resolve) => setTimeout(resolve))
        yield new Uint8Array(1)
      }
    } finally {
      ended = true
    }
  }
  await expect(bucket.put('a', small(), { signal: controller.signal })).rejects.toThrow('stop')
  while (!ended) await new Promise((resolve) => setTimeout(resolve))
  expect(pulled).toBeLessThan(20)
  expect(await bucket.exists('a')).toBe(false)
})
