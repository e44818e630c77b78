import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request that the service received. */
interface SeenRequest {
  readonly target: string
  readonly body: string
}

/** How the service fails a request: with a status, a text with status 200, a cut connection, or no response. */
type Fault = number | { readonly text: string } | 'cut' | 'silence'

/** A key service for tests. Its keys never leave it, it requires a token, and it fails on request. */
export interface DemoKeyService {
  readonly url: string
  readonly requests: SeenRequest[]
  /** The faults of the next requests, one each. `undefined` is no fault. */
  readonly faults: (Fault | undefined)[]
  /** Called for each request before the response. */
  onRequest: (() => void) | undefined
  close(): Promise<void>
}

const TAG_BYTES = 16
const NONCE_BYTES = 12

/** Starts the service on this machine. */
export async function startDemoKeyService(options: {
  readonly token: string
  readonly keyIds: readonly string[]
}): Promise<DemoKeyService> {
  const keys = new Map<string, KeyObject>(
    options.keyIds.map((keyId) => [keyId, createSecretKey(randomBytes(32))]),
  )
  const requests: SeenRequest[] = []
  const faults: (Fault | undefined)[] = []

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = (await request.toArray()).join('')
    requests.push({ target: request.url ?? '', body })
    service.onRequest?.()
    const respond = (status: number, text: string): void => {
      // A target for redirects, which a client must not follow.
      response.writeHead(status, { 'content-type': 'application/json', location: '/elsewhere' }).end(text)
    }
    const fault = faults.shift()
    if (fault === 'silence') return
    if (fault === 'cut') {
      request.socket.destroy()
      return
    }
    // A careless service repeats the request in its errors.
    if (typeof fault === 'number') return respond(fault, body)
    if (fault !== undefined) return respond(200, fault.text)
    if (request.headers.authorization !== `Bearer ${options.token}`) return respond(401, '{}')
    const [, keyId = '', operation] = /^\/v1\/keys\/([^/]+)\/(wrap|unwrap)$/.exec(request.url ?? '') ?? []
    const key = keys.get(decodeURIComponent(keyId))
    if (key === undefined) return respond(404, '{}')
    const { field, bytes } = JSON.parse(body) as { readonly field: string; readonly bytes: string }
    const input = Buffer.from(bytes, 'base64')
    const output = operation === 'wrap' ? wrap(key, field, input) : unwrap(key, field, input)
    if (output === undefined) return respond(422, '{}')
    respond(200, JSON.stringify({ bytes: output.toString('base64') }))
  }

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.writeHead(400).end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const service: DemoKeyService = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/`,
    requests,
    faults,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
    onRequest: undefined,
  }
  return service
}

function wrap(key: KeyObject, field: string, bytes: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(Buffer.from(field))
  return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
}

function unwrap(key: KeyObject, field: string, wrapped: Buffer): Buffer | undefined {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, wrapped.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    })
    decipher.setAAD(Buffer.from(field))
    decipher.setAuthTag(wrapped.subarray(-TAG_BYTES))
    return Buffer.concat([decipher.update(wrapped.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
  } catch {
    return undefined
  }
}
