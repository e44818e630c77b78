import { type GetByUrlRequest, TransportError } from '@oss-cse/crypto-core'
import { createTestProvider } from '@oss-cse/crypto-core/testing'
import { describe, expect, test, vi } from 'vitest'
import { pattern } from '../../test/bytes.ts'
import { memoryBucket } from '../../test/memory-bucket.ts'
import { type BucketTransport, CryptoBucket } from '../crypto-bucket.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const data = pattern(300_000)
const url = 'https://bucket.example/a?Signature=s3cret'

async function read(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: number[] = []
  for await (const chunk of body) for (const byte of chunk) chunks.push(byte)
  return Uint8Array.from(chunks)
}

test('a presigned URL is read and decrypted, whole and by range, without a header that its signature would have to cover', async () => {
  const { bucket, transport } = memoryBucket()
  await bucket.put('a', data)
  expect(await read((await bucket.getByUrl(url)).body)).toEqual(data)
  for (const range of ['100-', '5-70000', '-77', '299999-400000', '-400000']) {
    const result = await bucket.getByUrl(new URL(url), { range })
    expect(await read(result.body)).toEqual(await bucket.getBytes('a', { range }))
  }
  const requests = transport.requests.filter(({ operation }) => operation === 'getByUrl')
  expect(requests.length).toBeGreaterThanOrEqual(6)
  for (const { headers } of requests) {
    expect(Object.keys(headers).filter((name) => name.startsWith('x-oss-'))).toEqual([])
    expect(headers['accept-encoding']).toBe('identity')
  }
})

test('a provider receives the origin, the path and the version of the URL', async () => {
  const provider = createTestProvider()
  const unwrap = vi.spyOn(provider, 'unwrap')
  const { bucket } = memoryBucket({ provider })
  await bucket.put('a ü', data)
  for (const [query, versionId] of [
    ['Signature=s3cret', undefined],
    ['versionId=CAEQ%2B&Signature=s3cret', 'CAEQ+'],
  ]) {
    await (await bucket.getByUrl(`https://bucket.example/a%20%C3%BC?${query}`)).body.cancel()
    expect(unwrap.mock.lastCall?.[1]?.object).toEqual({
      location: 'https://bucket.example',
      key: 'a ü',
      versionId,
    })
  }
})

test('a range after the end of the object is not satisfiable, even if the server returns the whole object', async () => {
  const { bucket } = memoryBucket()
  await bucket.put('a', data)
  await expect(bucket.getByUrl(url, { range: '300000-' })).rejects.toEqual(
    code('ERR_CSE_RANGE_NOT_SATISFIABLE'),
  )
})

test('ciphertext stored with a Content-Encoding is read as it is stored', async () => {
  const { bucket } = memoryBucket()
  await bucket.put('a', data, { headers: { 'content-encoding': 'gzip' } })
  expect(await read((await bucket.getByUrl(url)).body)).toEqual(data)
})

test('an interrupted read is resumed', async () => {
  const { bucket, transport } = memoryBucket()
  await bucket.put('a', data)
  const getByUrl = transport.getByUrl.bind(transport)
  const requests: GetByUrlRequest[] = []
  transport.getByUrl = async (request) => {
    const response = await getByUrl(request)
    if (requests.push(request) > 1) return response
    const chunks = response.body[Symbol.asyncIterator]()
    const body = async function* (): AsyncGenerator<Uint8Array> {
      yield (await chunks.next()).value
      throw new TransportError('ERR_CSE_NETWORK', 'The connection broke.', { retryable: true })
    }
    return { ...response, body: body() }
  }
  expect(await read((await bucket.getByUrl(url)).body)).toEqual(data)
  expect(requests).toHaveLength(2)
  expect(requests[1]?.headers['if-match']).toBe(transport.objects.get('a')?.etag)
})

test('an error of the transport names the object and keeps the rest, and a temporary one is retried', async () => {
  const { bucket, transport } = memoryBucket()
  await bucket.put('a', data)
  let asked = 0
  for (const retryable of [false, true]) {
    asked = 0
    const cause = new Error('why')
    const fields = { requestId: 'R', retryable }
    const refused = new TransportError('ERR_CSE_ACCESS_DENIED', 'It may have expired.', { ...fields, cause })
    transport.getByUrl = async () => {
      asked += 1
      throw refused
    }
    await expect(bucket.getByUrl(url)).rejects.toMatchObject({
      ...fields,
      code: 'ERR_CSE_ACCESS_DENIED',
      message: 'a: It may have expired.',
      objectKey: 'a',
      cause,
    })
    expect(asked).toBe(retryable ? 4 : 1)
  }
})

test.each(['not a url', 'ftp://host/a?s3cret', 'file:///etc/passwd'])(
  '%s is refused before any request, and not contained in the error',
  async (bad) => {
    const { bucket, transport } = memoryBucket()
    const error = await bucket.getByUrl(bad).catch((thrown: unknown) => thrown)
    expect(error).toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    expect(String(error)).not.toContain(bad)
    expect(transport.requests).toEqual([])
  },
)

test('a URL that requests processing on the server is refused before any request', async () => {
  const { bucket, transport } = memoryBucket()
  await expect(bucket.getByUrl(`${url}&x-oss-process=image%2Fresize`)).rejects.toEqual(
    code('ERR_CSE_OPERATION_REFUSED'),
  )
  expect(transport.requests).toEqual([])
})

test('a symbolic link is refused, and its connection closed', async () => {
  const { bucket, transport } = memoryBucket()
  await bucket.put('target', data)
  transport.links.set('a', 'target')
  let closed = false
  const getByUrl = transport.getByUrl.bind(transport)
  transport.getByUrl = async (request) => {
    const response = await getByUrl(request)
    const chunks = response.body[Symbol.asyncIterator]()
    const iterator: AsyncIterator<Uint8Array> = {
      next: () => chunks.next(),
      async return() {
        closed = true
        return { done: true, value: undefined }
      },
    }
    return { ...response, body: { [Symbol.asyncIterator]: () => iterator } }
  }
  await expect(bucket.getByUrl(url)).rejects.toEqual(code('ERR_CSE_OPERATION_REFUSED'))
  expect(closed).toBe(true)
})

describe('the transport', () => {
  const bucketOn = (transport: BucketTransport) =>
    new CryptoBucket({ transport, provider: createTestProvider(), retry: { minDelayMs: 0, maxDelayMs: 0 } })

  test('without getByUrl refuses a URL before any request, and names the transports that have it', async () => {
    const { transport } = memoryBucket()
    const { put, get, head } = transport
    const bucket = bucketOn({
      put: put.bind(transport),
      get: get.bind(transport),
      head: head.bind(transport),
    })
    const error = await bucket.getByUrl(url).catch((thrown: unknown) => thrown)
    expect(error).toEqual(code('ERR_CSE_OPERATION_REFUSED'))
    for (const name of ['@oss-cse/transport-fetch', '@oss-cse/transport-oss']) {
      expect(String(error)).toContain(name)
    }
    expect(transport.requests).toEqual([])
  })

  const CALLS: readonly (readonly [string, string, (bucket: CryptoBucket) => Promise<unknown>])[] = [
    ['put', 'put', (bucket) => bucket.put('a', 'text')],
    ['get', 'get', (bucket) => bucket.get('a')],
    ['getBytes', 'get', (bucket) => bucket.getBytes('a')],
    ['openObject', 'get', (bucket) => bucket.openObject('a')],
    ['download', 'get', (bucket) => bucket.download('a', { write: async () => {} } as never)],
    ['upload', 'put', (bucket) => bucket.upload('a', data)],
    [
      'initiateMultipartUpload',
      'multipart uploads',
      (bucket) => bucket.initiateMultipartUpload('a', { sizeBytes: 10 }),
    ],
    ['resumeMultipartUpload', 'multipart uploads', (bucket) => bucket.resumeMultipartUpload({} as never)],
    ['listUploads', 'listUploads', (bucket) => bucket.listUploads().next()],
    ['abortMultipartUpload', 'abort', (bucket) => bucket.abortMultipartUpload('a', 'u')],
    ['head', 'head', (bucket) => bucket.head('a')],
    ['exists', 'head', (bucket) => bucket.exists('a')],
    ['list', 'list', (bucket) => bucket.list().next()],
    ['delete', 'delete', (bucket) => bucket.delete('a')],
    ['deleteMany', 'deleteMany', (bucket) => bucket.deleteMany(['a'])],
    ['copy', 'copy', (bucket) => bucket.copy('a', 'b')],
  ]

  test.each(CALLS)('with getByUrl alone refuses %s: it has no %s', async (_call, lacking, call) => {
    const { transport } = memoryBucket()
    const bucket = bucketOn({ getByUrl: transport.getByUrl.bind(transport) })
    await expect(call(bucket)).rejects.toMatchObject({
      code: 'ERR_CSE_OPERATION_REFUSED',
      message: `The transport of this bucket has no ${lacking}.`,
    })
    expect(transport.requests).toEqual([])
  })

  test('with getByUrl alone reads URLs', async () => {
    const { bucket: writer, transport } = memoryBucket()
    await writer.put('a', data)
    const bucket = bucketOn({ getByUrl: transport.getByUrl.bind(transport) })
    expect(await read((await bucket.getByUrl(url)).body)).toEqual(data)
  })

  test('with only some of put, get and head is refused, even if it has getByUrl', () => {
    const { transport } = memoryBucket()
    const { get, getByUrl } = transport
    for (const half of [{}, { get }, { get, getByUrl }, undefined]) {
      expect(() => bucketOn(half as never)).toThrow(code('ERR_CSE_INVALID_ARGUMENT'))
    }
  })
})

test('a stream that a bucket of URLs alone cannot put is closed', async () => {
  let cancelled = false
  const stream = new ReadableStream<Uint8Array>({
    cancel() {
      cancelled = true
    },
  })
  const transport: BucketTransport = { getByUrl: () => Promise.reject(new Error('not called')) }
  const bucket = new CryptoBucket({ transport, provider: createTestProvider() })
  await expect(bucket.put('a', stream)).rejects.toEqual(code('ERR_CSE_OPERATION_REFUSED'))
  expect(cancelled).toBe(true)
})
