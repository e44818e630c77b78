import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createTestProvider, MemoryTransport } from '@oss-cse/crypto-core/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { pattern } from '../../test/bytes.ts'
import { CryptoBucket } from '../crypto-bucket.ts'
import { httpGet as nodeGet } from './http-get.node.ts'
import { httpGet as webGet } from './http-get.web.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const data = pattern(300_000)
const REQUEST_ID = '6556E3AED11E553933CCDEDF'
let server: Server
let url: string
let transport: MemoryTransport
let bucket: CryptoBucket
let requests: { headers: NodeJS.Dict<string | string[]> }[]
/** Replaces the server's answer. */
let answer: RequestListener | undefined

beforeEach(async () => {
  transport = new MemoryTransport()
  bucket = new CryptoBucket({
    transport,
    provider: createTestProvider(),
    retry: { minDelayMs: 0, maxDelayMs: 0 },
  })
  requests = []
  answer = undefined
  server = createServer(async (request, response) => {
    requests.push({ headers: request.headers })
    if (answer !== undefined) return answer(request, response)
    const { range, 'if-match': ifMatch } = request.headers
    const got = await transport.get({
      key: 'a',
      headers: { ...(range && { range }), ...(ifMatch && { 'if-match': ifMatch }) },
    })
    response.writeHead(got.status, { 'x-oss-request-id': REQUEST_ID, ...got.headers })
    for await (const chunk of got.body) response.write(chunk)
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a?Signature=s3cret`
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

async function read(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return new Uint8Array(Buffer.concat(chunks))
}

test('a presigned URL is read and decrypted, whole and by range, without a header that its signature would have to cover', async () => {
  await bucket.put('a', data)
  expect(await read((await bucket.getByUrl(url)).body)).toEqual(data)
  for (const range of ['100-', '5-70000', '-77', '299999-400000', '-400000']) {
    const result = await bucket.getByUrl(new URL(url), { range })
    const bytes = await read(result.body)
    expect(bytes).toEqual(await bucket.getBytes('a', { range }))
  }
  for (const { headers } of requests) {
    expect(Object.keys(headers).filter((name) => name.startsWith('x-oss-'))).toEqual([])
    expect(headers['accept-encoding']).toBe('identity')
  }
})

test('a range behind the end of the object is not satisfiable, though the server answers everything', async () => {
  await bucket.put('a', data)
  await expect(bucket.getByUrl(url, { range: '300000-' })).rejects.toEqual(
    code('ERR_CSE_RANGE_NOT_SATISFIABLE'),
  )
})

test('ciphertext stored with a Content-Encoding is read as it is stored', async () => {
  await bucket.put('a', data, { headers: { 'content-encoding': 'gzip' } })
  expect(await read((await bucket.getByUrl(url)).body)).toEqual(data)
})

test('an interrupted read goes on', async () => {
  await bucket.put('a', data)
  const stored = transport.objects.get('a')
  if (stored === undefined) throw new Error('nothing is stored')
  answer = (_request, response) => {
    answer = undefined
    response.writeHead(200, {
      'x-oss-request-id': REQUEST_ID,
      ...stored.headers,
      etag: stored.etag,
      'content-length': data.length,
      'x-oss-hash-crc64ecma': String(stored.crc64),
    })
    response.write(stored.bytes.subarray(0, 100_000), () => response.destroy())
  }
  expect(await read((await bucket.getByUrl(url)).body)).toEqual(data)
  expect(requests).toHaveLength(2)
  expect(requests[1]?.headers['if-match']).toBe(stored.etag)
})

test.each([
  [403, 'ERR_CSE_ACCESS_DENIED'],
  [404, 'ERR_CSE_NOT_FOUND'],
  [302, 'ERR_CSE_SERVICE'],
  [400, 'ERR_CSE_SERVICE'],
])('status %d is %s, and the error does not name the URL', async (status, expected) => {
  answer = (_request, response) =>
    response.writeHead(status, { location: 'http://elsewhere.example/' }).end('<Error/>')
  const error = await bucket.getByUrl(url).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: expected, status })
  expect(`${String(error)}${JSON.stringify(error)}`).not.toContain('s3cret')
  expect(requests).toHaveLength(1)
})

test('a connection that cannot be made is retried, then a network error without the URL', async () => {
  await new Promise((resolve) => server.close(resolve))
  const error = await bucket.getByUrl(url).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'ERR_CSE_NETWORK' })
  expect(String(error)).not.toContain('s3cret')
})

test.each(['not a url', 'ftp://host/a', 'file:///etc/passwd'])(
  '%s is refused before any request',
  async (bad) => {
    await expect(bucket.getByUrl(bad)).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
  },
)

test('a URL that would have the server process the object is refused before any request', async () => {
  await expect(bucket.getByUrl(`${url}&x-oss-process=image%2Fresize`)).rejects.toEqual(
    code('ERR_CSE_OPERATION_REFUSED'),
  )
  expect(requests).toEqual([])
})

describe.each([
  ['node', nodeGet],
  ['web', webGet],
] as const)('the %s reader', (name, get) => {
  const request = (headers: Record<string, string> = {}) =>
    get({ url: new URL(url), headers, signal: new AbortController().signal })

  test('gives the stored bytes and headers', async () => {
    await transport.plant('a', data, { 'x-oss-meta-m': '1' })
    const response = await request({ 'accept-encoding': 'identity' })
    expect(response).toMatchObject({
      // A browser asks for the whole by a range.
      status: name === 'web' ? 206 : 200,
      headers: { 'x-oss-meta-m': '1', 'content-length': '300000' },
    })
    expect(await read(response.body)).toEqual(data)
  })

  test('an object of 0 bytes is read, whole', async () => {
    await transport.plant('a', new Uint8Array())
    const response = await request()
    expect(response).toMatchObject({ status: 200, headers: { 'content-length': '0' } })
    expect(await read(response.body)).toEqual(new Uint8Array())
  })

  test.each([
    [304, undefined, 'ERR_CSE_NOT_MODIFIED', false],
    [403, 'AccessDenied', 'ERR_CSE_ACCESS_DENIED', false],
    [408, undefined, 'ERR_CSE_TIMEOUT', true],
    [409, undefined, 'ERR_CSE_SERVICE', false],
    [429, undefined, 'ERR_CSE_THROTTLED', true],
    [500, 'InternalError', 'ERR_CSE_SERVICE', true],
    [501, undefined, 'ERR_CSE_SERVICE', false],
    [502, undefined, 'ERR_CSE_SERVICE', true],
    [503, undefined, 'ERR_CSE_THROTTLED', true],
    [504, undefined, 'ERR_CSE_SERVICE', true],
    [400, 'RequestTimeout', 'ERR_CSE_TIMEOUT', true],
    [403, 'RequestTimeTooSkewed', 'ERR_CSE_CLOCK_SKEW', false],
  ])(
    'status %d with the code %s is %s, retryable: %s, as everywhere',
    async (status, serviceCode, expected, retryable) => {
      answer = (_request, response) => {
        const { url: target } = _request
        const document = `<Error><Code>${serviceCode}</Code><Message>${target}</Message><RequestId>${target}</RequestId></Error>`
        response.writeHead(status).end(serviceCode && document)
      }
      const error = await request().catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: expected, status, retryable })
      expect(`${String(error)}${JSON.stringify(error)}`).not.toContain('s3cret')
    },
  )

  test('a refusal whose document breaks off is the refusal', async () => {
    answer = (_request, response) => {
      response.writeHead(403, { 'content-length': 1000 })
      response.write('<Error><Code>AccessDenied</Code>', () => response.destroy())
    }
    await expect(request()).rejects.toMatchObject({ code: 'ERR_CSE_ACCESS_DENIED', status: 403 })
  })

  test.each([200, 206])('a %d of a captive portal is no response of the service', async (status) => {
    answer = (_request, response) =>
      response
        .writeHead(status, { 'content-type': 'text/html', etag: '"x"' })
        .end('<html>Please log in</html>')
    await expect(request()).rejects.toMatchObject({
      code: 'ERR_CSE_SERVICE',
      status,
      retryable: false,
      message: expect.stringContaining('not a response of OSS'),
    })
  })

  test('an aborted read rejects with the signal’s reason, before and while reading', async () => {
    await transport.plant('a', pattern(20_000_000))
    const reason = new Error('stop')
    const controller = new AbortController()
    const target = { url: new URL(url), headers: {} }
    await expect(get({ ...target, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const response = await get({ ...target, signal: controller.signal })
    const iterator = response.body[Symbol.asyncIterator]()
    await iterator.next()
    controller.abort(reason)
    const rest = async () => {
      while (!(await iterator.next()).done);
    }
    await expect(rest()).rejects.toBe(reason)
  })

  test('a reader that never starts closes the connection, also while a read is under way', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-length': 1000, 'x-oss-request-id': REQUEST_ID })
      response.write(pattern(10))
    }
    for (const pending of [false, true]) {
      const closed = new Promise<void>((resolve) => {
        server.once('connection', (socket) => socket.once('close', () => resolve()))
      })
      const { body } = await get({ url: new URL(url), headers: {}, signal: new AbortController().signal })
      const iterator = body[Symbol.asyncIterator]()
      if (pending) await iterator.next()
      const read = pending ? Promise.allSettled([iterator.next()]) : undefined
      await iterator.return?.()
      await closed
      await read
    }
  })

  test('a reader that stops early closes the connection', async () => {
    await transport.plant('a', pattern(20_000_000))
    const closed = new Promise<void>((resolve) =>
      server.once('connection', (socket) => socket.once('close', () => resolve())),
    )
    const { body } = await get({ url: new URL(url), headers: {}, signal: new AbortController().signal })
    for await (const _ of body) break
    await closed
  })

  if (name === 'web') {
    test('asks for the whole by a range that the service does not judge, and past every cache', async () => {
      await transport.plant('a', data)
      const { body } = await request({ 'accept-encoding': 'identity' })
      await read(body)
      await read((await request({ range: 'bytes=16-' })).body)
      expect(requests.map(({ headers }) => headers['range'])).toEqual(['bytes=0-', 'bytes=16-'])
      for (const { headers } of requests) {
        expect(headers).toMatchObject({ 'cache-control': 'no-cache' })
        expect(headers['referer']).toBeUndefined()
        expect(headers['x-oss-range-behavior']).toBeUndefined()
      }
    })

    test('refuses what fetch would decompress', async () => {
      await transport.plant('a', data, { 'content-encoding': 'gzip' })
      await expect(request()).rejects.toEqual(code('ERR_CSE_OPERATION_REFUSED'))
    })
  }
})
