import { Agent } from 'node:http'
import { inspect } from 'node:util'
import OSS from 'ali-oss'
import { expect, it, test } from 'vitest'
import {
  errorXml,
  type FakeServer,
  fakeServer,
  readAll,
  rejection,
  transportOnto,
} from '../../test/fake-server.ts'
import { OssTransport } from '../index.ts'

const data = Buffer.alloc(300_000, 'stored bytes ')

/** A URL of another bucket, signed with other credentials than the transport's. */
function urlOn(server: FakeServer): URL {
  return new URL(`${server.endpoint}/other/a%20b?Signature=s3cret&Expires=1#part`)
}

function clientWith(agent: Agent): OSS {
  const options = { bucket: 'my-bucket', region: 'oss-cn-hangzhou', accessKeyId: 'a', accessKeySecret: 'b' }
  return new OSS({ ...options, agent } as OSS.Options)
}

/** Returns all that a log may show of an error, with its causes. */
function shown(error: unknown): string {
  return `${inspect(error, { depth: 9 })}${JSON.stringify(error)}`
}

it('returns the stored bytes and headers of the URL, and sends only the given headers', async () => {
  const server = await fakeServer((_request, response) =>
    response.writeHead(200, { 'x-oss-meta-m': '1', 'content-encoding': 'gzip' }).end(data),
  )
  const headers = { 'if-match': '"E"' }
  const {
    status,
    headers: received,
    body,
  } = await transportOnto(server).getByUrl({ url: urlOn(server), headers })
  expect([status, received['x-oss-meta-m']]).toEqual([200, '1'])
  expect(await readAll(body)).toEqual(data)
  expect(server.seen).toEqual([
    {
      method: 'GET',
      url: '/other/a%20b?Signature=s3cret&Expires=1',
      headers: {
        host: new URL(server.endpoint).host,
        connection: 'keep-alive',
        'accept-encoding': 'identity',
        ...headers,
      },
    },
  ])
})

it('requests no credentials', async () => {
  const server = await fakeServer((_request, response) => response.end(data))
  let asked = 0
  const credentials = {
    async getCredential() {
      asked += 1
      return { accessKeyId: 'a', accessKeySecret: 'b' }
    },
  }
  const connection = { bucket: 'my-bucket', region: 'cn-hangzhou', endpoint: server.endpoint, credentials }
  const { body } = await new OssTransport(connection).getByUrl({ url: urlOn(server), headers: {} })
  expect(await readAll(body)).toEqual(data)
  expect(asked).toBe(0)
})

it('uses the agent of the given client', async () => {
  const server = await fakeServer((_request, response) => response.end(data))
  const agent = new Agent()
  let connections = 0
  const { createConnection } = agent
  agent.createConnection = (...given) => {
    connections += 1
    return createConnection.apply(agent, given)
  }
  const client = clientWith(agent)
  const { body } = await new OssTransport({ client }).getByUrl({ url: urlOn(server), headers: {} })
  await readAll(body)
  expect(connections).toBe(1)
})

test.each([
  [304, undefined, 'ERR_CSE_NOT_MODIFIED', false],
  [302, undefined, 'ERR_CSE_SERVICE', false],
  [403, 'AccessDenied', 'ERR_CSE_ACCESS_DENIED', false],
  [403, 'SecurityTokenExpired', 'ERR_CSE_CREDENTIALS_EXPIRED', false],
  [404, 'NoSuchKey', 'ERR_CSE_NOT_FOUND', false],
  [500, 'InternalError', 'ERR_CSE_SERVICE', true],
  [503, undefined, 'ERR_CSE_THROTTLED', true],
])(
  'status %d with the code %s is %s, retryable: %s, and the error contains no text in which a proxy may repeat the URL',
  async (status, serviceCode, code, retryable) => {
    const server = await fakeServer(({ url = '' }, response) => {
      const document = `<Error><Code>${serviceCode}</Code><Message>${url}</Message><RequestId>${url}</RequestId><EC>${url}</EC></Error>`
      const headers = { location: url, 'x-oss-request-id': url, 'x-oss-ec': url }
      response.writeHead(status, headers).end(serviceCode && document)
    })
    const error = await rejection(transportOnto(server).getByUrl({ url: urlOn(server), headers: {} }))
    expect(error).toMatchObject({ code, status, retryable })
    expect(error).toMatchObject({ message: expect.stringContaining('presigned URL') })
    expect(String(error).includes('It may have expired.')).toBe(status === 403)
    expect(shown(error)).not.toContain('s3cret')
    expect(server.seen).toHaveLength(1)
  },
)

it('the error contains only codes and ids of the expected form', async () => {
  const server = await fakeServer((_request, response) =>
    response.writeHead(403).end(errorXml('AccessDenied', 'Request has expired.')),
  )
  const error = await rejection(transportOnto(server).getByUrl({ url: urlOn(server), headers: {} }))
  expect(error).toMatchObject({
    message:
      'The GET of a presigned URL failed: AccessDenied. It may have expired. (request id 6556E3AED11E553933CCDEDF, EC 0026-00000001)',
    serviceCode: 'AccessDenied',
    requestId: '6556E3AED11E553933CCDEDF',
    ec: '0026-00000001',
  })
})

it('an error response whose document breaks off keeps its error', async () => {
  const server = await fakeServer((_request, response) => {
    response.writeHead(403, { 'content-length': 1000 })
    response.write('<Error><Code>AccessDenied</Code>', () => response.destroy())
  })
  const error = await rejection(transportOnto(server).getByUrl({ url: urlOn(server), headers: {} }))
  expect(error).toMatchObject({ code: 'ERR_CSE_ACCESS_DENIED', status: 403 })
})

it('an error response whose document never ends keeps its error', async () => {
  const server = await fakeServer((_request, response) => {
    response.writeHead(403).write('<Error><Code>AccessDenied</Code>')
    const fill = (): void => void response.write(Buffer.alloc(16_384), (error) => error ?? fill())
    fill()
  })
  const error = await rejection(transportOnto(server).getByUrl({ url: urlOn(server), headers: {} }))
  expect(error).toMatchObject({ code: 'ERR_CSE_ACCESS_DENIED', status: 403 })
})

test.each([200, 206])('a %d of a captive portal is not a response of the service', async (status) => {
  const server = await fakeServer((_request, response) => {
    response.removeHeader('x-oss-request-id')
    response.writeHead(status, { 'content-type': 'text/html' }).end('<html>Please log in</html>')
  })
  const error = await rejection(transportOnto(server).getByUrl({ url: urlOn(server), headers: {} }))
  expect(error).toMatchObject({ code: 'ERR_CSE_SERVICE', status, retryable: false })
  expect(String(error)).toContain('not a response of OSS')
  expect(String(error)).toContain('Check the URL')
})

test.each([201, 204])('a %d is not an object', async (status) => {
  const server = await fakeServer((_request, response) => response.writeHead(status).end())
  const error = await rejection(transportOnto(server).getByUrl({ url: urlOn(server), headers: {} }))
  expect(error).toMatchObject({ code: 'ERR_CSE_SERVICE', status, retryable: false })
})

it('a failed or broken connection is an error that does not contain the URL', async () => {
  const broken = await fakeServer((request) => request.socket.destroy())
  const gone = { ...broken, endpoint: 'http://127.0.0.1:1' }
  const nowhere = { ...broken, endpoint: 'http://s3cret.invalid' }
  for (const server of [broken, gone, nowhere]) {
    const error = await rejection(transportOnto(broken).getByUrl({ url: urlOn(server), headers: {} }))
    expect(error).toMatchObject({ code: 'ERR_CSE_NETWORK' })
    expect(shown(error)).not.toContain('s3cret')
  }
})

it('the idle timeout counts while a read waits, and not while the reader does something else', async () => {
  const server = await fakeServer((_request, response) => {
    response.writeHead(200, { 'content-length': 20 }).write(Buffer.alloc(10))
  })
  const agent = new Agent()
  const transport = new OssTransport({ client: clientWith(agent), idleTimeoutMs: 12_345 })
  const { body } = await transport.getByUrl({ url: urlOn(server), headers: {} })
  const socket = Object.values(agent.sockets)[0]?.[0]
  expect(socket?.timeout).toBe(0)
  const iterator = body[Symbol.asyncIterator]()
  await iterator.next()
  expect(socket?.timeout).toBe(0)
  const stalled = rejection(iterator.next())
  expect(socket?.timeout).toBe(12_345)
  socket?.emit('timeout')
  const error = await stalled
  expect(error).toMatchObject({ code: 'ERR_CSE_TIMEOUT', retryable: true })
  expect(shown(error)).not.toContain('s3cret')
})

it('returning an iterator before its first read or during a read closes the connection', async () => {
  const server = await fakeServer((_request, response) => {
    response.writeHead(200, { 'content-length': 1000 }).write(Buffer.alloc(10))
  })
  for (const pending of [false, true]) {
    const { body } = await transportOnto(server).getByUrl({ url: urlOn(server), headers: {} })
    const iterator = body[Symbol.asyncIterator]()
    if (pending) await iterator.next()
    const read = pending ? Promise.allSettled([iterator.next()]) : undefined
    const closed = new Promise((resolve) => server.sockets.at(-1)?.once('close', resolve))
    await iterator.return?.()
    await closed
    await read
  }
})

it('refuses an invalid header before any request', async () => {
  const server = await fakeServer((_request, response) => response.end(data))
  const sent = transportOnto(server).getByUrl({ url: urlOn(server), headers: { host: 'elsewhere.example' } })
  expect(await rejection(sent)).toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
  expect(server.seen).toEqual([])
})

test.each(['http://user:s3cret@127.0.0.1/a', 'data:text/plain,s3cret'])(
  '%s is refused before any request, by an error that does not contain it',
  async (given) => {
    const server = await fakeServer((_request, response) => response.end())
    const transport = await transportOnto(server)
    const error = await rejection(transport.getByUrl({ url: new URL(given), headers: {} }))
    expect(error).toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
    expect(shown(error)).not.toContain('s3cret')
  },
)
