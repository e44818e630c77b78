import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../emulator.ts'
import { aliOssClient } from '../testing/ali-oss-client.ts'

let emulator: OssEmulator
let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'oss-emulator-'))
  emulator = await startOssEmulator({ accessLog: join(directory, 'access.log') })
})
afterAll(async () => {
  await emulator.close()
  await rm(directory, { recursive: true })
})
beforeEach(() => emulator.resetRequests())

/** Sends bytes unchanged and collects the responses until the server ends the connection. */
async function exchange(...pieces: readonly string[]): Promise<string> {
  const socket = connect({ port: emulator.port, host: '127.0.0.1', allowHalfOpen: true })
  for (const piece of pieces) socket.write(piece)
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  socket.end()
  return Buffer.concat(chunks).toString('latin1')
}

/** The parts of the last response on a connection. */
function lastResponse(text: string): {
  readonly status: number
  readonly header: (name: string) => string | undefined
  readonly document: string
  readonly element: (name: string) => string | undefined
} {
  const response = text.slice(text.lastIndexOf('HTTP/1.1 '))
  const [head = '', document = ''] = response.split('\r\n\r\n')
  return {
    status: Number(head.slice(9, 12)),
    header: (name) => new RegExp(`\r\n${name}: ([^\r\n]*)`, 'i').exec(head)?.[1],
    document,
    element: (name) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(document)?.[1],
  }
}

const HOST = 'Host: demo.localhost\r\n'
const BOTH = `PUT /both HTTP/1.1\r\n${HOST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n`
const UNSIGNED = `GET /unsigned HTTP/1.1\r\n${HOST}\r\n`

describe('a request that is not well-formed HTTP gets an error document and a request id', () => {
  it.each([
    ['both Content-Length and Transfer-Encoding', BOTH],
    [
      'both in the other order',
      `PUT /both HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n`,
    ],
    ['a Content-Length that is no number', `PUT /a HTTP/1.1\r\n${HOST}Content-Length: x\r\n\r\n`],
    ['two lengths', `PUT /a HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`],
    ['a header that is too long', `GET /a HTTP/1.1\r\n${HOST}X: ${'x'.repeat(70_000)}\r\n\r\n`],
    ['no request at all', 'nonsense\r\n\r\n'],
    ['no Host', 'GET /demo/a HTTP/1.1\r\nConnection: close\r\n\r\n'],
  ])('%s: 400 InvalidArgument', async (_, request) => {
    const { status, header, element } = lastResponse(await exchange(request))
    expect([status, element('Code')]).toEqual([400, 'InvalidArgument'])
    expect(header('x-oss-request-id')).toMatch(/^[0-9A-F]{24}$/)
    expect(element('RequestId')).toBe(header('x-oss-request-id'))
    expect([header('Server'), header('Content-Type')]).toEqual(['AliyunOSS', 'application/xml'])
  })

  it('a length that is not a number has its own error number', async () => {
    const text = await exchange(`PUT /a HTTP/1.1\r\n${HOST}Content-Length: x\r\n\r\n`)
    expect(lastResponse(text).header('x-oss-ec')).toBe('0017-00000103')
    expect(lastResponse(await exchange(BOTH)).header('x-oss-ec')).toBeUndefined()
  })

  it('CONNECT: 405 MethodNotAllowed', async () => {
    const { status, element } = lastResponse(await exchange(`CONNECT a:1 HTTP/1.1\r\n${HOST}\r\n`))
    expect([status, element('Code')]).toEqual([405, 'MethodNotAllowed'])
  })

  it('an unknown expectation is ignored', async () => {
    const request = `GET /a HTTP/1.1\r\n${HOST}Expect: miracles\r\nConnection: close\r\n\r\n`
    expect(lastResponse(await exchange(request)).element('Code')).toBe('AccessDenied')
  })

  it('the document of a response to HEAD is in a header', async () => {
    const request = `HEAD /a HTTP/1.1\r\n${HOST}Content-Length: x\r\n\r\n`
    const { header, document } = lastResponse(await exchange(request))
    expect(document).toBe('')
    expect(Buffer.from(header('x-oss-err') ?? '', 'base64').toString()).toContain('InvalidArgument')
  })

  it('the request is recorded and logged', async () => {
    const { header } = lastResponse(await exchange(BOTH))
    const id = header('x-oss-request-id')
    expect(emulator.requests).toMatchObject([{ method: 'PUT', path: '/both', status: 400, requestId: id }])
    const lines = readFileSync(join(directory, 'access.log'), 'utf8').trim().split('\n')
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ path: '/both', status: 400, requestId: id })
  })
})

describe('the response to a malformed request', () => {
  it('arrives whole, after the responses to the earlier requests on the connection', async () => {
    const separate = connect(emulator.port, '127.0.0.1')
    separate.write(UNSIGNED)
    let text = ''
    for await (const chunk of separate) {
      const first = text === ''
      text += String(chunk)
      if (first) separate.write(BOTH)
    }
    const pipelined = await exchange(UNSIGNED + BOTH)
    for (const both of [text, pipelined]) {
      expect(both.match(/<Code>\w+<\/Code>/g)).toEqual([
        '<Code>AccessDenied</Code>',
        '<Code>InvalidArgument</Code>',
      ])
    }
  })

  it('arrives even if a long body follows', async () => {
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
    const text = await exchange(BOTH, ...Array.from({ length: 64 }, () => chunk), '0\r\n\r\n')
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1)
    expect(lastResponse(text).element('Code')).toBe('InvalidArgument')
  })

  it('does not keep the server from closing if the client never closes', async () => {
    const closing = await startOssEmulator()
    const socket = connect({ port: closing.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.on('error', () => undefined)
    socket.write(BOTH)
    await new Promise((resolve) => socket.once('data', resolve))
    await closing.close()
    socket.destroy()
  })
})

describe('a malformed body', () => {
  /** A signed URL, as the first line and the headers of a request. */
  function signedPut(key: string, headers: string): string {
    const url = new URL(aliOssClient(emulator).signatureUrl(key, { method: 'PUT' }))
    return `PUT ${url.pathname}${url.search} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`
  }

  it.each([
    ['a chunk without a size', 'Transfer-Encoding: chunked\r\n', '3\r\nabc\r\nzz\r\n', 'InvalidArgument'],
    ['a chunk with too many bytes', 'Transfer-Encoding: chunked\r\n', '3\r\nabcdef', 'InvalidArgument'],
  ])('is refused and stores nothing: %s', async (_, headers, body, code) => {
    const { status, element } = lastResponse(await exchange(signedPut('malformed', headers), body))
    expect([status, element('Code')]).toEqual([400, code])
    expect(emulator.requests).toMatchObject([{ path: '/demo/malformed', status: 400 }])
    expect(await emulator.getStoredObject('demo', 'malformed')).toBeUndefined()
  })

  it('bytes after the announced length are not part of the object but another request', async () => {
    const text = await exchange(`${signedPut('longer', 'Content-Length: 3\r\n')}abcdef`)
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400'])
    expect(Buffer.from((await emulator.getStoredObject('demo', 'longer'))?.bytes ?? []).toString()).toBe(
      'abc',
    )
  })

  it.each([
    ['Content-Length: 10\r\n', 'abc'],
    ['Transfer-Encoding: chunked\r\n', '3\r\nabc\r\n'],
  ])('that ends early is IncompleteBody and stores nothing: %j', async (headers, body) => {
    const socket = connect({ port: emulator.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.end(signedPut('short', headers) + body)
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    const { status, header, element } = lastResponse(text)
    expect([status, element('Code')]).toEqual([400, 'IncompleteBody'])
    expect(element('RequestId')).toBe(header('x-oss-request-id'))
    expect(await emulator.getStoredObject('demo', 'short')).toBeUndefined()
  })
})

it('a put of ali-oss with the length of its stream only in the headers is refused and stores nothing', async () => {
  const agent = new Agent({ keepAlive: true })
  const client = aliOssClient(emulator, { agent })
  try {
    await client.put('before', Buffer.from('x'))
    const headers = { 'Content-Length': 3 }
    await expect(client.put('both', Readable.from([Buffer.from('abc')]), { headers })).rejects.toMatchObject({
      status: 400,
      code: 'InvalidArgument',
      requestId: expect.stringMatching(/^[0-9A-F]{24}$/),
    })
    expect(await emulator.getStoredObject('demo', 'both')).toBeUndefined()
    await client.put('both', Buffer.from('abc'))
    expect((await client.get('both')).content.toString()).toBe('abc')
  } finally {
    agent.destroy()
  }
})
