import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { MemoryTransport } from '@oss-cse/crypto-core/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FetchUrlTransport } from './fetch-url-transport.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const pattern = (sizeBytes: number) =>
  Uint8Array.from({ length: sizeBytes }, (_, i) => (i * 31 + (i >> 8)) & 0xff)
const data = pattern(300_000)
const REQUEST_ID = '6556E3AED11E553933CCDEDF'
const fetched = new FetchUrlTransport()
let server: Server
let url: string
let transport: MemoryTransport
let requests: { headers: NodeJS.Dict<string | string[]> }[]
/** Replaces the response of the server. */
let respond: RequestListener | undefined

beforeEach(async () => {
  transport = new MemoryTransport()
  requests = []
  respond = undefined
  server = createServer(async (request, response) => {
    requests.push({ headers: request.headers })
    if (respond !== undefined) return respond(request, response)
    const { range } = request.headers
    const got = await transport.get({ key: 'a', headers: { ...(range && { range }) } })
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

const request = (headers: Record<string, string> = {}) => fetched.getByUrl({ url: new URL(url), headers })

test('returns the stored bytes and headers, and reads a whole object by a range', async () => {
  await transport.plant('a', data, { 'x-oss-meta-m': '1' })
  const response = await request({ 'accept-encoding': 'identity' })
  expect(response).toMatchObject({
    status: 206,
    headers: { 'x-oss-meta-m': '1', 'content-length': '300000' },
  })
  expect(await read(response.body)).toEqual(data)
})

test('an object of 0 bytes is read as a whole', async () => {
  await transport.plant('a', new Uint8Array())
  const response = await request()
  expect(response).toMatchObject({ status: 200, headers: { 'content-length': '0' } })
  expect(await read(response.body)).toEqual(new Uint8Array())
})

test('a failed connection is an error that does not contain the URL', async () => {
  await new Promise((resolve) => server.close(resolve))
  const error = await request().catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'ERR_CSE_NETWORK', retryable: true })
  expect(inspect(error, { depth: 9 })).not.toContain('s3cret')
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
  'status %d with the code %s is %s, retryable: %s, as in every transport',
  async (status, serviceCode, expected, retryable) => {
    respond = (_request, response) => {
      const { url: target } = _request
      const document = `<Error><Code>${serviceCode}</Code><Message>${target}</Message><RequestId>${target}</RequestId></Error>`
      response.writeHead(status).end(serviceCode && document)
    }
    const error = await request().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: expected, status, retryable })
    expect(`${String(error)}${JSON.stringify(error)}`).not.toContain('s3cret')
  },
)

test('a throttled request tells for how long it was throttled', async () => {
  respond = (_request, response) => response.writeHead(503, { 'x-oss-qos-delay-time': '120' }).end()
  await expect(request()).rejects.toMatchObject({ code: 'ERR_CSE_THROTTLED', qosDelayMs: 120 })
})

test('an error response whose document breaks off keeps its error', async () => {
  respond = (_request, response) => {
    response.writeHead(403, { 'content-length': 1000 })
    response.write('<Error><Code>AccessDenied</Code>', () => response.destroy())
  }
  await expect(request()).rejects.toMatchObject({ code: 'ERR_CSE_ACCESS_DENIED', status: 403 })
})

test.each([200, 206])('a %d of a captive portal is not a response of the service', async (status) => {
  respond = (_request, response) =>
    response.writeHead(status, { 'content-type': 'text/html', etag: '"x"' }).end('<html>Please log in</html>')
  await expect(request()).rejects.toMatchObject({
    code: 'ERR_CSE_SERVICE',
    status,
    retryable: false,
    message: expect.stringContaining('not a response of OSS'),
  })
})

test('an aborted read rejects with the signal’s reason, before and during the read', async () => {
  await transport.plant('a', pattern(20_000_000))
  const reason = new Error('stop')
  const controller = new AbortController()
  const target = { url: new URL(url), headers: {} }
  await expect(fetched.getByUrl({ ...target, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  const response = await fetched.getByUrl({ ...target, signal: controller.signal })
  const iterator = response.body[Symbol.asyncIterator]()
  await iterator.next()
  controller.abort(reason)
  const rest = async () => {
    while (!(await iterator.next()).done);
  }
  await expect(rest()).rejects.toBe(reason)
})

test('returning an iterator before its first read or during a read closes the connection', async () => {
  respond = (_request, response) => {
    response.writeHead(200, { 'content-length': 1000, 'x-oss-request-id': REQUEST_ID })
    response.write(pattern(10))
  }
  for (const pending of [false, true]) {
    const closed = new Promise<void>((resolve) => {
      server.once('connection', (socket) => socket.once('close', () => resolve()))
    })
    const { body } = await request()
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
  const { body } = await request()
  for await (const _ of body) break
  await closed
})

test('requests a whole object by a range that is always valid, and bypasses all caches', async () => {
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

test('refuses an object that fetch would decompress', async () => {
  await transport.plant('a', data, { 'content-encoding': 'gzip' })
  await expect(request()).rejects.toEqual(code('ERR_CSE_OPERATION_REFUSED'))
})

test('a redirect is a response of somebody else: it is not followed and not retried', async () => {
  respond = (_request, response) => response.writeHead(302, { location: '/b?Signature=s3cret' }).end()
  await expect(request()).rejects.toMatchObject({ code: 'ERR_CSE_SERVICE', status: 302, retryable: false })
  expect(requests).toHaveLength(1)
})

test.each(['http://user:s3cret@127.0.0.1/a', 'data:text/plain,s3cret', 'file:///s3cret'])(
  '%s is refused before any request, by an error that does not contain it',
  async (given) => {
    const error = await fetched
      .getByUrl({ url: new URL(given), headers: {} })
      .catch((reason: unknown) => reason)
    expect(error).toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    expect(inspect(error)).not.toContain('s3cret')
  },
)
