import { Agent, request } from 'node:http'
import { Duplex } from 'node:stream'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Address } from '../address.ts'
import type { OutgoingRequest } from '../http-exchange.ts'
import { requestHead } from './request-head.ts'

const ADDRESS: Address = { secure: false, hostname: 'bucket.example', port: '', path: '/a' }
const get = (headers: OutgoingRequest['headers']): OutgoingRequest => ({ method: 'GET', headers })

/** The bytes that Node.js sends with an agent that keeps connections, or undefined if it refuses. */
async function sentByNode(
  { hostname, port, path }: Address,
  { headers }: OutgoingRequest,
): Promise<string | undefined> {
  const agent = new Agent({ keepAlive: true })
  const sent = new Promise<string>((resolve) => {
    agent.createConnection = () => {
      const connection = new Duplex({
        read() {},
        write(bytes, _, done) {
          resolve(Buffer.from(bytes).toString('latin1'))
          done()
        },
      })
      return Object.assign(connection, { setKeepAlive() {}, setTimeout() {}, ref() {}, unref() {} })
    }
  })
  try {
    const outgoing = request({ method: 'GET', hostname, ...(port !== '' && { port }), path, headers, agent })
    outgoing.on('error', () => {})
    outgoing.end()
    const bytes = await sent
    outgoing.destroy()
    return bytes
  } catch {
    return undefined
  }
}

const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary-ascii', maxLength: 8 }),
  fc.string({ unit: 'binary', maxLength: 4 }),
  fc.constantFrom('', ' ', 'ä', '\xff', 'Ā', '€'),
)
const name = fc.oneof(
  fc.constantFrom(
    'range',
    'host',
    'authorization',
    'x-oss-date',
    'user-agent',
    'date',
    '1',
    '__proto__',
    'a b',
    'ä',
    '',
  ),
  fc.string({ unit: fc.constantFrom(...'abc-_.~!'), minLength: 1, maxLength: 8 }),
)

it('each request that is not declined has the bytes that Node.js sends', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(name, fc.oneof(text, fc.nat())), { maxLength: 6 }),
      fc.constantFrom('bucket.example', '127.0.0.1', '::1', 'localhost'),
      fc.constantFrom('', '80', '443', '8080'),
      fc.oneof(
        fc.constantFrom('/', '/a?b=c&d', '/%E4%BD%A0/../x'),
        text.map((tail) => `/${tail}`),
      ),
      async (fields, hostname, port, path) => {
        const address = { secure: false, hostname, port, path }
        const outgoing = get(Object.fromEntries(fields))
        const head = requestHead(address, outgoing)
        if (head !== undefined) expect(head).toBe(await sentByNode(address, outgoing))
      },
    ),
    { numRuns: 500 },
  )
})

it('requests as the transport makes them are not declined', async () => {
  const headers = {
    'x-oss-date': '20261129T140553Z',
    'x-oss-content-sha256': 'UNSIGNED-PAYLOAD',
    'user-agent': 'oss-cse (nodejs 24)',
    range: 'bytes=0-9',
    'accept-encoding': 'identity',
    authorization: 'OSS4-HMAC-SHA256 Credential=a/b',
    host: 'bucket.example',
    'x-number': 5,
  }
  const address = { ...ADDRESS, path: '/%E4%BD%A0?versionId=1' }
  expect(requestHead(address, get(headers))).toBe(await sentByNode(address, get(headers)))
})

it.each<readonly [string, Address, OutgoingRequest]>([
  ['a method other than GET', ADDRESS, { method: 'HEAD', headers: {} }],
  ['a space in the path', { ...ADDRESS, path: '/a b' }, get({})],
  ['a line break in the path', { ...ADDRESS, path: '/a\r\nx: y' }, get({})],
  ['a path that is a URL', { ...ADDRESS, path: 'http://other/' }, get({})],
  ['a line break in a value', ADDRESS, get({ a: 'b\r\nc: d' })],
  ['a character above Latin-1', ADDRESS, get({ a: 'Ā' })],
  ['a name that is no token', ADDRESS, get({ 'a:': 'b' })],
  ['a name in upper case', ADDRESS, get({ Range: 'bytes=0-1' })],
  ['no value', ADDRESS, get({ a: undefined as unknown as string })],
  ['a list', ADDRESS, get({ a: ['b'] as unknown as string })],
  ['a host that is a number', ADDRESS, get({ host: 5 })],
  ['an empty host', ADDRESS, get({ host: '' })],
  ...['connection', 'content-length', 'transfer-encoding', 'expect', 'upgrade', 'trailer', 'keep-alive'].map(
    (header) => [header, ADDRESS, get({ [header]: '1' })] as const,
  ),
])('%s is left to node:http', (_, address, outgoing) => {
  expect(requestHead(address, outgoing)).toBeUndefined()
})
