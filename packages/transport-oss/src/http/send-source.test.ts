import { EventEmitter } from 'node:events'
import type { ClientRequest } from 'node:http'
import { type AddressInfo, connect, createServer } from 'node:net'
import { CseError, type ObjectBody, TransportError } from '@oss-cse/crypto-core'
import { UploadSource } from '@oss-cse/crypto-core/internal'
import { afterEach, expect, it, onTestFinished, vi } from 'vitest'
import {
  bodyOf,
  errorXml,
  fakeServer,
  readRequest,
  rejection,
  signalled,
  transportOnto,
} from '../../test/fake-server.ts'
import type { IdleWatch } from './idle-watch.ts'
import { sendSource } from './send-source.ts'

const warn = vi.spyOn(console, 'warn')
afterEach(() => {
  expect(warn).not.toHaveBeenCalled()
})

const CHUNK = new Uint8Array(64 * 1024)

/** An endless body that signals when it was returned. */
function endless(): ObjectBody & { readonly returned: Promise<void>; pulled: number } {
  const { happened, tell } = signalled()
  const body = {
    returned: happened,
    pulled: 0,
    async *open() {
      try {
        for (;;) {
          body.pulled += CHUNK.byteLength
          yield CHUNK
        }
      } finally {
        tell()
      }
    },
  }
  return body
}

/** A server that stores complete bodies, and signals incomplete ones. */
async function storingServer() {
  const stored: Buffer[] = []
  const { happened: cut, tell } = signalled()
  const server = await fakeServer(async (request, response) => {
    try {
      stored.push(await readRequest(request))
      response.end()
    } catch {
      tell()
    }
  })
  return { server, stored, cut }
}

it('a body of known size is sent with its length, one of unknown size in chunks, an empty one with length 0', async () => {
  const { server, stored } = await storingServer()
  const transport = transportOnto(server)
  const parts = [Buffer.from('ab'), new Uint8Array(), Buffer.from('c')]
  await transport.put({ key: 'a', headers: {}, body: bodyOf(parts, 3) })
  await transport.put({ key: 'a', headers: {}, body: bodyOf(parts) })
  await transport.put({ key: 'a', headers: {}, body: bodyOf([], 0) })
  await transport.put({ key: 'a', headers: {}, body: bodyOf([]) })
  expect(stored.map(String)).toEqual(['abc', 'abc', '', ''])
  expect(server.seen.map(({ headers }) => [headers['content-length'], headers['transfer-encoding']])).toEqual(
    [
      ['3', undefined],
      [undefined, 'chunked'],
      ['0', undefined],
      [undefined, 'chunked'],
    ],
  )
})

it('a large body arrives complete, and is not copied into one buffer', async () => {
  const { server, stored } = await storingServer()
  const chunks = Array.from({ length: 100 }, (_, i) => new Uint8Array(65_537).fill(i))
  await transportOnto(server).put({ key: 'a', headers: {}, body: bodyOf(chunks, 6_553_700) })
  expect(stored[0]?.equals(Buffer.concat(chunks))).toBe(true)
})

it('a body that fails to take a chunk back is stored, and does not end the process', async () => {
  const { server, stored } = await storingServer()
  const recycle = (): never => {
    throw new Error('not mine')
  }
  const { open } = bodyOf([CHUNK, CHUNK], 2 * CHUNK.length)
  const body = { open: () => Object.assign(open(), { recycle }) }
  await transportOnto(server).put({ key: 'a', headers: {}, body })
  expect(stored[0]?.length).toBe(2 * CHUNK.length)
})

it('a server that does not read stops the source from being pulled', async () => {
  const server = await fakeServer(() => {})
  const body = endless()
  const put = transportOnto(server, { idleTimeoutMs: 300 }).put({ key: 'a', headers: {}, body })
  expect(await rejection(put)).toMatchObject({ code: 'ERR_CSE_TIMEOUT', retryable: true })
  await body.returned
  expect(body.pulled).toBeLessThan(32 * 1024 * 1024)
})

it.each([
  [403, 'AccessDenied', 'ERR_CSE_ACCESS_DENIED'],
  [503, 'ServiceUnavailable', 'ERR_CSE_THROTTLED'],
])('an early %s rejects during the upload, and the source is returned', async (status, serviceCode, code) => {
  const server = await fakeServer((_, response) => response.writeHead(status).end(errorXml(serviceCode)))
  const body = endless()
  const error = await rejection(transportOnto(server).put({ key: 'a', headers: {}, body }))
  expect(error).toMatchObject({ code, serviceCode })
  await body.returned
})

it('an early response rejects and closes the connection even while the source is silent', async () => {
  const server = await fakeServer((request, response) => {
    request.resume()
    response.writeHead(403).end(errorXml('AccessDenied'))
  })
  const returned = vi.fn(async () => ({ done: true, value: undefined }) as const)
  let first = true
  const body: ObjectBody = {
    open: () => ({
      [Symbol.asyncIterator]: () => ({
        next: () => {
          if (!first) return new Promise(() => {})
          first = false
          return Promise.resolve({ done: false, value: CHUNK })
        },
        return: returned,
      }),
    }),
  }
  const error = await rejection(transportOnto(server).put({ key: 'a', headers: {}, body }))
  expect(error).toMatchObject({ code: 'ERR_CSE_ACCESS_DENIED' })
  expect(returned).toHaveBeenCalledTimes(1)
  const [socket] = server.sockets
  if (socket && !socket.destroyed) await new Promise((resolve) => socket.once('close', resolve))
})

it('a success before the end of the body is an error', async () => {
  const server = await fakeServer((_, response) => response.writeHead(200).end())
  const body = endless()
  const error = await rejection(transportOnto(server).put({ key: 'a', headers: {}, body }))
  expect(error).toMatchObject({ code: 'ERR_CSE_NETWORK', retryable: true })
  await body.returned
})

it.each([
  [403, 'ERR_CSE_ACCESS_DENIED'],
  [200, 'ERR_CSE_NETWORK'],
])(
  'an early %s rejects and closes the connection even while the last chunk is being sent',
  async (status, code) => {
    const closed = signalled()
    const server = await fakeServer((request, response) => {
      request.socket.on('close', closed.tell)
      response.writeHead(status).end()
    })
    const body = bodyOf([new Uint8Array(64 * 1024 * 1024)], 64 * 1024 * 1024)
    expect(await rejection(transportOnto(server).put({ key: 'a', headers: {}, body }))).toMatchObject({
      code,
    })
    await closed.happened
  },
)

it.each([100_000, undefined])(
  'the error of a failing source has the source’s own error as cause, and nothing is stored (sizeBytes %s)',
  async (sizeBytes) => {
    const { server, stored, cut } = await storingServer()
    const broken = new Error('the disk is gone')
    const body: ObjectBody = {
      ...(sizeBytes !== undefined && { sizeBytes }),
      async *open() {
        yield new Uint8Array(50_000)
        throw broken
      },
    }
    const error = await rejection(transportOnto(server).put({ key: 'a', headers: {}, body }))
    expect(error).toMatchObject({ code: 'ERR_CSE_SOURCE', objectKey: 'a' })
    expect((error as CseError).cause).toBe(broken)
    expect(TransportError.isInstance(error)).toBe(false)
    if (server.seen.length > 0) await cut
    expect(stored).toHaveLength(0)
  },
)

it('the source’s own CseError is thrown unchanged', async () => {
  const { server } = await storingServer()
  const broken = new CseError('ERR_CSE_INTEGRITY', 'The source changed.')
  const body: ObjectBody = {
    // biome-ignore lint/correctness/useYield: it fails before it yields.
    async *open(): AsyncGenerator<Uint8Array> {
      throw broken
    },
  }
  expect(await rejection(transportOnto(server).put({ key: 'a', headers: {}, body }))).toBe(broken)
})

it('an open that throws counts as a failing source', async () => {
  const { server } = await storingServer()
  const cause = new Error('no such file')
  const body: ObjectBody = {
    open() {
      throw cause
    },
  }
  const error = await rejection(transportOnto(server).put({ key: 'a', headers: {}, body }))
  expect(error).toMatchObject({ code: 'ERR_CSE_SOURCE', cause })
})

it.each([
  ['longer', 19_999],
  ['longer, in an object that should be empty', 0],
  ['shorter', 20_001],
  ['much shorter', 200_000],
])('a source that is %s than stated fails, and nothing is stored', async (_, sizeBytes) => {
  const { server, stored, cut } = await storingServer()
  const body = bodyOf([new Uint8Array(10_000), new Uint8Array(9_999), new Uint8Array(1)], sizeBytes)
  const error = await rejection(transportOnto(server).put({ key: 'a', headers: {}, body }))
  expect(error).toMatchObject({ code: 'ERR_CSE_SOURCE', objectKey: 'a' })
  if (server.seen.length > 0) await cut
  expect(stored).toHaveLength(0)
})

it('the last stated byte is sent only after the source has ended', async () => {
  const { server, stored, cut } = await storingServer()
  const asked = signalled()
  const body: ObjectBody = {
    sizeBytes: 3,
    async *open() {
      yield Buffer.from('ab')
      yield Buffer.from('c')
      asked.tell()
      throw new Error('after the last byte')
    },
  }
  expect(await rejection(transportOnto(server).put({ key: 'a', headers: {}, body }))).toMatchObject({
    code: 'ERR_CSE_SOURCE',
  })
  await asked.happened
  if (server.seen.length > 0) await cut
  expect(stored).toHaveLength(0)
})

it('a source that yields anything but bytes fails, and nothing is stored', async () => {
  const { server, stored, cut } = await storingServer()
  const body = bodyOf([new Uint8Array(3), 'text' as unknown as Uint8Array])
  expect(await rejection(transportOnto(server).put({ key: 'a', headers: {}, body }))).toMatchObject({
    code: 'ERR_CSE_SOURCE',
  })
  if (server.seen.length > 0) await cut
  expect(stored).toHaveLength(0)
})

it('onSentBytes counts the bytes that the connection took, not those that were read ahead', async () => {
  const halfRead = signalled()
  const mayGoOn = signalled()
  const server = await fakeServer(async (request, response) => {
    await mayGoOn.happened
    await readRequest(request)
    response.end()
  })
  const sizeBytes = 64 * 1024 * 1024
  const told: number[] = []
  const body = bodyOf([new Uint8Array(sizeBytes)], sizeBytes)
  const put = transportOnto(server).put({
    key: 'a',
    headers: {},
    body,
    onSentBytes(sent) {
      told.push(sent)
      if (sent > 0) halfRead.tell()
    },
  })
  await halfRead.happened
  await new Promise(setImmediate)
  // The whole body was read. The server has taken no more than the sockets hold.
  expect(told.at(-1)).toBeLessThan(sizeBytes / 2)
  mayGoOn.tell()
  await put
  expect(told[0]).toBe(0)
  expect(told.at(-1)).toBe(sizeBytes)
  expect(told).toEqual([...told].sort((a, b) => a - b))
})

it.each([-1, 1.5, Number.NaN])('a size of %s is refused', async (sizeBytes) => {
  const { server } = await storingServer()
  const put = transportOnto(server).put({ key: 'a', headers: {}, body: bodyOf([], sizeBytes) })
  expect(await rejection(put)).toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
})

it('a connection that breaks during an upload causes ERR_CSE_NETWORK, and the source is returned', async () => {
  const server = await fakeServer((request) => {
    request.once('data', () => request.socket.destroy())
  })
  const body = endless()
  const error = await rejection(transportOnto(server).put({ key: 'a', headers: {}, body }))
  expect(error).toMatchObject({ code: 'ERR_CSE_NETWORK', retryable: true })
  await body.returned
})

it('a large chunk is written in pieces, so that its progress is visible', async () => {
  const server = await fakeServer((request, response) => {
    request.on('data', () => {}).on('end', () => response.end())
  })
  const raw: Buffer[] = []
  const put = transportOnto({ ...server, endpoint: `http://127.0.0.1:${await relay(server.port, raw)}` }).put(
    {
      key: 'a',
      headers: {},
      body: bodyOf([new Uint8Array(600 * 1024)]),
    },
  )
  await put
  const lengths: number[] = []
  // Each chunk of the transfer coding is one write.
  for (const [, length] of Buffer.concat(raw)
    .toString('latin1')
    .matchAll(/\r\n([0-9a-f]+)\r\n\0/g)) {
    lengths.push(Number.parseInt(length ?? '', 16))
  }
  expect(lengths).toEqual([262_144, 262_144, 90_112])
})

/** Forwards a connection and records what the client sent. */
async function relay(port: number, raw: Buffer[]): Promise<number> {
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    client.on('data', (chunk) => raw.push(chunk)).pipe(upstream)
    upstream.pipe(client)
    for (const socket of [client, upstream]) socket.on('error', () => {})
    onTestFinished(() => {
      client.destroy()
      upstream.destroy()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
  })
  return (server.address() as AddressInfo).port
}

it.each([
  ['http:', 256 * 1024],
  ['https:', 64 * 1024],
])(
  '%s writes at most %i bytes at a time, the last of them with the end of the request',
  async (protocol, most) => {
    for (const sizeBytes of [1, 64 * 1024, 256 * 1024, 300_001, 1024 * 1024]) {
      const written: number[] = []
      const ended: number[] = []
      const request = Object.assign(new EventEmitter(), {
        destroyed: false,
        protocol,
        write(chunk: Uint8Array) {
          written.push(chunk.byteLength)
          setImmediate(() => request.emit('drain'))
          return false
        },
        end(chunk?: Uint8Array) {
          ended.push(chunk?.byteLength ?? 0)
        },
      })
      const source = new UploadSource(bodyOf([new Uint8Array(sizeBytes)], sizeBytes), 'a')
      const idle = { suspend: () => {}, resume: () => {} }
      await sendSource(request as unknown as ClientRequest, source, idle as unknown as IdleWatch)
      expect(ended).toEqual([Math.min(sizeBytes, most)])
      expect(Math.max(0, ...written)).toBeLessThanOrEqual(most)
      expect([...written, ...ended].reduce((sum, bytes) => sum + bytes, 0)).toBe(sizeBytes)
    }
  },
)
