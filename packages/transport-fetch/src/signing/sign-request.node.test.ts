import { CseError, callWithRetries, checkedRetryOptions, TransportError } from '@oss-cse/crypto-core'
import { transportContract } from '@oss-cse/crypto-core/testing'
import type { OssEmulator } from '@oss-cse/oss-emulator'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { bodyOf, bytesOf, emulated, rejection, transportTo } from '../../test/emulated.ts'
import type { Authorize } from '../index.ts'
import { type SigningPolicy, signRequest } from '../server.ts'

const ALL = ['read', 'put', 'multipart', 'list', 'delete'] as const
const KEYS = { accessKeyId: 'id', accessKeySecret: 'secret' }
const OF_USER: SigningPolicy = {
  bucket: 'demo',
  region: 'cn-hangzhou',
  endpoint: 'http://localhost:1',
  operations: ALL,
  keyPrefix: 'users/42/',
}
const REFUSED = expect.objectContaining({ code: 'ERR_CSE_OPERATION_REFUSED' })
const plain = (method: string, key: string | undefined, query = {}, headers = {}) => ({
  method,
  ...(key !== undefined && { key }),
  query,
  headers,
})

/** The server of an app: what it gets has crossed the network as JSON. */
function server(emulator: OssEmulator, policy: Partial<SigningPolicy> = {}): Authorize {
  const { accessKeyId, accessKeySecret, endpoint } = emulator
  const full = { ...OF_USER, endpoint, ...policy }
  return async (request) =>
    JSON.parse(
      JSON.stringify(
        await signRequest(JSON.parse(JSON.stringify(request)), { accessKeyId, accessKeySecret }, full),
      ),
    )
}

describe('a transport whose requests a server signs keeps the contract', () => {
  // A policy never allows a copy, because its source is a header.
  const rules = transportContract({
    async create() {
      const emulator = await emulated()
      return transportTo(emulator, {
        authorize: server(emulator, { keyPrefix: '', headers: ['x-oss-meta-a'] }),
      })
    },
  }).filter(({ name }) => !/\bcop(y|ies)\b/.test(name))
  for (const rule of rules) test(rule.name, rule.run)
})

describe('a request of a page that is not signed', () => {
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['a text', 'GET'],
    ['a list', []],
    ['no method', plain(undefined as never, 'users/42/a')],
    ['a method of another kind', plain('PATCH', 'users/42/a')],
    ['a method in small letters', plain('get', 'users/42/a')],
    ['no query', { method: 'GET', key: 'users/42/a', headers: {} }],
    ['a query with a number', plain('GET', 'users/42/a', { uploadId: 1 })],
    ['a query with a list', plain('GET', 'users/42/a', { versionId: ['a'] })],
    ['headers of another kind', { method: 'GET', key: 'users/42/a', query: {}, headers: 'x' }],
    ['a key of another user', plain('GET', 'users/4/a')],
    ['a key of a user whose number only begins alike', plain('GET', 'users/421/a')],
    ['the prefix without its slash', plain('GET', 'users/42')],
    ['a key outside by two dots', plain('GET', 'users/42/../4/a')],
    ['a key that ends with two dots', plain('GET', 'users/42/..')],
    ['a key with one dot', plain('GET', 'users/42/./a')],
    ['a key with a slash in front', plain('GET', '/users/42/a')],
    ['a key with a backslash in front', plain('GET', '\\users/42/a')],
    ['a key with a line break', plain('GET', 'users/42/a\nHost: evil')],
    ['a key with a null', plain('GET', 'users/42/a\0')],
    ['a key with half of a surrogate pair', plain('GET', 'users/42/\ud800')],
    ['a key that is a list', plain('GET', ['users/42/a'] as never)],
    ['a key of null', { method: 'GET', key: null, query: {}, headers: {} }],
    ['an empty key', plain('GET', '')],
    ['the ACL of an object', plain('GET', 'users/42/a', { acl: '' })],
    ['a new ACL of an object', plain('PUT', 'users/42/a', { acl: '' })],
    ['a new ACL by a header', plain('PUT', 'users/42/a', {}, { 'x-oss-object-acl': 'public-read' })],
    ['the tags of an object', plain('PUT', 'users/42/a', { tagging: '' })],
    ['a symbolic link', plain('PUT', 'users/42/a', { symlink: '' }, { 'x-oss-symlink-target': 'users/4/a' })],
    ['an append', plain('POST', 'users/42/a', { append: '', position: '0' })],
    ['a restore', plain('POST', 'users/42/a', { restore: '' })],
    ['a process that can save elsewhere', plain('POST', 'users/42/a', { 'x-oss-process': '' })],
    ['an image process', plain('GET', 'users/42/a', { 'x-oss-process': 'image/info' })],
    ['a copy', plain('PUT', 'users/42/a', {}, { 'x-oss-copy-source': '/demo/users/4/a' })],
    ['a copy in capital letters', plain('PUT', 'users/42/a', {}, { 'X-Oss-Copy-Source': '/demo/users/4/a' })],
    [
      'a copy into a part',
      plain('PUT', 'users/42/a', { partNumber: '1', uploadId: 'u' }, { 'x-oss-copy-source': '/demo/b' }),
    ],
    ['a callback', plain('PUT', 'users/42/a', {}, { 'x-oss-callback': 'e30=' })],
    ['a callback in the query', plain('PUT', 'users/42/a', { callback: 'e30=' })],
    ['a storage class', plain('PUT', 'users/42/a', {}, { 'x-oss-storage-class': 'Archive' })],
    ['metadata of the app', plain('PUT', 'users/42/a', {}, { 'x-oss-meta-admin': 'true' })],
    ['a traffic limit', plain('GET', 'users/42/a', { 'x-oss-traffic-limit': '1' })],
    ['a signature of its own', plain('GET', 'users/42/a', {}, { authorization: 'OSS4-HMAC-SHA256 x' })],
    ['a date of its own', plain('GET', 'users/42/a', {}, { 'x-oss-date': '20300101T000000Z' })],
    ['a token of its own', plain('GET', 'users/42/a', {}, { 'x-oss-security-token': 't' })],
    ['a line break in a header', plain('PUT', 'users/42/a', {}, { 'content-type': 'a\nx-oss-object-acl:x' })],
    ['a header twice', plain('PUT', 'users/42/a', {}, { 'content-type': 'a', 'Content-Type': 'b' })],
    ['an older version', plain('GET', 'users/42/a', { versionId: 'v' })],
    ['the deletion of a version', plain('DELETE', 'users/42/a', { versionId: 'v' })],
    ['a signed parameter of its own', plain('GET', 'users/42/a', { 'x-oss-signature': 'x' })],
    ['a listing of the bucket', plain('GET', undefined, { 'list-type': '2' })],
    ['a listing of another user', plain('GET', undefined, { 'list-type': '2', prefix: 'users/4' })],
    ['a listing of the first version', plain('GET', undefined, { prefix: 'users/42/' })],
    ['a listing of another version', plain('GET', undefined, { 'list-type': '1', prefix: 'users/42/' })],
    ['a listing of versions', plain('GET', undefined, { versions: '', prefix: 'users/42/' })],
    ['a listing of all uploads', plain('GET', undefined, { uploads: '' })],
    ['a deletion of several objects', plain('POST', undefined, { delete: '' })],
    ['the deletion of the bucket', plain('DELETE', undefined)],
    ['a new bucket', plain('PUT', undefined)],
    ['the CORS rules', plain('PUT', undefined, { cors: '' })],
    ['the policy of the bucket', plain('GET', undefined, { policy: '' })],
    [
      'the prototype as a parameter',
      JSON.parse('{"method":"GET","key":"users/42/a","query":{"__proto__":"x"},"headers":{}}'),
    ],
    [
      'the prototype as a header',
      JSON.parse('{"method":"GET","key":"users/42/a","query":{},"headers":{"__proto__":"x"}}'),
    ],
  ])('%s', async (_what, request) => {
    await expect(signRequest(request, KEYS, OF_USER)).rejects.toEqual(REFUSED)
  })

  test.each([
    ['put', plain('PUT', 'users/42/a')],
    ['multipart', plain('POST', 'users/42/a', { uploads: '' })],
    ['multipart', plain('GET', undefined, { uploads: '', prefix: 'users/42/' })],
    ['delete', plain('DELETE', 'users/42/a')],
    ['list', plain('GET', undefined, { 'list-type': '2', prefix: 'users/42/' })],
    ['read', plain('HEAD', 'users/42/a')],
  ] as const)('an operation that the policy does not name: %s', async (operation, request) => {
    const others = ALL.filter((name) => name !== operation)
    await expect(signRequest(request, KEYS, { ...OF_USER, operations: others })).rejects.toEqual(REFUSED)
    await expect(signRequest(request, KEYS, { ...OF_USER, operations: [operation] })).resolves.toBeDefined()
  })
})

test('whatever a page sends, a signed URL is one of the bucket, and its key or prefix is in the allowed prefix', async () => {
  const part = fc.constantFrom(
    'users/42/',
    '..',
    '.',
    '%2e%2e',
    '/',
    '\\',
    'a',
    '//',
    '?acl',
    '#',
    '%',
    'ä',
    ';',
    '\t',
  )
  const key = fc.oneof(
    fc.array(part, { maxLength: 6 }).map((parts) => parts.join('')),
    fc.string(),
    fc.constant(undefined),
  )
  const query = fc.dictionary(
    fc.constantFrom(
      'acl',
      'uploadId',
      'uploads',
      'partNumber',
      'list-type',
      'prefix',
      'symlink',
      'versionId',
      '',
    ),
    fc.constantFrom('', '2', 'users/42/', 'users/', '&acl', '%26acl'),
    { maxKeys: 3 },
  )
  const request = fc.record({
    method: fc.constantFrom('GET', 'HEAD', 'PUT', 'POST', 'DELETE'),
    key,
    query,
    headers: fc.constant({}),
  })
  let signed = 0
  await fc.assert(
    fc.asyncProperty(request, async (given) => {
      let url: URL
      try {
        url = new URL((await signRequest(given, KEYS, OF_USER)).url)
      } catch (error) {
        expect(error).toEqual(REFUSED)
        return
      }
      signed += 1
      expect(url.origin).toBe('http://localhost:1')
      expect(url.hash).toBe('')
      const place = given.key ?? url.searchParams.get('prefix') ?? ''
      expect(decodeURIComponent(url.pathname)).toBe(`/demo/${given.key ?? ''}`)
      expect(place.startsWith('users/42/')).toBe(true)
      expect([...url.searchParams.keys()].sort()).toEqual(Object.keys(given.query).sort())
    }),
    { numRuns: 2000 },
  )
  expect(signed).toBeGreaterThan(0)
})

describe('a page that alters what was signed is refused by the service', () => {
  const alterations: readonly [
    string,
    (signed: { url: string; headers: Record<string, string> }) => object,
  ][] = [
    ['a public ACL', ({ headers }) => ({ headers: { ...headers, 'x-oss-object-acl': 'public-read' } })],
    ['a copy', ({ headers }) => ({ headers: { ...headers, 'x-oss-copy-source': '/demo/users/4/a' } })],
    ['a callback', ({ headers }) => ({ headers: { ...headers, 'x-oss-callback': 'e30=' } })],
    ['metadata', ({ headers }) => ({ headers: { ...headers, 'x-oss-meta-admin': '1' } })],
    ['another type', ({ headers }) => ({ headers: { ...headers, 'content-type': 'text/html' } })],
    ['another method', ({ headers }) => ({ method: 'DELETE', headers })],
    ['another key', ({ url, headers }) => ({ url: url.replace('/42/', '/4/'), headers })],
    ['another parameter', ({ url, headers }) => ({ url: `${url}?acl`, headers })],
    ['another bucket', ({ url, headers }) => ({ url: url.replace('/demo/', '/other/'), headers })],
  ]
  test.each(alterations)('%s', async (_what, alter) => {
    const emulator = await emulated({ buckets: ['demo', 'other'] })
    await emulator.putStoredObject('demo', 'users/4/a', { bytes: Buffer.from('of 4') })
    const signed = await server(emulator)({ method: 'PUT', key: 'users/42/a', query: {}, headers: {} }, {})
    const altered = { method: 'PUT', url: signed.url, ...alter(signed as never) }
    const response = await fetch(altered.url, { ...altered, ...(altered.method === 'PUT' && { body: 'x' }) })
    expect([response.status, await response.text()]).toEqual([
      403,
      expect.stringContaining('SignatureDoesNotMatch'),
    ])
    expect(await emulator.getStoredObject('demo', 'users/42/a')).toBeUndefined()
  })
})

test('an error of `authorize` is the cause of an error that says that nothing was sent', async () => {
  const emulator = await emulated()
  const failed = new Error('the session has ended')
  const authorize = () => Promise.reject(failed)
  const error = await rejection(transportTo(emulator, { authorize }).head({ key: 'a', headers: {} }))
  expect(error).toMatchObject({ code: 'ERR_CSE_ACCESS_DENIED', cause: failed })
  expect(emulator.requests).toEqual([])
})

describe('after an error of `authorize`', () => {
  /** How often `authorize` is called by a bucket that makes up to three attempts. */
  async function calls(reason: unknown): Promise<number> {
    const emulator = await emulated()
    const authorize = vi.fn(() => Promise.reject(reason))
    const transport = transportTo(emulator, { authorize })
    const retry = checkedRetryOptions({ maxAttempts: 3, minDelayMs: 0, maxDelayMs: 0 })
    const call = () => transport.head({ key: 'a', headers: {} })
    await rejection(callWithRetries(call, { retry, signal: undefined }))
    return authorize.mock.calls.length
  }
  const failed = (fields: object) => Object.assign(new Error('failed'), fields)

  test.each<[string, unknown]>([
    ['any error', new Error('the session has ended')],
    ['no error at all', undefined],
    ['a text', 'no'],
    ['a response 403', new Response('', { status: 403 })],
    ['an error with the status 401', failed({ status: 401 })],
    ['a network error that is final', Object.assign(new TypeError('failed'), { retryable: false })],
    ['a CseError', new CseError('ERR_CSE_OPERATION_REFUSED', 'No.')],
    ['a final TransportError', new TransportError('ERR_CSE_SERVICE', 'No.', { retryable: false })],
  ])('there is no retry: %s', async (_what, reason) => {
    expect(await calls(reason)).toBe(1)
  })

  test.each<[string, unknown]>([
    ['a fetch without a response', new TypeError('Failed to fetch')],
    ['a response 503', new Response('', { status: 503 })],
    ['an error with the status 429', failed({ status: 429 })],
    ['an error that says so', failed({ status: 403, retryable: true })],
    ['a TransportError that says so', new TransportError('ERR_CSE_TIMEOUT', 'Late.', { retryable: true })],
  ])('there are retries: %s', async (_what, reason) => {
    expect(await calls(reason)).toBe(3)
  })
})

test.each([
  [new Error('failed'), true],
  [Object.assign(new Error('the session has ended'), { status: 401 }), false],
])('an error of `credentials` is retryable unless it says otherwise: %s', async (reason, retryable) => {
  const emulator = await emulated()
  const transport = transportTo(emulator, { credentials: { getCredential: () => Promise.reject(reason) } })
  const error = await rejection(transport.head({ key: 'a', headers: {} }))
  expect(error).toMatchObject({ code: 'ERR_CSE_ACCESS_DENIED', cause: reason, retryable })
})

test.each([undefined, null, 'url', {}, { url: 'a', headers: {} }, { url: 'https://a.b', headers: { a: 1 } }])(
  'what `authorize` returns must be a URL with headers, and not %j',
  async (given) => {
    const emulator = await emulated()
    const transport = transportTo(emulator, { authorize: async () => given as never })
    await expect(transport.head({ key: 'a', headers: {} })).rejects.toMatchObject({
      code: 'ERR_CSE_ACCESS_DENIED',
      message: expect.stringContaining('{ url, headers }'),
    })
  },
)

test('only the headers that a signature covers are sent to the server of the app', async () => {
  const emulator = await emulated()
  const seen: unknown[] = []
  const sign = server(emulator)
  const transport = transportTo(emulator, {
    authorize: (request, options) => {
      seen.push(request)
      return sign(request, options)
    },
  })
  const headers = { 'content-type': 'text/plain', 'cache-control': 'no-cache' }
  await transport.put({ key: 'users/42/ä 😀', headers, body: bodyOf(Buffer.from('abc')) })
  const { body } = await transport.get({ key: 'users/42/ä 😀', headers: { range: 'bytes=1-1' } })
  expect(String(Buffer.from(await bytesOf(body)))).toBe('b')
  expect(seen).toEqual([
    plain('PUT', 'users/42/ä 😀', {}, { 'content-type': 'text/plain' }),
    plain('GET', 'users/42/ä 😀'),
  ])
})

test.each([
  [{ operations: ['everything'] }, 'operations'],
  [{ operations: undefined }, 'operations'],
  [{ keyPrefix: 'users/42' }, 'keyPrefix'],
  [{ keyPrefix: '/' }, 'keyPrefix'],
  [{ keyPrefix: undefined }, 'keyPrefix'],
  [{ headers: ['x-oss-meta-*'] }, 'wildcards'],
  [{ headers: ['X-Oss-Copy-Source'] }, 'copy-source'],
  [{ query: [''] }, 'names'],
  [{ bucket: 'A' }, 'bucket'],
])('a policy with a mistake is refused: %j', async (mistake, word) => {
  const policy = { ...OF_USER, ...mistake } as SigningPolicy
  await expect(signRequest(plain('GET', 'users/42/a'), KEYS, policy)).rejects.toMatchObject({
    code: 'ERR_CSE_INVALID_ARGUMENT',
    message: expect.stringContaining(word),
  })
})

test('a policy can allow headers and parameters by name', async () => {
  const policy = { ...OF_USER, headers: ['X-Oss-Meta-Author'], query: ['versionId'] }
  await signRequest(plain('PUT', 'users/42/a', {}, { 'x-oss-meta-author': 'me' }), KEYS, policy)
  await signRequest(plain('GET', 'users/42/a', { versionId: 'v' }), KEYS, policy)
  await expect(signRequest(plain('DELETE', 'users/42/a', { versionId: 'v' }), KEYS, policy)).rejects.toEqual(
    REFUSED,
  )
})
