import { Agent, createServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createServer as createPlainServer } from 'node:net'
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest'
import { exchangeOptions } from '../../../test/direct-exchange-options.ts'
import { portOf, readAll, rejection } from '../../../test/fake-server.ts'
import { CA, EXPIRED, GOOD, OTHER } from '../../../test/tls-certificates.ts'
import { type ExchangeOptions, type ExchangeResponse, exchange } from '../http-exchange.ts'

const roots = getCACertificates()
beforeAll(() => setDefaultCACertificates([...roots, CA]))
afterAll(() => setDefaultCACertificates(roots))

const content = Buffer.alloc(3_000_001, Buffer.from(Array.from({ length: 251 }, (_, i) => i)))

/** Starts a server with a certificate. */
async function tlsServer(
  options: ServerOptions,
): Promise<{ readonly port: string; readonly sockets: TLSSocket[] }> {
  const sockets: TLSSocket[] = []
  const server = createServer(options, (request, response) => {
    const [body, length] =
      request.url === '/chunks' ? ['chunks', {}] : [content, { 'content-length': content.length }]
    response.writeHead(200, { 'x-oss-request-id': '1', ...length }).end(body)
  })
  server.on('secureConnection', (socket) => sockets.push(socket))
  return { port: String(await portOf(server)), sockets }
}

interface Request {
  readonly port: string
  readonly hostname?: string
  readonly host?: string
  readonly path?: string
  readonly direct: boolean
}

async function get(
  request: Request,
  options: ExchangeOptions = exchangeOptions(),
): Promise<ExchangeResponse> {
  const { port, hostname = 'localhost', host, path = '/', direct } = request
  const httpsAgent = new Agent({ keepAlive: true })
  onTestFinished(() => httpsAgent.destroy())
  const headers = host === undefined ? {} : { host }
  const outgoing = { method: 'GET', headers, streamed: true, direct, httpsAgent }
  return exchange({ secure: true, hostname, port, path }, outgoing, options)
}

/** What a failure says, but for its words. */
async function failureOf(request: Request): Promise<unknown> {
  const options = exchangeOptions()
  await rejection(get(request, options))
  const { code, retryable, connected, message, cause } = (options.scope.failure?.reason ?? {}) as Record<
    string,
    unknown
  >
  return { code, retryable, connected, message: message, cause: (cause as { code: string }).code }
}

it('a body is read whole, on one connection', async () => {
  const { port, sockets } = await tlsServer(GOOD)
  for (let i = 0; i < 3; i++) {
    const { body } = await get({ port, direct: true })
    expect((await readAll(body as never)).equals(content)).toBe(true)
  }
  expect(sockets).toHaveLength(1)
})

it('chunks that are recycled do not change those that are kept', async () => {
  const { port } = await tlsServer(GOOD)
  const { body } = await get({ port, direct: true })
  const kept: { readonly chunk: Uint8Array; readonly at: number }[] = []
  let at = 0
  for await (const chunk of body as NonNullable<typeof body>) {
    const { length } = chunk
    if (Math.random() < 0.5) body?.recycle(chunk)
    else kept.push({ chunk, at })
    at += length
  }
  expect(at).toBe(content.length)
  for (const { chunk, at } of kept) expect(content.subarray(at, at + chunk.length).equals(chunk)).toBe(true)
})

it('a slow reader stops the connection and gets every byte', async () => {
  const { port } = await tlsServer(GOOD)
  const { body } = await get({ port, direct: true })
  const parts: Uint8Array[] = []
  for await (const chunk of body as NonNullable<typeof body>) {
    parts.push(chunk)
    await new Promise(setImmediate)
  }
  expect(Buffer.concat(parts).equals(content)).toBe(true)
})

it('a response for node:http is read by it, on the same connection', async () => {
  const { port, sockets } = await tlsServer(GOOD)
  const { body } = await get({ port, path: '/chunks', direct: true })
  expect(String(await readAll(body as never))).toBe('chunks')
  expect(sockets).toHaveLength(1)
})

it('a later connection resumes the session of an earlier one', async () => {
  const { port, sockets } = await tlsServer(GOOD)
  const first = await get({ port, direct: true })
  const second = await get({ port, direct: true })
  await Promise.all([first, second].map(({ body }) => readAll(body as never)))
  expect(sockets.map((socket) => socket.isSessionReused())).toEqual([false, true])
})

it.each([
  ['localhost', undefined],
  ['127.0.0.1', undefined],
  ['127.0.0.1', 'other.example'],
  ['127.0.0.1', 'other.example:8443'],
  ['localhost', '127.0.0.1'],
])('a connection to %s for the host %s greets the server as node:https does', async (hostname, host) => {
  const seen: unknown[] = []
  const options: ServerOptions = {
    ...(host === undefined || host === '127.0.0.1' ? GOOD : OTHER),
    SNICallback: (name, done) => {
      seen.push(name)
      done(null)
    },
    ALPNCallback: ({ servername, protocols }) => {
      seen.push({ servername, protocols })
      return protocols[0]
    },
  }
  const { port } = await tlsServer(options)
  const greeting = async (direct: boolean): Promise<unknown> => {
    seen.length = 0
    const { body } = await get({ port, hostname, ...(host !== undefined && { host }), direct })
    await readAll(body as never)
    return [...seen]
  }
  expect(await greeting(true)).toEqual(await greeting(false))
})

it.each([
  ['has expired', EXPIRED, {}],
  ['is for another host', OTHER, {}],
  ['is not for the Host header', GOOD, { host: 'other.example' }],
])('a certificate that %s is refused as by node:https', async (_, identity, request) => {
  const { port } = await tlsServer(identity)
  const failure = await failureOf({ port, ...request, direct: true })
  expect(failure).toMatchObject({ code: 'ERR_CSE_NETWORK', retryable: false })
  expect(failure).toEqual(await failureOf({ port, ...request, direct: false }))
})

it('a certificate that nobody vouches for is refused as by node:https, unless the process accepts any', async () => {
  setDefaultCACertificates(roots)
  onTestFinished(() => setDefaultCACertificates([...roots, CA]))
  const { port } = await tlsServer(GOOD)
  const failure = await failureOf({ port, direct: true })
  expect(failure).toMatchObject({ code: 'ERR_CSE_NETWORK', retryable: false })
  expect(failure).toEqual(await failureOf({ port, direct: false }))
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
  onTestFinished(() => void vi.unstubAllEnvs())
  const { body } = await get({ port, direct: true })
  expect((await readAll(body as never)).equals(content)).toBe(true)
})

it('neither a connection nor a session from a time without checks is used when there are checks again', async () => {
  const { port } = await tlsServer(OTHER)
  const failure = await failureOf({ port, direct: true })
  expect(failure).toMatchObject({ cause: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  onTestFinished(() => void vi.unstubAllEnvs())
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
  const { body } = await get({ port, direct: true })
  await readAll(body as never)
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '1')
  expect(await failureOf({ port, direct: true })).toEqual(failure)
})

it.each([
  ['speaks no TLS', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
  ['closes at once', undefined],
])('a server that %s is the same error as in node:https', async (_, said) => {
  const server = createPlainServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => (said === undefined ? socket.end() : socket.end(said)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())))
  const port = String((server.address() as AddressInfo).port)
  const withoutPlace = (failure: unknown): string => JSON.stringify(failure).replace(/[0-9A-F]{12,}:/g, '')
  const direct = await failureOf({ port, direct: true })
  expect(withoutPlace(direct)).toBe(withoutPlace(await failureOf({ port, direct: false })))
})
