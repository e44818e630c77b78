import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Envelope, encodeEnvelope, type ObjectTransport } from '@oss-cse/crypto-core'
import { createKeyServer, type KeyServerOptions } from '@oss-cse/provider-remote/server'
import { nodeListener } from '../../../packages/provider-remote/test/node-listener.ts'

/** A key server on a port of this machine. */
export interface RunningKeyServer {
  readonly url: string
  /** How many calls arrived. */
  readonly calls: () => number
  close(): Promise<void>
}

/** Serves keys over HTTP to anyone who asks, unless `authorize` says otherwise. Pages of any origin may ask. */
export async function startKeyServer(
  options: Pick<KeyServerOptions, 'keyring' | 'transport'> & Partial<KeyServerOptions>,
): Promise<RunningKeyServer> {
  let calls = 0
  const listener = nodeListener(
    createKeyServer({
      authorize: () => 'somebody',
      rateLimit: { perSecond: 1e6, burst: 1e6 },
      responseStepMs: 0,
      ...options,
    }),
  )
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    response.setHeader('access-control-allow-origin', '*')
    response.setHeader('access-control-allow-headers', 'content-type, oss-cse-key-request')
    if (request.method === 'OPTIONS') {
      response.writeHead(204).end()
      return
    }
    if (request.url === '/moved') {
      response.writeHead(307, { location: '/keys' }).end()
      return
    }
    calls += 1
    void listener(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`, calls: () => calls, close }
}

let stored = 0

/** Stores an object that has nothing but an envelope, even one that no writer would store. */
export async function storeEnvelope(transport: ObjectTransport, envelope: Envelope): Promise<string> {
  stored += 1
  const key = `envelopes/${stored}`
  const wrappedIv = envelope.version === 1 ? envelope.wrappedStart : envelope.wrappedIv
  const values = new Map([
    ['CEK', envelope.wrappedCek],
    ['IV', wrappedIv],
  ])
  const standIns = {
    wrappedCek: 'CEK',
    ...(envelope.version === 1 ? { wrappedStart: 'IV' } : { wrappedIv: 'IV' }),
  }
  const encoded = Object.entries(encodeEnvelope({ ...envelope, ...standIns } as Envelope))
  const headers = Object.fromEntries(encoded.map(([name, value]) => [name, values.get(value) ?? value]))
  const body = { sizeBytes: 0, open: async function* (): AsyncGenerator<Uint8Array> {} }
  await transport.put({ key, headers, body })
  return key
}
