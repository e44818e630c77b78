import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { AlicloudKms, type AlicloudKmsConnectionOptions } from '../src/alicloud-kms.ts'

/** Handles the n-th request (from 0) that reaches a server. */
type Respond = (socket: Socket, head: string, index: number) => void

/** Runs a function against a server on 127.0.0.1 that may break each rule of HTTP. */
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
      // No call times out on a slow machine.
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

/** A complete response. */
export function httpResponse(
  body: string,
  { status = '200 OK', headers = 'Content-Type: application/json\r\n' } = {},
): string {
  return `HTTP/1.1 ${status}\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}
