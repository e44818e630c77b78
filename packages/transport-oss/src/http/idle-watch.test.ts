import { Agent } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import OSS from 'ali-oss'
import { expect, it, onTestFinished, vi } from 'vitest'
import {
  askedServer,
  bodyOf,
  type FakeServer,
  fakeServer,
  readAll,
  readRequest,
  rejection,
  SECRETS,
  signalled,
  transportOnto,
} from '../../test/fake-server.ts'
import { OssTransport } from '../index.ts'

// agentkeepalive, the default agent of ali-oss.
const { agent } = new OSS({ bucket: 'my-bucket', ...SECRETS }) as unknown as { agent: Agent }
const AgentKeepalive = agent.constructor as new (options?: object) => Agent

const IDLE_MS = 12_345
const TIMED_OUT = { code: 'ERR_CSE_TIMEOUT', retryable: true, objectKey: 'a' }

/** A transport whose idle timeout fires when the test says so, not by a clock. */
function patientTransport(server: FakeServer): {
  readonly transport: OssTransport
  readonly standStill: () => void
} {
  const agent = new Agent({ keepAlive: true })
  onTestFinished(() => agent.destroy())
  return {
    transport: new OssTransport({ client: clientOn(agent, server.port), idleTimeoutMs: IDLE_MS }),
    standStill() {
      const [socket] = sockets(agent)
      expect(socket?.timeout).toBe(IDLE_MS)
      socket?.emit('timeout')
    },
  }
}

it('a server that never responds causes ERR_CSE_TIMEOUT, and the connection is closed', async () => {
  const asked = signalled()
  const closed = signalled()
  const server = await fakeServer((_, response) => {
    response.on('close', closed.tell)
    asked.tell()
  })
  const { transport, standStill } = patientTransport(server)
  const error = rejection(transport.head({ key: 'a', headers: {} }))
  await asked.happened
  standStill()
  expect(await error).toMatchObject(TIMED_OUT)
  await closed.happened
})

it('a server that never responds to a complete upload causes ERR_CSE_TIMEOUT', async () => {
  const read = signalled()
  const server = await fakeServer((request) => request.resume().on('end', read.tell))
  const { transport, standStill } = patientTransport(server)
  const error = rejection(transport.put({ key: 'a', headers: {}, body: bodyOf([new Uint8Array(9)], 9) }))
  await read.happened
  standStill()
  expect(await error).toMatchObject(TIMED_OUT)
})

it('a body that stalls while it is read causes ERR_CSE_TIMEOUT', async () => {
  const server = await fakeServer((_, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('x')
  })
  const { transport, standStill } = patientTransport(server)
  const { body } = await transport.get({ key: 'a', headers: {} })
  const iterator = body[Symbol.asyncIterator]()
  expect(await iterator.next()).toMatchObject({ done: false })
  const error = rejection(iterator.next())
  await new Promise(setImmediate)
  standStill()
  expect(await error).toMatchObject(TIMED_OUT)
})

it('a timer ends an idle connection without any other event', async () => {
  const server = await fakeServer(() => {})
  const transport = transportOnto(server, { idleTimeoutMs: 50 })
  expect(await rejection(transport.head({ key: 'a', headers: {} }))).toMatchObject(TIMED_OUT)
})

it('a response that switches protocols causes ERR_CSE_NETWORK and does not hang', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n'),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())))
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const transport = new OssTransport({ bucket: 'my-bucket', region: 'cn-hangzhou', endpoint, ...SECRETS })
  const body = bodyOf([new Uint8Array(9)], 9)
  for (const call of [
    () => transport.head({ key: 'a', headers: {} }),
    () => transport.get({ key: 'a', headers: {} }),
    () => transport.put({ key: 'a', headers: {}, body }),
  ]) {
    expect(await rejection(call())).toMatchObject({ code: 'ERR_CSE_NETWORK', objectKey: 'a' })
  }
})

function sockets(agent: Agent): Socket[] {
  return Object.values(agent.sockets).flatMap((list) => list ?? [])
}

function clientOn(agent: Agent, port: number, options: object = {}): OSS {
  return new OSS({
    bucket: 'my-bucket',
    region: 'oss-cn-hangzhou',
    endpoint: `http://localhost:${port}`,
    accessKeyId: SECRETS.accessKeyId,
    accessKeySecret: SECRETS.accessKeySecret,
    sldEnable: true,
    agent,
    ...options,
  } as OSS.Options)
}

it.each([
  ['Node’s agent', () => new Agent({ keepAlive: true })],
  ['agentkeepalive with its own socket timeout', () => new AgentKeepalive({ timeout: 30_000 })],
])(
  'the idle timeout counts while a read waits, and not while the reader does something else: %s',
  async (_, make) => {
    const { server, asked, askedForTheLast } = await askedServer()
    const agent = make()
    const transport = new OssTransport({ client: clientOn(agent, server.port), idleTimeoutMs: 12_345 })
    const { body } = await transport.get({ key: 'a', headers: {} })
    const iterator = body[Symbol.asyncIterator]()
    expect(sockets(agent).map((socket) => socket.timeout)).toEqual([0])
    await iterator.next()
    expect(sockets(agent).map((socket) => socket.timeout)).toEqual([0])
    const next = iterator.next()
    expect(sockets(agent).map((socket) => socket.timeout)).toEqual([12_345])
    asked.tell()
    await next
    expect(sockets(agent).map((socket) => socket.timeout)).toEqual([0])
    const last = iterator.next()
    expect(sockets(agent).map((socket) => socket.timeout)).toEqual([12_345])
    askedForTheLast.tell()
    expect((await last).done).toBe(false)
    expect((await iterator.next()).done).toBe(true)
    agent.destroy()
  },
)

it('the idle timeout does not count while the source of an upload is silent', async () => {
  const server = await fakeServer(async (request, response) => {
    await readRequest(request)
    response.end()
  })
  const agent = new Agent({ keepAlive: true })
  const timeouts: (number | undefined)[][] = []
  const connected = signalled()
  const createConnection = agent.createConnection.bind(agent)
  agent.createConnection = (...args) => {
    const socket = createConnection(...args)
    socket?.once('connect', connected.tell)
    return socket
  }
  const body = {
    async *open() {
      yield new Uint8Array(10)
      await connected.happened
      timeouts.push(sockets(agent).map((socket) => socket.timeout))
      yield new Uint8Array(10)
    },
  }
  const transport = new OssTransport({ client: clientOn(agent, server.port), idleTimeoutMs: 12_345 })
  await transport.put({ key: 'a', headers: {}, body })
  expect(timeouts).toEqual([[0]])
  agent.destroy()
})

it('a request in the queue of its agent does not time out', async () => {
  const responses: (() => void)[] = []
  const [one, two] = [signalled(), signalled()]
  const server = await fakeServer((request, response) => {
    if (request.url?.endsWith('first')) {
      responses.push(() => response.end())
      one.tell()
    } else {
      response.end()
      two.tell()
    }
  })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const transport = new OssTransport({ client: clientOn(agent, server.port), idleTimeoutMs: IDLE_MS })
  // The listeners of Node.js on the connections stay.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const first = transport.head({ key: 'first', headers: {} })
  await one.happened
  const queued = transport.head({ key: 'second', headers: {} })
  await vi.advanceTimersByTimeAsync(10 * IDLE_MS)
  for (const respond of responses) respond()
  await Promise.all([first, queued, two.happened])
  agent.destroy()
})

it('the client’s own total timeout is ignored', async () => {
  const server = await fakeServer(async (request, response) => {
    await readRequest(request)
    response.end()
  })
  const agent = new Agent({ keepAlive: true })
  const transport = new OssTransport({ client: clientOn(agent, server.port, { timeout: 1 }) })
  let turns = 0
  const body = {
    async *open() {
      for (; turns < 50; turns++) {
        await new Promise(setImmediate)
        yield new Uint8Array(1000)
      }
    },
  }
  await transport.put({ key: 'a', headers: {}, body })
  expect(turns).toBe(50)
  agent.destroy()
})

it('no listener stays on a reused connection', async () => {
  const server = await fakeServer((_, response) => response.end('x'))
  const agent = new Agent({ keepAlive: true })
  const transport = new OssTransport({ client: clientOn(agent, server.port) })
  const counts = new Set<number>()
  for (let i = 0; i < 5; i++) {
    const { body } = await transport.get({ key: 'a', headers: {} })
    counts.add(sockets(agent)[0]?.listenerCount('timeout') ?? -1)
    await readAll(body)
    await new Promise(setImmediate)
  }
  expect(server.sockets).toHaveLength(1)
  expect(counts.size).toBe(1)
  agent.destroy()
})

it('an error response whose document stalls keeps its error, with the part of the document that arrived', async () => {
  const server = await fakeServer((request, response) => {
    request.resume()
    response.writeHead(403, { 'content-length': '500' })
    response.write('<?xml version="1.0"?><Error><Code>AccessDenied</Code>')
  })
  const { transport } = patientTransport(server)
  const body = bodyOf([new Uint8Array(9)], 9)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  for (const call of [
    () => transport.get({ key: 'a', headers: {} }),
    () => transport.put({ key: 'a', headers: {}, body }),
    () => transport.getByUrl({ url: new URL(server.endpoint), headers: {} }),
  ]) {
    const error = rejection(call())
    let settled = false
    void error.then(() => {
      settled = true
    })
    // Waits until the transport waits for the document, and then until it stops waiting.
    while (!settled) {
      await new Promise(setImmediate)
      vi.advanceTimersByTime(IDLE_MS / 1000)
    }
    expect(await error).toMatchObject({
      code: 'ERR_CSE_ACCESS_DENIED',
      status: 403,
      serviceCode: 'AccessDenied',
      retryable: false,
    })
  }
})

it('a body that stalls while two reads wait for it causes ERR_CSE_TIMEOUT', async () => {
  const server = await fakeServer((_, response) => {
    response.writeHead(200, { 'content-length': '500' })
    response.write('abc')
  })
  const { transport, standStill } = patientTransport(server)
  const { body } = await transport.get({ key: 'a', headers: {} })
  const iterator = body[Symbol.asyncIterator]()
  const [first, second] = [iterator.next(), rejection(iterator.next())]
  expect((await first).done).toBe(false)
  standStill()
  expect(await second).toMatchObject(TIMED_OUT)
})
