import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type DirectHead, ResponseHeadReader } from './response-head.ts'

/** Reads a head, and returns it with the number of bytes that it had, or undefined if it was declined. */
function read(...parts: (string | Buffer)[]): { head: DirectHead | undefined; size: number } | undefined {
  const reader = new ResponseHeadReader()
  let size = 0
  for (const part of parts) {
    const read = reader.read(Buffer.from(part as string, 'latin1'))
    if (read === undefined) return undefined
    size += read
    if (reader.head !== undefined) break
  }
  return { head: reader.head, size }
}

const WHOLE =
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag:\t"a"  \r\nx-empty:\r\nSet-Cookie: a\r\nset-cookie: b\r\n\r\n'

it('a head is read whole, split anywhere and byte by byte, and the body is left', () => {
  const expected = {
    head: {
      status: 200,
      headers: { 'content-length': '5', etag: '"a"', 'x-empty': '', 'set-cookie': 'a, b' },
      length: 5,
      keepAliveMs: Number.POSITIVE_INFINITY,
    },
    size: WHOLE.length,
  }
  expect(read(`${WHOLE}body`)).toEqual(expected)
  for (let at = 0; at <= WHOLE.length; at++)
    expect(read(WHOLE.slice(0, at), `${WHOLE.slice(at)}body`)).toEqual(expected)
  expect(read(...WHOLE, 'body')).toEqual(expected)
})

it('no part of a head is a whole head', () => {
  for (let end = 0; end < WHOLE.length; end++)
    expect(read(WHOLE.slice(0, end))).toEqual({ head: undefined, size: end })
})

const head = (fields: string, line = 'HTTP/1.1 200 OK'): string => `${line}\r\n${fields}\r\n\r\n`
const LENGTH = 'Content-Length: 5'

describe('a head is left to node:http', () => {
  it.each([
    ...[
      'HTTP/1.0 200 OK',
      'HTTP/1.1 200',
      'HTTP/1.1  200 OK',
      'HTTP/1.1 20 OK',
      'HTTP/1.1 2000 OK',
      'http/1.1 200 OK',
      'HTTP/1.1 +20 OK',
      'HTTP/1.1 200 \0',
      '\r\nHTTP/1.1 200 OK',
    ].map((line) => head(LENGTH, line)),
    ...[100, 101, 103, 199, 204, 304, '000'].map((status) => head(LENGTH, `HTTP/1.1 ${status} x`)),
    ...['', '-1', '+5', '0x5', '5, 5', '5 5', '5.0', '1e3', '9007199254740993', '5\t', '٥'].map((length) =>
      head(`Content-Length: ${length}`),
    ),
    head('ETag: "a"'),
    ...[
      'Content-Length: 5',
      'Transfer-Encoding: chunked',
      'Transfer-Encoding: identity',
      'Connection: upgrade',
      'Connection: close, x',
      'Connection:',
      'Connection: close\t',
      'Proxy-Connection: close',
      'Upgrade: h2c',
      'Trailer: x',
      'x-a: 1\r\nX-A: 2',
      ' folded',
      '\tfolded',
      'x-a : 1',
      'x a: 1',
      'x\0: 1',
      'x: \0',
      'x: a\x01',
      'x: a\x7f',
      'x: a\rb',
      'x: a\nb',
      ': x',
      'x',
      '__proto__: x',
    ].map((field) => head(`${LENGTH}\r\n${field}`)),
    head(LENGTH).replaceAll('\r\n', '\n'),
    head(LENGTH).replaceAll('\r\n', '\r'),
    head(`${LENGTH}\r\nx: ${'v'.repeat(16 * 1024)}`),
    head(`${LENGTH}\r\n${'n'.repeat(16 * 1024)}: v`),
    head(Array.from({ length: 300 }, (_, i) => `x-${i}: v`).join('\r\n')),
  ])('%j', (text) => {
    expect(read(text)).toBeUndefined()
    expect(read(...text)).toBeUndefined()
  })
})

it.each([
  [Number.POSITIVE_INFINITY, 'x: y'],
  [Number.POSITIVE_INFINITY, 'Connection: Keep-Alive'],
  [Number.POSITIVE_INFINITY, 'Keep-Alive: max=5'],
  [29_000, 'Keep-Alive: timeout=30'],
  [29_000, 'Keep-Alive: timeout=30, max=100'],
  [0, 'Keep-Alive: timeout=1'],
  [0, 'Keep-Alive: timeout=0'],
  [0, 'Connection: close'],
  [0, 'Connection: CLOSE\r\nKeep-Alive: timeout=30'],
])('the connection may wait for %s ms after %j', (keepAliveMs, fields) => {
  expect(read(head(`${LENGTH}\r\n${fields}`))?.head?.keepAliveMs).toBe(keepAliveMs)
})

it('whatever arrives, however it is split, is read in the same way', () => {
  const bytes = fc.oneof(
    fc
      .uint8Array({ maxLength: 60 })
      .map((tail) => Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${LENGTH}\r\n`), tail])),
    fc.tuple(fc.nat(WHOLE.length - 1), fc.nat(255)).map(([at, byte]) => {
      const changed = Buffer.from(WHOLE, 'latin1')
      changed[at] = byte
      return changed
    }),
  )
  fc.assert(
    fc.property(bytes, fc.nat(), (all, cut) => {
      const at = cut % (all.length + 1)
      const whole = read(all)
      expect(read(all.subarray(0, at), all.subarray(at))).toEqual(whole)
    }),
    { numRuns: 1000 },
  )
})
