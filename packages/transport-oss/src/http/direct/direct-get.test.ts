import http, { Agent } from 'node:http'
import { type AddressInfo, createServer, Socket } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { exchangeOptions } from '../../../test/direct-exchange-options.ts'
import { DirectTrials, PLAIN_SCRIPTS, SCRIPTS } from '../../../test/direct-trials.ts'
import {
  askedServer,
  errorXml,
  type FakeServer,
  fakeServer,
  readAll,
  rejection,
  signalled,
  transportOnto,
} from '../../../test/fake-server.ts'
import type { Address } from '../address.ts'
import { type ExchangeOptions, type ExchangeResponse, exchange } from '../http-exchange.ts'

const MIB = 1024 * 1024
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function addressOn(server: FakeServer, path = '/a'): Address {
  return { secure: false, hostname: '127.0.0.1', port: String(server.port), path }
}

function get(
  address: Address,
  options: ExchangeOptions = exchangeOptions(),
  direct = true,
): Promise<ExchangeResponse> {
  return exchange(address, { method: 'GET', headers: { range: 'bytes=0-' }, streamed: true, direct }, options)
}

async function bytesOf({ body }: ExchangeResponse): Promise<Buffer> {
  return readAll(body ?? ([][Symbol.iterator]() as never))
}

/** Counts the requests that go through node:http. */
function requestsOfNode(): () => number {
  const spy = vi.spyOn(Agent.prototype as unknown as { addRequest(): void }, 'addRequest')
  onTestFinished(() => spy.mockRestore())
  return () => spy.mock.calls.length
}

describe('beside node:http', () => {
  const trials = new DirectTrials(Math.random)
  beforeAll(() => trials.start())
  afterAll(() => trials.stop())

  it('each response means the same, and the next request gets its own response', async () => {
    const property = fc.asyncProperty(SCRIPTS, async (script) => {
      await trials.compare(script)
    })
    await fc.assert(property, { numRuns: 300, endOnFailure: true })
  })

  it('a response of the service is never left to node:http', async () => {
    const property = fc.asyncProperty(PLAIN_SCRIPTS, async (script) => {
      expect(await trials.compare(script)).toBe(false)
    })
    await fc.assert(property, { numRuns: 100, endOnFailure: true })
  })
})

it('a transport that is made from options gets objects without node:http, and only them', async () => {
  const requests = requestsOfNode()
  const server = await fakeServer((_, response) =>
    response.writeHead(200, { 'content-length': '5' }).end('bytes'),
  )
  const transport = transportOnto(server)
  expect(String(await readAll((await transport.get({ key: 'a', headers: {} })).body))).toBe('bytes')
  expect(requests()).toBe(0)
  await transport.head({ key: 'a', headers: {} })
  await readAll((await transport.getByUrl({ url: new URL(server.endpoint), headers: {} })).body)
  expect(requests()).toBe(2)
})

describe('chunks', () => {
  const content = Buffer.alloc(5 * MIB, Buffer.from(Array.from({ length: 251 }, (_, i) => i)))
  const serve = (): Promise<FakeServer> =>
    fakeServer((_, response) => response.writeHead(200, { 'content-length': content.length }).end(content))

  it('that are kept stay as they are, while others read on the same connection', async () => {
    const server = await serve()
    const kept: Uint8Array[] = []
    for (let i = 0; i < 3; i++) {
      const { body } = await get(addressOn(server))
      for await (const chunk of body ?? []) kept.push(chunk)
    }
    expect(Buffer.concat(kept).equals(Buffer.concat([content, content, content]))).toBe(true)
    expect(server.sockets).toHaveLength(1)
  })

  it('that are recycled at random do not change those that are kept', async () => {
    const server = await serve()
    const read = async (random: () => number): Promise<boolean> => {
      const kept: { readonly chunk: Uint8Array; readonly at: number }[] = []
      const { body } = await get(addressOn(server))
      let at = 0
      let same = true
      for await (const chunk of body ?? []) {
        const { length } = chunk
        same &&= content.subarray(at, at + length).equals(chunk)
        if (random() < 0.7) body?.recycle(chunk)
        else kept.push({ chunk, at })
        at += length
      }
      return (
        same &&
        at === content.length &&
        kept.every(({ chunk, at }) => content.subarray(at, at + chunk.length).equals(chunk))
      )
    }
    expect(await Promise.all([read(Math.random), read(Math.random), read(Math.random)])).toEqual([
      true,
      true,
      true,
    ])
  })

  it('are not much smaller than the memory that they keep', async () => {
    const server = await fakeServer(async (_, response) => {
      response.writeHead(200, { 'content-length': 100 * 1000 })
      for (let i = 0; i < 100; i++) {
        response.write(content.subarray(0, 1000))
        await turn()
      }
    })
    const { body } = await get(addressOn(server))
    for await (const chunk of body ?? [])
      expect(chunk.buffer.byteLength).toBeLessThanOrEqual(4 * chunk.byteLength)
  })
})

describe('connections', () => {
  it('one that a request was sent on is retried once, if the server closed it instead of responding', async () => {
    const server = await fakeServer((request, response) => {
      const first = server.seen.length === 1
      if (first || (request.url === '/fine' && request.socket !== server.sockets[0])) {
        response.writeHead(200, { 'content-length': 4 }).end('fine')
      } else request.socket.destroy()
    })
    await bytesOf(await get(addressOn(server, '/first')))
    expect(String(await bytesOf(await get(addressOn(server, '/fine'))))).toBe('fine')
    expect(server.seen.map(({ url }) => url)).toEqual(['/first', '/fine', '/fine'])
    expect(server.sockets).toHaveLength(2)
    const options = exchangeOptions()
    await rejection(get(addressOn(server, '/closed'), options))
    expect(options.scope.failure?.reason).toMatchObject({
      code: 'ERR_CSE_NETWORK',
      connected: true,
      retryable: true,
    })
    expect(server.seen.slice(3).map(({ url }) => url)).toEqual(['/closed', '/closed'])
  })

  it('one that got a byte, or was closed, while it waited is not used again', async () => {
    const server = await fakeServer((request, response) =>
      response.writeHead(200, { 'content-length': 1 }).end(request.url?.slice(1)),
    )
    await bytesOf(await get(addressOn(server, '/1')))
    await new Promise((resolve) =>
      server.sockets[0]?.write('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nX', resolve),
    )
    expect(String(await bytesOf(await get(addressOn(server, '/2'))))).toBe('2')
    expect(server.sockets).toHaveLength(2)
    await new Promise<void>((resolve) => server.sockets[1]?.end(resolve))
    expect(String(await bytesOf(await get(addressOn(server, '/3'))))).toBe('3')
    expect(server.sockets).toHaveLength(3)
    expect(server.seen).toHaveLength(3)
  })

  it('one with more bytes than the response states is closed, and its bytes are not delivered', async () => {
    const closed = signalled()
    const raw = createServer((socket) => {
      socket.on('error', () => {}).on('close', closed.tell)
      socket.once('data', () =>
        socket.write(
          'HTTP/1.1 200 OK\r\nx-oss-request-id: 1\r\ncontent-length: 4\r\n\r\nbodyHTTP/1.1 200 OK\r\n',
        ),
      )
    })
    await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => new Promise<void>((resolve) => raw.close(() => resolve())))
    const { port } = raw.address() as AddressInfo
    const response = await get({ secure: false, hostname: '127.0.0.1', port: String(port), path: '/' })
    expect(String(await bytesOf(response))).toBe('body')
    await closed.happened
  })

  it('a body that is complete gives its connection away, and can then no longer close it', async () => {
    const [asked, answered] = [signalled(), signalled()]
    const server = await fakeServer(async (request, response) => {
      if (request.url === '/second') {
        asked.tell()
        await answered.happened
      }
      response.writeHead(200, { 'content-length': 4 }).end('body')
    })
    const abort = new AbortController()
    const first = await get(addressOn(server, '/first'), exchangeOptions({ signal: abort.signal }))
    const second = get(addressOn(server, '/second'))
    await asked.happened
    await first.body?.return()
    abort.abort()
    answered.tell()
    expect(String(await bytesOf(await second))).toBe('body')
    expect(server.sockets).toHaveLength(1)
  })

  it('those that wait do not keep the process alive', async () => {
    const server = await fakeServer((_, response) =>
      response.writeHead(200, { 'content-length': 4 }).end('body'),
    )
    const alive = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
    // Until those of other tests are closed.
    await vi.waitFor(() => expect(alive()).toBe(0), 30_000)
    await bytesOf(await get(addressOn(server)))
    for (const socket of server.sockets) socket.unref()
    expect(alive()).toBe(0)
    expect(server.sockets[0]?.destroyed).toBe(false)
  })

  it.each([
    ['the head', 'HTTP/1.1 200 OK\r\nx-oss-re'],
    ['the body', 'HTTP/1.1 200 OK\r\nx-oss-request-id: 1\r\ncontent-length: 100\r\n\r\nabc'],
    [
      'a body that node:http reads',
      'HTTP/1.1 200 OK\r\nx-oss-request-id: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n',
    ],
  ])('an abort during %s rejects with its reason and closes the connection', async (_, sent) => {
    const [asked, closed] = [signalled(), signalled()]
    const server = await fakeServer((request) => {
      request.socket.on('close', closed.tell).write(sent, asked.tell)
    })
    const abort = new AbortController()
    const read = transportOnto(server)
      .get({ key: 'a', headers: {}, signal: abort.signal })
      .then(({ body }) => readAll(body))
    await asked.happened
    await turn()
    abort.abort(new Error('no more'))
    expect(await rejection(read)).toMatchObject({ message: 'no more' })
    await closed.happened
  })
})

describe('the idle timeout', () => {
  it.each([
    ['the head', ''],
    ['the rest of the head', 'HTTP/1.1 200 OK\r\nx-oss-re'],
    ['the body', 'HTTP/1.1 200 OK\r\nx-oss-request-id: 1\r\ncontent-length: 100\r\n\r\nabc'],
    [
      'a body that node:http reads',
      'HTTP/1.1 200 OK\r\nx-oss-request-id: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n',
    ],
  ])('ends the wait for %s', async (_, sent) => {
    const closed = signalled()
    const server = await fakeServer((request) => {
      request.socket.on('close', closed.tell).write(sent)
    })
    const transport = transportOnto(server, { idleTimeoutMs: 50 })
    const read = transport.get({ key: 'a', headers: {} }).then(({ body }) => readAll(body))
    expect(await rejection(read)).toMatchObject({ code: 'ERR_CSE_TIMEOUT', retryable: true, objectKey: 'a' })
    await closed.happened
  })

  it('counts while a read waits, and not while the reader does something else', async () => {
    const { server, asked, askedForTheLast } = await askedServer()
    const spy = vi.spyOn(Socket.prototype, 'setTimeout')
    onTestFinished(() => spy.mockRestore())
    /** The timeouts that the client has set on its connection. */
    const timeouts = (): unknown[] =>
      spy.mock.calls
        .filter((_, i) => (spy.mock.contexts[i] as Socket).remotePort === server.port)
        .map(([timeoutMs]) => timeoutMs)
    const { body } = await get(addressOn(server), exchangeOptions({ idleTimeoutMs: 12_345 }))
    expect(timeouts().at(-1)).toBe(0)
    await body?.next()
    expect(timeouts().at(-1)).toBe(0)
    const next = body?.next()
    expect(timeouts().at(-1)).toBe(12_345)
    asked.tell()
    await next
    expect(timeouts().at(-1)).toBe(0)
    const last = body?.next()
    expect(timeouts().at(-1)).toBe(12_345)
    askedForTheLast.tell()
    expect((await last)?.done).toBe(false)
    expect((await body?.next())?.done).toBe(true)
    // That of a connection that waits.
    expect(timeouts().at(-1)).toBe(4000)
  })
})

describe('a request is sent once', () => {
  it.each([
    ['a refusal', { 'content-length': errorXml('AccessDenied').length }],
    ['a refusal in chunks', {}],
  ])('for %s', async (_, headers) => {
    const server = await fakeServer((_, response) =>
      response.writeHead(403, headers).end(errorXml('AccessDenied')),
    )
    const options = exchangeOptions()
    await rejection(get(addressOn(server), options))
    expect(options.scope.failure?.reason).toMatchObject({
      code: 'ERR_CSE_ACCESS_DENIED',
      serviceCode: 'AccessDenied',
    })
    expect(server.seen).toHaveLength(1)
  })

  it('for a body in chunks, and for one after early hints', async () => {
    const server = await fakeServer((request, response) => {
      if (request.url === '/hints') response.writeEarlyHints({ link: '</a>' })
      response.writeHead(200, request.url === '/hints' ? { 'content-length': 4 } : {}).end('body')
    })
    for (const path of ['/hints', '/chunks'])
      expect(String(await bytesOf(await get(addressOn(server, path))))).toBe('body')
    expect(server.seen).toHaveLength(2)
  })
})

it('requests to a server whose response was one for node:http go there at once, for a minute', async () => {
  const requests = requestsOfNode()
  const server = await fakeServer((request, response) =>
    response.writeHead(200, request.url === '/plain' ? { 'content-length': 4 } : {}).end('body'),
  )
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
  const now = Date.now()
  const read = async (path: string): Promise<number> => {
    await bytesOf(await get(addressOn(server, path)))
    return requests()
  }
  expect(await read('/plain')).toBe(0)
  expect(await read('/chunks')).toBe(0)
  vi.setSystemTime(now + 59_000)
  expect(await read('/plain')).toBe(1)
  vi.setSystemTime(now + 60_000)
  expect(await read('/plain')).toBe(1)
})

it.each([
  ['nobody listens', { port: '1' }],
  ['the name does not exist', { hostname: 'none.invalid' }],
  ['the port is impossible', { port: '99999' }],
  ['the path is impossible', { path: '/a b' }],
])('the error is that of node:http when %s', async (_, part) => {
  const address: Address = { secure: false, hostname: '127.0.0.1', port: '1', path: '/', ...part }
  const [direct, node] = [exchangeOptions(), exchangeOptions()]
  await rejection(get(address, direct, true))
  await rejection(get(address, node, false))
  const shown = ({ scope }: ExchangeOptions): unknown => {
    const { message, code, retryable, connected, cause } = (scope.failure?.reason ?? {}) as Record<
      string,
      unknown
    >
    return { message, code, retryable, connected, cause: (cause as { code: string }).code }
  }
  expect(shown(direct)).toEqual(shown(node))
})

it('a tool that replaces http.request sees the request', async () => {
  const server = await fakeServer((_, response) =>
    response.writeHead(200, { 'content-length': 4 }).end('body'),
  )
  const requests = requestsOfNode()
  const original = http.request
  http.request = ((...args: Parameters<typeof original>) => original(...args)) as typeof original
  onTestFinished(() => {
    http.request = original
  })
  await bytesOf(await get(addressOn(server)))
  expect(requests()).toBe(1)
})
