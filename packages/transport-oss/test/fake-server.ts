import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { OssTransport } from '../src/index.ts'

/** One request as it arrived. It has its body only if the handler read it. */
interface SeenRequest {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingHttpHeaders
}

export interface FakeServer {
  readonly endpoint: string
  readonly port: number
  readonly seen: SeenRequest[]
  /** All connections that were made. */
  readonly sockets: Socket[]
}

/** The headers of each success of the service, and of one that stored something. */
const OWN_HEADERS = { 'x-oss-request-id': '6556E3AED11E553933CCDEDF', etag: '"E"' }

/**
 * Starts a server for the duration of the test. The handler responds, and no signature is checked. Its responses have a
 * request id and an ETag unless the handler removes them.
 */
export async function fakeServer(handler: RequestListener): Promise<FakeServer> {
  const seen: SeenRequest[] = []
  const sockets: Socket[] = []
  const server = createServer((request, response) => {
    const { method, url, headers } = request
    seen.push({ method, url, headers })
    response.setHeaders(new Map(Object.entries(OWN_HEADERS)))
    handler(request, response)
  })
  server.on('connection', (socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
  })
  const port = await portOf(server)
  return { endpoint: `http://127.0.0.1:${port}`, port, seen, sockets }
}

/** Lets a server listen for the duration of the test. Returns its port. */
export async function portOf(server: Server | HttpsServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  return (server.address() as AddressInfo).port
}

/** A server that responds with `xyz`. It sends `x` at once, and each of the others when it is told. */
export async function askedServer(): Promise<{
  readonly server: FakeServer
  readonly asked: ReturnType<typeof signalled>
  readonly askedForTheLast: ReturnType<typeof signalled>
}> {
  const [asked, askedForTheLast] = [signalled(), signalled()]
  const server = await fakeServer(async (_, response) => {
    response.writeHead(200, { 'content-length': '3' })
    response.write('x')
    await asked.happened
    response.write('y')
    await askedForTheLast.happened
    response.end('z')
  })
  return { server, asked, askedForTheLast }
}

export const SECRETS = {
  accessKeyId: 'LTAIaccesskeyid',
  accessKeySecret: 'verysecretsecret',
  securityToken: 'secrettoken',
}

/** Makes a transport for a fake server. */
export function transportOnto(server: FakeServer, options: { idleTimeoutMs?: number } = {}): OssTransport {
  return new OssTransport({
    bucket: 'my-bucket',
    region: 'cn-hangzhou',
    endpoint: server.endpoint,
    ...SECRETS,
    ...options,
  })
}

/** A server that responds to each request with one document, and keeps the bodies. */
export async function respondingWith(document: string, headers: Record<string, string> = {}, status = 200) {
  const bodies: string[] = []
  const server = await fakeServer(async (request, response) => {
    bodies.push(String(await readRequest(request)))
    response.writeHead(status, headers).end(document)
  })
  return { server, bodies, transport: transportOnto(server) }
}

export async function readAll(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export function readRequest(request: IncomingMessage): Promise<Buffer> {
  return readAll(request as AsyncIterable<Uint8Array>)
}

export function bodyOf(chunks: readonly Uint8Array[], sizeBytes?: number) {
  return {
    ...(sizeBytes !== undefined && { sizeBytes }),
    async *open(): AsyncGenerator<Uint8Array> {
      yield* chunks
    },
  }
}

/** Returns the error that `promise` rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('It did not reject.')
}

/** A promise and the function that resolves it. */
export function signalled(): { readonly happened: Promise<void>; readonly tell: () => void } {
  let tell: () => void = () => {}
  const happened = new Promise<void>((resolve) => {
    tell = resolve
  })
  return { happened, tell }
}

export function errorXml(code: string, message = 'Some message.'): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>\n  <Code>${code}</Code>\n  <Message>${message}</Message>\n  <RequestId>6556E3AED11E553933CCDEDF</RequestId>\n  <HostId>h</HostId>\n  <EC>0026-00000001</EC>\n</Error>`
}
