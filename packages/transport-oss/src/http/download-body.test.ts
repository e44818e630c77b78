import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { fakeServer, readAll, rejection, signalled, transportOnto } from '../../test/fake-server.ts'
import { DownloadBody } from './download-body.ts'
import type { IdleWatch } from './idle-watch.ts'
import { RequestScope } from './request-scope.ts'
import { messageBytes } from './response-bytes.ts'

const MIB = 1024 * 1024

it('status, headers and bytes are returned as the server sent them', async () => {
  const server = await fakeServer((_, response) => {
    response.writeHead(206, {
      ETag: '"A"',
      'Content-Range': 'bytes 0-4/9',
      'x-oss-meta-A': 'b',
      'set-cookie': ['a', 'b'],
    })
    response.end('bytes')
  })
  const { status, headers, body } = await transportOnto(server).get({
    key: 'a',
    headers: { range: 'bytes=0-4' },
  })
  expect(status).toBe(206)
  expect(headers).toMatchObject({
    etag: '"A"',
    'content-range': 'bytes 0-4/9',
    'x-oss-meta-a': 'b',
    'set-cookie': 'a, b',
  })
  expect(String(await readAll(body))).toBe('bytes')
})

it('bytes that are stored with Content-Encoding: gzip are not decompressed', async () => {
  const stored = gzipSync('plain')
  const server = await fakeServer((_, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(stored),
  )
  const { body } = await transportOnto(server).get({ key: 'a.gz', headers: {} })
  expect((await readAll(body)).equals(stored)).toBe(true)
})

it('each read sends accept-encoding: identity, whatever the caller passes', async () => {
  const server = await fakeServer((_, response) => response.end())
  const transport = transportOnto(server)
  const headers = Object.freeze({
    range: 'bytes=1-2',
    'x-oss-range-behavior': 'standard',
    'Accept-Encoding': 'gzip',
  })
  await readAll((await transport.get({ key: 'a', headers, versionId: 'v1' })).body)
  await transport.head({ key: 'a', headers: Object.freeze({ 'if-match': '"a"' }), versionId: 'v1' })
  expect(server.seen[0]).toMatchObject({
    method: 'GET',
    url: '/my-bucket/a?versionId=v1',
    headers: { range: 'bytes=1-2', 'x-oss-range-behavior': 'standard', 'accept-encoding': 'identity' },
  })
  expect(server.seen[1]).toMatchObject({
    method: 'HEAD',
    url: '/my-bucket/a?versionId=v1',
    headers: { 'if-match': '"a"', 'accept-encoding': 'identity' },
  })
})

it.each([
  ['with a length', { 'content-length': '100' }],
  ['in chunks', {}],
])('a truncated body rejects and never ends silently (%s)', async (_, headers) => {
  const server = await fakeServer((_, response) => {
    response.writeHead(200, headers)
    response.write('x'.repeat(50), () => response.destroy())
  })
  const { body } = await transportOnto(server).get({ key: 'a', headers: {} })
  const chunks: Uint8Array[] = []
  const read = async () => {
    for await (const chunk of body) chunks.push(chunk)
  }
  expect(await rejection(read())).toMatchObject({ code: 'ERR_CSE_NETWORK', retryable: true, objectKey: 'a' })
  expect(Buffer.concat(chunks).length).toBeLessThanOrEqual(50)
})

it('a body that was truncated before the first read rejects too', async () => {
  const cut = signalled()
  const server = await fakeServer((_, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('x', () => response.destroy())
    response.on('close', cut.tell)
  })
  const { body } = await transportOnto(server).get({ key: 'a', headers: {} })
  await cut.happened
  expect(await rejection(readAll(body))).toMatchObject({ code: 'ERR_CSE_NETWORK' })
})

it.each([
  ['before the first chunk', 0],
  ['after the first chunk', 1],
])('returning the iterator closes the connection, %s', async (_, chunks) => {
  const closed = signalled()
  const server = await fakeServer((_, response) => {
    response.on('close', closed.tell)
    response.writeHead(200, { 'content-length': String(64 * MIB) })
    response.write(new Uint8Array(MIB))
  })
  const { body } = await transportOnto(server).get({ key: 'a', headers: {} })
  const iterator = body[Symbol.asyncIterator]()
  for (let i = 0; i < chunks; i++) expect((await iterator.next()).done).toBe(false)
  expect(await iterator.return?.()).toEqual({ done: true, value: undefined })
  await closed.happened
  expect(await iterator.next()).toEqual({ done: true, value: undefined })
})

it('a body that is not read stops the server from sending', async () => {
  let written = 0
  const stuck = signalled()
  const server = await fakeServer((_, response) => {
    response.writeHead(200)
    const chunk = new Uint8Array(MIB)
    while (written < 512 * MIB && response.write(chunk)) written += MIB
    stuck.tell()
  })
  const { body } = await transportOnto(server).get({ key: 'a', headers: {} })
  await stuck.happened
  expect(written).toBeLessThan(64 * MIB)
  await body[Symbol.asyncIterator]().return?.()
})

it('a connection is reused after its body was read to the end', async () => {
  const server = await fakeServer((_, response) => response.end('x'.repeat(100_000)))
  const transport = transportOnto(server)
  for (let i = 0; i < 3; i++) await readAll((await transport.get({ key: 'a', headers: {} })).body)
  expect(server.sockets).toHaveLength(1)
})

it('an empty body ends at once', async () => {
  const server = await fakeServer((_, response) => response.writeHead(200, { 'content-length': '0' }).end())
  expect((await readAll((await transportOnto(server).get({ key: 'a', headers: {} })).body)).length).toBe(0)
})

it('a pending read ends without an error when the body is returned', async () => {
  const server = await fakeServer((_, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('x')
  })
  const { body } = await transportOnto(server).get({ key: 'a', headers: {} })
  const iterator = body[Symbol.asyncIterator]()
  await iterator.next()
  const pending = iterator.next()
  await iterator.return?.()
  expect(await pending).toEqual({ done: true, value: undefined })
})

it('reads that wait at the same time get the chunks in their order', async () => {
  const message = Object.assign(new PassThrough(), { headers: {} }) as unknown as IncomingMessage &
    PassThrough
  const idle = { resume() {}, suspend() {} } as IdleWatch
  const body = new DownloadBody(
    messageBytes(message),
    { operation: 'get', renewalHint: '' },
    new RequestScope(),
    idle,
  )
  const first = body.next()
  let second: ReturnType<DownloadBody['next']> | undefined
  // The chunk has arrived when the second read starts, but the first one has not yet continued.
  message.prependOnceListener('data', () => {
    void Promise.resolve().then(() => {
      second = body.next()
    })
  })
  message.write('1')
  message.end('2')
  expect(String((await first).value)).toBe('1')
  expect(String((await second)?.value)).toBe('2')
})
