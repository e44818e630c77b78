import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A port that passes everything on to another one, and keeps what clients sent. */
export interface Wiretap {
  readonly port: number
  /** All that went to the server, as it was on the wire. */
  sent(): Buffer
  close(): Promise<void>
}

/** Taps a port of this machine. */
export async function openWiretap(targetPort: number): Promise<Wiretap> {
  const chunks: Buffer[] = []
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(targetPort, '127.0.0.1')
    client.on('data', (chunk: Buffer) => chunks.push(chunk))
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => other.destroy())
      socket.on('close', () => sockets.delete(socket))
      socket.pipe(other)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    sent: () => Buffer.concat(chunks),
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
