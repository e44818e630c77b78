import { request as httpRequest } from 'node:http'
import { type OssEmulator, startOssEmulator } from '@oss-cse/oss-emulator'
import { signV1, signV4 } from '@oss-cse/signature'
// @ts-expect-error: it has no types.
import aliOss from 'ali-oss/lib/common/signUtils.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

type Web = typeof import('@oss-cse/signature')
/** The half of browsers and workers. */
const web: Web = await import(new URL('index.web.js', import.meta.resolve('@oss-cse/signature')).href)

let emulator: OssEmulator
beforeAll(async () => {
  emulator = await startOssEmulator()
})
afterAll(() => emulator.close())

interface Sent {
  readonly method: string
  readonly key?: string
  readonly subresources?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly additionalHeaders?: readonly string[]
}

type Authorization = (
  sent: Sent & { bucket: string; headers: Record<string, string> },
) => string | Promise<string>

const now = new Date()
const V4_HEADERS = {
  'x-oss-date': now.toISOString().replaceAll(/[-:]|\.\d+/g, ''),
  'x-oss-content-sha256': 'UNSIGNED-PAYLOAD',
}
const V1_HEADERS = { 'x-oss-date': now.toUTCString() }

/** Sends a signed request in path style, with the header bytes that were signed. Returns the status. */
async function send(sent: Sent, dated: Record<string, string>, authorize: Authorization): Promise<number> {
  const { method, key = '', subresources, query } = sent
  const bucket = emulator.buckets[0] ?? 'demo'
  const headers = { ...dated, ...sent.headers }
  const authorization = await authorize({ ...sent, bucket, headers })
  const escaped = encodeURIComponent(key).replaceAll('%2F', '/')
  const parameters = Object.entries({ ...subresources, ...query }).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
  )
  const bytes = Object.entries(headers).map(([name, value]) => [name, Buffer.from(value).toString('latin1')])
  return new Promise((resolve, reject) => {
    httpRequest(
      {
        port: emulator.port,
        host: '127.0.0.1',
        method,
        path: `/${bucket}/${escaped}${parameters.length > 0 ? `?${parameters.join('&')}` : ''}`,
        headers: { ...Object.fromEntries(bytes), authorization, 'content-length': '0' },
      },
      (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0))
      },
    )
      .on('error', reject)
      .end()
  })
}

const halves = [
  {
    name: 'version 4, node:crypto',
    dated: V4_HEADERS,
    authorize: (sent: Parameters<Authorization>[0]) => signV4(sent, emulator, emulator),
  },
  {
    name: 'version 4, WebCrypto',
    dated: V4_HEADERS,
    authorize: (sent: Parameters<Authorization>[0]) => web.signV4(sent, emulator, emulator),
  },
  {
    name: 'version 1, node:crypto',
    dated: V1_HEADERS,
    authorize: (sent: Parameters<Authorization>[0]) => signV1(sent, emulator),
  },
  {
    name: 'version 1, WebCrypto',
    dated: V1_HEADERS,
    authorize: (sent: Parameters<Authorization>[0]) => web.signV1(sent, emulator),
  },
]

describe.each(halves)('the server accepts $name', ({ dated, authorize }) => {
  test.each([
    'a',
    'a b/c+d%2F%/~',
    "it's (one)*!",
    'a/./b/../c',
    'a//b/',
    'ä/文/😀',
    'A\u030a',
    '\u00c5',
    'line\nfeed\ttab\u0001\u007f',
    '?#&=;:@$,<>"{}|\\^`[]',
  ])('for the key %j', async (key) => {
    expect(await send({ method: 'PUT', key }, dated, authorize)).toBe(200)
  })

  test.each([
    ['', 'text/plain'],
    ['a  b   c', 'text/plain; charset=utf-8'],
    ['  around  ', ' text/plain '],
    ['ä 文 😀', 'text/plain'],
    ['a,b;c="d"', 'a'],
  ])('for the header values %j and %j', async (value, type) => {
    const headers = {
      'content-type': type,
      'x-oss-meta-a': value,
      'x-oss-meta-a-b': value,
      'cache-control': 'no-cache',
    }
    expect(await send({ method: 'PUT', key: 'headers', headers }, dated, authorize)).toBe(200)
  })

  test('for a query with and without values, in any order', async () => {
    const subresources = { uploads: '' }
    const query = { prefix: 'ä b+/', 'max-uploads': '5', delimiter: '' }
    expect(await send({ method: 'GET', subresources, query }, dated, authorize)).toBe(200)
  })

  test('and refuses another key under the same signature', async () => {
    const signedElsewhere: Authorization = (sent) => authorize({ ...sent, key: 'other' })
    expect(await send({ method: 'PUT', key: 'one' }, dated, signedElsewhere)).toBe(403)
  })
})

test('the server accepts additional headers, and refuses them when they were changed', async () => {
  const sent = {
    method: 'PUT',
    key: 'additional',
    headers: { 'cache-control': 'no-cache' },
    additionalHeaders: ['cache-control'],
  }
  expect(await send(sent, V4_HEADERS, (given) => signV4(given, emulator, emulator))).toBe(200)
  const changed: Authorization = (given) =>
    signV4({ ...given, headers: { ...given.headers, 'cache-control': 'no-store' } }, emulator, emulator)
  expect(await send(sent, V4_HEADERS, changed)).toBe(403)
})

/** ali-oss 6.23 lib/common/signUtils.js sorts by `localeCompare`. */
test('the server refuses parameters in the order of ali-oss, where capital letters follow small ones', async () => {
  const query = { prefix: 'p', Zone: '1' }
  const ours: Authorization = (sent) => signV4(sent, emulator, emulator)
  const theirs: Authorization = ({ method, bucket, headers }) =>
    aliOss.authorizationV4(
      emulator.accessKeyId,
      emulator.accessKeySecret,
      emulator.region,
      method,
      { headers, queries: query },
      bucket,
    )
  expect(await send({ method: 'GET', query }, V4_HEADERS, ours)).toBe(200)
  expect(await send({ method: 'GET', query }, V4_HEADERS, theirs)).toBe(403)
})
