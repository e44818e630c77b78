import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { AlicloudKms, type AlicloudKmsConnectionOptions } from '../src/alicloud-kms.ts'

/** What a server does with the n-th request (from 0) that reaches it. */
type Respond = (socket: Socket, head: string, index: number) => void

/** Runs something against a server that may break every rule of HTTP, on 127.0.0.1. */
export async function withKmsServer(
  respond: Respond,
  run: (server: {
    readonly kms: AlicloudKms
    /** Its connections so far. */
    readonly sockets: readonly Socket[]
    /** Another client of the same server. */
    client(options: Partial<AlicloudKmsConnectionOptions>): AlicloudKms
  }) => Promise<void>,
): Promise<void> {
  const sockets: Socket[] = []
  let requests = 0
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', (head) => respond(socket, head.toString('latin1'), requests++))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = (options: Partial<AlicloudKmsConnectionOptions>) =>
    new AlicloudKms({
      region: 'cn-hangzhou',
      endpoint: `http://127.0.0.1:${port}`,
      accessKeyId: 'ak',
      accessKeySecret: 'sk',
      // Nothing ends by time on a machine that is slow.
      timeoutMs: 60_000,
      ...options,
    })
  try {
    await run({ kms: client({}), sockets, client })
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

/** A whole response. */
export function httpResponse(
  body: string,
  { status = '200 OK', headers = 'Content-Type: application/json\r\n' } = {},
): string {
  return `HTTP/1.1 ${status}\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}
