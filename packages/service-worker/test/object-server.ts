import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { type GetObjectRequest, TransportError } from '@oss-cse/crypto-core'
import { MemoryTransport } from '@oss-cse/crypto-core/testing'

/** The server of an app: its page, its scripts, and the stored objects below `/store/`. */
export interface ObjectServer {
  readonly origin: string
  readonly transport: MemoryTransport
  /** What it serves beside the objects, by path. */
  readonly files: Map<string, { readonly type: string; readonly text: string }>
  /** The paths of other requests, which the worker should have served. */
  readonly missed: string[]
  close(): Promise<void>
}

export async function startObjectServer(): Promise<ObjectServer> {
  const transport = new MemoryTransport()
  const files: ObjectServer['files'] = new Map()
  const missed: string[] = []
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    const file = files.get(pathname)
    if (pathname.startsWith('/store/')) {
      const key = decodeURIComponent(pathname.slice('/store/'.length))
      sendObject(transport, key, request, response).catch(() => response.destroy())
    } else if (file !== undefined) response.writeHead(200, { 'content-type': file.type }).end(file.text)
    else {
      if (pathname !== '/favicon.ico') missed.push(pathname)
      response.writeHead(404).end('of the server')
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { origin: `http://localhost:${port}`, transport, files, missed, close: () => closed(server) }
}

async function sendObject(
  transport: MemoryTransport,
  key: string,
  { headers, method }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const wanted = ['range', 'if-match', 'x-oss-range-behavior'].filter((name) => headers[name] !== undefined)
  const request: GetObjectRequest = {
    key,
    headers: Object.fromEntries(wanted.map((name) => [name, String(headers[name])])),
  }
  try {
    if (method === 'HEAD') {
      const object = await transport.head(request)
      response.writeHead(object.status, object.headers).end()
    } else {
      const object = await transport.get(request)
      response.writeHead(object.status, object.headers)
      await pipeline(object.body, response)
    }
  } catch (error) {
    if (!TransportError.isInstance(error) || response.headersSent) throw error
    response.writeHead(error.status ?? 500, { 'x-code': error.code }).end()
  }
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
}
