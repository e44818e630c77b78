import { Agent, type ClientRequestArgs } from 'node:http'
import { Duplex } from 'node:stream'
import OSS from 'ali-oss'
import { expect, it, onTestFinished, vi } from 'vitest'
import { bodyOf, respondingWith } from '../../test/fake-server.ts'
import { OssTransport } from '../index.ts'

const envelope = {
  'x-oss-meta-client-side-encryption-key': 'a2V5',
  'x-oss-meta-client-side-encryption-start': 'c3RhcnQ=',
  'x-oss-meta-client-side-encryption-cek-alg': 'AES/CTR/NoPadding',
}

it('put sends the given headers and type, and returns status and headers', async () => {
  const { server, transport } = await respondingWith('', {
    ETag: '"E"',
    'x-oss-hash-crc64ecma': '18446744073709551615',
  })
  const headers = {
    ...envelope,
    'x-oss-server-side-encryption': 'AES256',
    'content-type': 'text/x-a',
    'content-md5': 'x',
  }
  const response = await transport.put({ key: 'a b/ä+?.txt', headers, body: bodyOf([Buffer.from('abc')], 3) })
  expect(response).toMatchObject({
    status: 200,
    headers: { etag: '"E"', 'x-oss-hash-crc64ecma': '18446744073709551615' },
  })
  expect(server.seen).toMatchObject([{ method: 'PUT', url: '/my-bucket/a%20b/%C3%A4%2B%3F.txt', headers }])
})

it('a put without a type gets the type of the key’s extension, or none', async () => {
  const { server, transport } = await respondingWith('')
  await transport.put({ key: 'a.html', headers: {}, body: bodyOf([Buffer.from('abc')], 3) })
  await transport.put({ key: 'a', headers: {}, body: bodyOf([Buffer.from('abc')], 3) })
  expect(server.seen.map(({ headers }) => headers['content-type'])).toEqual(['text/html', undefined])
})

it('a put of nothing is signed when its source has ended, so that the signature is not old', async () => {
  const { server, transport } = await respondingWith('')
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-29T23:50:00Z') })
  onTestFinished(() => {
    vi.useRealTimers()
  })
  const open = async function* () {
    yield new Uint8Array()
    vi.setSystemTime(new Date('2026-11-30T00:10:00Z'))
  }
  await transport.put({ key: 'a', headers: {}, body: { open, sizeBytes: 0 } })
  expect(server.seen[0]?.headers).toMatchObject({
    'x-oss-date': '20261130T001000Z',
    authorization: expect.stringContaining('/20261130/'),
  })
})

it('a put whose callback response is not JSON succeeds, because the object is stored', async () => {
  const { transport } = await respondingWith('not json')
  const headers = { 'x-oss-callback': 'e30=' }
  const put = transport.put({ key: 'a', headers, body: bodyOf([Buffer.from('abc')], 3) })
  const { status, data } = await put
  expect([status, Buffer.from(data ?? []).toString()]).toEqual([200, 'not json'])
})

/** A connection that keeps the last bytes of a body, and whose server responds all the same. */
class HoldingConnection extends Duplex {
  /** Lets the bytes go, or breaks off with them. */
  release: (error?: Error) => void = () => {}
  #received = ''

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#received += chunk.toString('latin1')
    if (!this.#received.includes('the end')) {
      done()
      return
    }
    this.release = (error) => {
      if (error === undefined) done()
      else this.destroy(error)
    }
    this.push('HTTP/1.1 200 OK\r\nx-oss-request-id: R\r\nETag: "E"\r\nContent-Length: 0\r\n\r\n')
  }

  setTimeout(): this {
    return this
  }
  setNoDelay(): this {
    return this
  }
  setKeepAlive(): this {
    return this
  }
  ref(): this {
    return this
  }
  unref(): this {
    return this
  }
}

it.each([
  ['resolves once the last bytes have left', undefined],
  ['rejects when the connection breaks before that', new Error('reset')],
])('a put whose response comes before its last bytes have left %s', async (_what, broken) => {
  const connection = new HoldingConnection()
  const agent = new Agent()
  Object.assign(agent, { createConnection: (_options: ClientRequestArgs) => connection })
  const options = { bucket: 'my-bucket', region: 'oss-cn-hangzhou', accessKeyId: 'a', accessKeySecret: 'b' }
  const transport = new OssTransport({ client: new OSS({ ...options, agent } as OSS.Options) })
  let settled = false
  const put = transport
    .put({ key: 'a', headers: {}, body: bodyOf([Buffer.from('the end')], 7) })
    .finally(() => {
      settled = true
    })
  put.catch(() => {})
  setImmediate(() => connection.emit('connect'))
  await expect.poll(() => connection.readableLength).toBe(0)
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(settled).toBe(false)
  connection.release(broken)
  if (broken === undefined) await expect(put).resolves.toMatchObject({ status: 200 })
  else await expect(put).rejects.toMatchObject({ code: 'ERR_CSE_NETWORK' })
})
