import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { combineCrc64, createCrc64 } from '@oss-cse/crypto-core/internal'
import type { OssEmulator } from '@oss-cse/oss-emulator'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { bodyOf, bytesOf, emulated, rejection, transportTo } from '../test/emulated.ts'
import { FetchTransport, type FetchTransportOptions } from './index.ts'

const HOUR_MS = 3_600_000
const MIB = 1024 ** 2
const PLACE = { bucket: 'my-bucket', region: 'cn-hangzhou' }
const credentials = { getCredential: async () => ({ accessKeyId: 'id', accessKeySecret: 's3cret' }) }
const pattern = (sizeBytes: number) =>
  Uint8Array.from({ length: sizeBytes }, (_, i) => (i * 31 + (i >> 8)) & 0xff)
const text = async (transport: FetchTransport, key: string) =>
  String(Buffer.from(await bytesOf((await transport.get({ key, headers: {} })).body)))

/** A transport onto a server of a test. */
async function onto(respond: RequestListener, options: Partial<FetchTransportOptions> = {}) {
  const server = createServer(respond)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return new FetchTransport({ ...PLACE, endpoint, credentials, ...options } as FetchTransportOptions)
}

const OF_OSS = { 'x-oss-request-id': '6556E3AED11E553933CCDEDF' }

describe('the options', () => {
  test.each<[string, object | undefined, string]>([
    ['none', undefined, 'options'],
    ['no bucket', { ...PLACE, bucket: undefined, credentials }, '`bucket`'],
    ['no region', { bucket: 'my-bucket', credentials }, '`region`'],
    ['no authorization', PLACE, '`authorize`'],
    ['two authorizations', { ...PLACE, credentials, authorize: () => {} }, '`authorize`'],
    ['credentials without a function', { ...PLACE, credentials: {} }, 'getCredential()'],
    ['an authorization without a function', { ...PLACE, authorize: 'url' }, '`authorize`'],
    ['a path in the endpoint', { ...PLACE, credentials, endpoint: 'https://a.b/c' }, '`endpoint`'],
  ])('are refused with %s', (_what, options, word) => {
    expect(() => new FetchTransport(options as FetchTransportOptions)).toThrow(
      expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT', message: expect.stringContaining(word) }),
    )
  })

  test.each([
    [
      {},
      'https://oss-cn-hangzhou.aliyuncs.com/my-bucket',
      'https://my-bucket.oss-cn-hangzhou.aliyuncs.com/a/b%20c?uploads',
    ],
    [
      { region: 'oss-cn-hangzhou', endpoint: 'https://img.example.com', addressing: 'cname' },
      'https://img.example.com/my-bucket',
      'https://img.example.com/a/b%20c?uploads',
    ],
    [
      { endpoint: 'http://127.0.0.1:9' },
      'http://127.0.0.1:9/my-bucket',
      'http://127.0.0.1:9/my-bucket/a/b%20c?uploads',
    ],
  ] as const)('decide where requests go: %j', async (options, location, url) => {
    const fetched = vi.spyOn(globalThis, 'fetch').mockRejectedValue(new TypeError('fetch failed'))
    onTestFinished(() => fetched.mockRestore())
    const transport = new FetchTransport({ ...PLACE, credentials, ...options })
    expect(transport.location).toBe(location)
    await rejection(transport.initiate({ key: 'a/b c', headers: {} }))
    expect(fetched.mock.calls[0]?.[0]).toBe(url)
  })

  test('credentials are refused in a page without WebCrypto, before any request, and authorize is not', () => {
    vi.stubGlobal('crypto', {})
    onTestFinished(() => void vi.unstubAllGlobals())
    expect(() => new FetchTransport({ ...PLACE, credentials })).toThrow(
      expect.objectContaining({
        code: 'ERR_CSE_OPERATION_REFUSED',
        message: expect.stringContaining('https://'),
      }),
    )
    new FetchTransport({ ...PLACE, authorize: async () => ({ url: '', headers: {} }) })
  })
})

describe('with a clock that is off', () => {
  test.each([HOUR_MS, -HOUR_MS])(
    'by %d ms, a put is signed once more and sends the same bytes, and later requests are signed right at once',
    async (offMs) => {
      const emulator = await emulated({ clock: () => new Date(Date.now() + offMs) })
      const transport = transportTo(emulator)
      const told: number[] = []
      const body = bodyOf(pattern(100_000), 1000)
      const open = vi.fn(body.open)
      const onSentBytes = (count: number) => told.push(count)
      await transport.put({ key: 'a', headers: {}, body: { ...body, open }, onSentBytes })
      expect(open).toHaveBeenCalledTimes(1)
      expect(told).toEqual([0, 100_000])
      const stored = await emulator.getStoredObject('demo', 'a')
      expect(Buffer.from(stored?.bytes ?? []).equals(pattern(100_000))).toBe(true)
      await transport.head({ key: 'a', headers: {} })
      expect(emulator.requests.map(({ status }) => status)).toEqual([403, 200, 200])
    },
  )

  test('a head, which has no document, is corrected too, and so are several requests at once', async () => {
    const emulator = await emulated({ clock: () => new Date(Date.now() + HOUR_MS) })
    await emulator.putStoredObject('demo', 'a', { bytes: Buffer.from('abc') })
    const transport = transportTo(emulator)
    const heads = await Promise.all([1, 2, 3].map(() => transport.head({ key: 'a', headers: {} })))
    expect(heads.map(({ headers }) => headers['content-length'])).toEqual(['3', '3', '3'])
  })

  test('a service whose time is right, and that says otherwise, is not asked again', async () => {
    const emulator = await emulated()
    emulator.injectFault({ kind: 'status', status: 403, code: 'RequestTimeTooSkewed', count: 9 })
    await expect(transportTo(emulator).head({ key: 'a', headers: {} })).rejects.toMatchObject({
      code: 'ERR_CSE_CLOCK_SKEW',
    })
    expect(emulator.requests.length).toBe(1)
  })
})

describe('temporary credentials', () => {
  afterEach(() => void vi.useRealTimers())

  /** Returns tokens in a row, each when the one before has been asked for. */
  function tokens({ accessKeyId, accessKeySecret }: OssEmulator, lifetimeMs?: number) {
    let given = 0
    return {
      getCredential: vi.fn(async () => ({
        accessKeyId,
        accessKeySecret,
        securityToken: `t${++given}`,
        ...(lifetimeMs !== undefined && { expiration: new Date(Date.now() + lifetimeMs).toISOString() }),
      })),
    }
  }

  test('that expire between the parts of an upload are renewed once for all, and each part is sent once more', async () => {
    let now = Date.now()
    const expiresAt = new Date(now + 600_000)
    const emulator = await emulated({
      clock: () => new Date(now),
      securityTokens: [{ token: 't1', expiresAt }, { token: 't2' }],
    })
    const provider = tokens(emulator, HOUR_MS)
    const transport = transportTo(emulator, { credentials: provider })
    const { uploadId } = await transport.initiate({ key: 'big', headers: {} })
    const part = (partNumber: number) =>
      transport.uploadPart({
        key: 'big',
        uploadId,
        partNumber,
        headers: {},
        body: bodyOf(new Uint8Array(102_400).fill(partNumber), 10_000),
      })
    const parts = [await part(1)]
    // The clock of the page is then ten minutes off, which the service accepts.
    now = expiresAt.getTime() + 1
    emulator.resetRequests()
    parts.push(...(await Promise.all([2, 3, 4].map(part))))
    expect(provider.getCredential).toHaveBeenCalledTimes(2)
    expect(emulator.requests.map(({ status }) => status).sort()).toEqual([200, 200, 200, 403, 403, 403])
    await transport.complete({ key: 'big', uploadId, parts, headers: {} })
    const { body } = await transport.get({ key: 'big', headers: {} })
    const bytes = await bytesOf(body)
    expect([0, 1, 2, 3].map((n) => bytes[n * 102_400])).toEqual([1, 2, 3, 4])
  })

  test('are kept until five minutes before they expire, and several requests share one call', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const emulator = await emulated({
      clock: () => new Date(),
      securityTokens: [{ token: 't1' }, { token: 't2' }],
    })
    const provider = tokens(emulator, HOUR_MS)
    const transport = transportTo(emulator, { credentials: provider })
    const five = () => Promise.all([1, 2, 3, 4, 5].map(() => transport.list({})))
    await five()
    vi.setSystemTime(Date.now() + HOUR_MS - 301_000)
    await five()
    expect(provider.getCredential).toHaveBeenCalledTimes(1)
    vi.setSystemTime(Date.now() + 1000)
    await five()
    expect(provider.getCredential).toHaveBeenCalledTimes(2)
  })

  test.each(['SecurityTokenExpired', 'InvalidSecurityToken', 'InvalidAccessKeyId'])(
    'that the service refuses again after they were renewed end the request: %s',
    async (code) => {
      const emulator = await emulated()
      emulator.injectFault({ kind: 'status', status: 403, code, count: 9 })
      const getCredential = vi.fn(credentials.getCredential)
      const transport = transportTo(emulator, { credentials: { getCredential } })
      const error = await rejection(transport.get({ key: 'a', headers: {} }))
      expect(error).toMatchObject({ serviceCode: code, retryable: false })
      expect(getCredential).toHaveBeenCalledTimes(2)
      expect(emulator.requests.length).toBe(2)
    },
  )

  test('that cannot be had are the cause of an error that says that nothing was sent', async () => {
    const emulator = await emulated()
    const failed = new Error('the session has ended')
    const transport = transportTo(emulator, { credentials: { getCredential: () => Promise.reject(failed) } })
    const error = await rejection(transport.head({ key: 'a', headers: {} }))
    expect(error).toMatchObject({ code: 'ERR_CSE_ACCESS_DENIED', cause: failed })
    expect(emulator.requests).toEqual([])
  })

  test('appear neither in the inspected transport nor in an error', async () => {
    const transport = await onto((_request, response) => response.writeHead(403).end())
    const error = await rejection(transport.get({ key: 'a', headers: {} }))
    expect(inspect([transport, error], { depth: 20, showHidden: true })).not.toMatch(/s3cret|OSS4-HMAC/)
  })
})

describe('a body', () => {
  test.each([
    [[10], true],
    [[4, 6], false],
  ])('in chunks of %j bytes is sent without a copy: %j', async (sizes, isKept) => {
    const fetched = vi.spyOn(globalThis, 'fetch').mockRejectedValue(new TypeError('fetch failed'))
    onTestFinished(() => fetched.mockRestore())
    const chunks = sizes.map((size) => pattern(size))
    const recycled: Uint8Array[] = []
    const open = () =>
      Object.assign(
        (async function* () {
          yield* chunks
        })(),
        { recycle: (chunk: Uint8Array) => recycled.push(chunk) },
      )
    const transport = new FetchTransport({ ...PLACE, credentials })
    await rejection(transport.put({ key: 'a', headers: {}, body: { sizeBytes: 10, open } }))
    const sent = fetched.mock.lastCall?.[1]?.body as Uint8Array
    expect([...sent]).toEqual(chunks.flatMap((chunk) => [...chunk]))
    expect(sent.buffer === chunks[0]?.buffer).toBe(isKept)
    // What is still being sent is not given back.
    expect(recycled).toEqual(isKept ? [] : chunks)
  })

  test('of more than 64 MiB is refused before it is read, and before any request', async () => {
    const emulator = await emulated()
    const open = vi.fn()
    const transport = transportTo(emulator)
    const body = { sizeBytes: 64 * MIB + 1, open }
    const refused = {
      code: 'ERR_CSE_INVALID_ARGUMENT',
      message: expect.stringContaining('upload'),
      objectKey: 'a',
    }
    await expect(transport.put({ key: 'a', headers: {}, body })).rejects.toMatchObject(refused)
    const part = { key: 'a', uploadId: 'u', partNumber: 1, headers: {}, body }
    await expect(transport.uploadPart(part)).rejects.toMatchObject(refused)
    expect(open).not.toHaveBeenCalled()
    expect(emulator.requests).toEqual([])
  })

  test('of unknown length is refused when it exceeds 64 MiB, and its source is told to stop', async () => {
    const emulator = await emulated()
    let pulled = 0
    let returned = false
    async function* open() {
      try {
        for (;;) {
          pulled += MIB
          yield new Uint8Array(MIB)
        }
      } finally {
        returned = true
      }
    }
    await expect(transportTo(emulator).put({ key: 'a', headers: {}, body: { open } })).rejects.toMatchObject({
      code: 'ERR_CSE_INVALID_ARGUMENT',
    })
    expect([pulled, returned]).toEqual([65 * MIB, true])
    expect(emulator.requests).toEqual([])
  })

  test('whose source never answers is given up when the signal aborts', async () => {
    const emulator = await emulated()
    const next = () => new Promise<never>(() => {})
    const open = () => ({ [Symbol.asyncIterator]: () => ({ next }) })
    const stop = new AbortController()
    const put = transportTo(emulator).put({ key: 'a', headers: {}, body: { open }, signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(put).rejects.toThrow('enough')
  })
})

describe('a signal ends a call', () => {
  const waits: readonly [string, (transport: FetchTransport, signal: AbortSignal) => Promise<unknown>][] = [
    ['get', (transport, signal) => transport.get({ key: 'a', headers: {}, signal })],
    ['head', (transport, signal) => transport.head({ key: 'a', headers: {}, signal })],
    [
      'put',
      (transport, signal) => transport.put({ key: 'a', headers: {}, body: bodyOf(pattern(10)), signal }),
    ],
    ['list', (transport, signal) => transport.list({ signal })],
    ['deleteMany', (transport, signal) => transport.deleteMany({ keys: ['a', 'b'], signal })],
  ]
  test.each(waits)('while the service does not respond: %s', async (_name, call) => {
    const stop = new AbortController()
    const transport = await onto(() => stop.abort(new Error('enough')))
    await expect(call(transport, stop.signal)).rejects.toThrow('enough')
  })
  test.each(waits)('while the credentials do not come: %s', async (_name, call) => {
    const stop = new AbortController()
    const getCredential = () => {
      stop.abort(new Error('enough'))
      return new Promise<never>(() => {})
    }
    const transport = await onto(() => {}, { credentials: { getCredential } })
    await expect(call(transport, stop.signal)).rejects.toThrow('enough')
  })
  test.each(waits)('while the server of the app does not sign: %s', async (_name, call) => {
    const stop = new AbortController()
    const authorize = () => {
      stop.abort(new Error('enough'))
      return new Promise<never>(() => {})
    }
    const transport = await onto(() => {}, { credentials: undefined, authorize })
    await expect(call(transport, stop.signal)).rejects.toThrow('enough')
  })
  test('while a listing arrives', async () => {
    const stop = new AbortController()
    const transport = await onto((_request, response) => {
      response.writeHead(200, OF_OSS).write('<ListBucketResult>', () => stop.abort(new Error('enough')))
    })
    await expect(transport.list({ signal: stop.signal })).rejects.toThrow('enough')
  })
})

describe('a success that is not one of the service is an error', () => {
  const upload = { key: 'a', uploadId: 'u', headers: {} }
  const parts = [{ partNumber: 1, etag: '"e"' }]
  const calls: readonly [string, (transport: FetchTransport) => Promise<unknown>][] = [
    ['put', (transport) => transport.put({ key: 'a', headers: {}, body: bodyOf(pattern(9)) })],
    [
      'uploadPart',
      (transport) => transport.uploadPart({ ...upload, partNumber: 1, body: bodyOf(pattern(9)) }),
    ],
    ['get', (transport) => transport.get({ key: 'a', headers: {} })],
    ['head', (transport) => transport.head({ key: 'a', headers: {} })],
    ['getSymlink', (transport) => transport.getSymlink({ key: 'a', headers: {} })],
    ['initiate', (transport) => transport.initiate({ key: 'a', headers: {} })],
    ['complete', (transport) => transport.complete({ ...upload, parts })],
    ['abort', (transport) => transport.abort(upload)],
    ['listParts', (transport) => transport.listParts(upload)],
    ['listUploads', (transport) => transport.listUploads({})],
    ['list', (transport) => transport.list({})],
    ['delete', (transport) => transport.delete({ key: 'a' })],
    ['deleteMany', (transport) => transport.deleteMany({ keys: ['a'] })],
    ['copy', (transport) => transport.copy({ key: 'a', sourceKey: 'b', headers: {} })],
  ]
  test.each(calls)('a page of a captive portal: %s', async (_name, call) => {
    const transport = await onto((_request, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Log in</html>'),
    )
    await expect(call(transport)).rejects.toMatchObject({ code: 'ERR_CSE_SERVICE', retryable: false })
  })
  test.each(calls.filter(([name]) => !['get', 'head'].includes(name)))(
    'a response without what the call needs: %s',
    async (_name, call) => {
      const transport = await onto((_request, response) => response.writeHead(203, OF_OSS).end())
      await expect(call(transport)).rejects.toMatchObject({ code: 'ERR_CSE_SERVICE', retryable: false })
    },
  )
  test.each(calls)('a redirect: %s', async (_name, call) => {
    const transport = await onto((_request, response) =>
      response.writeHead(307, { location: 'http://localhost:1/' }).end(),
    )
    await expect(call(transport)).rejects.toMatchObject({ code: 'ERR_CSE_SERVICE', retryable: false })
  })
  test.each(['put', 'uploadPart', 'complete'])(
    'no ETag: the error names the header and the CORS rule: %s',
    async (name) => {
      const transport = await onto((_request, response) =>
        response.writeHead(200, OF_OSS).end('<CompleteMultipartUploadResult/>'),
      )
      const call = calls.find(([other]) => other === name)?.[1]
      await expect(call?.(transport)).rejects.toMatchObject({
        code: 'ERR_CSE_SERVICE',
        message: expect.stringMatching(/etag.*CORS rule.*ExposeHeader/),
      })
    },
  )
  test('an error document with the status of a success, as after a long completion', async () => {
    const transport = await onto((_request, response) =>
      response.writeHead(200, OF_OSS).end('<Error><Code>InternalError</Code></Error>'),
    )
    await expect(transport.complete({ ...upload, parts })).rejects.toMatchObject({
      code: 'ERR_CSE_SERVICE',
      serviceCode: 'InternalError',
      retryable: true,
    })
  })
  test('a listing without an end', async () => {
    const transport = await onto((_request, response) => {
      response.writeHead(200, OF_OSS).write('<ListBucketResult>')
      const more = () => void response.write('<Contents></Contents>'.repeat(10_000), more)
      more()
    })
    await expect(transport.list({})).rejects.toMatchObject({ code: 'ERR_CSE_SERVICE' })
  })
})

describe('a read', () => {
  test.each(['truncate-response', 'reset-during-response'] as const)(
    'that breaks off is an error and not a shorter object: %s',
    async (kind) => {
      const emulator = await emulated()
      await emulator.putStoredObject('demo', 'a', { bytes: pattern(300_000) })
      emulator.injectFault({ kind, afterBytes: 100_000 })
      const reading = transportTo(emulator)
        .get({ key: 'a', headers: {} })
        .then(({ body }) => bytesOf(body))
      await expect(reading).rejects.toMatchObject({ code: 'ERR_CSE_NETWORK', retryable: true })
    },
  )

  test('of a whole object asks for a range, so that nothing compresses it, and looks like one without a range', async () => {
    const emulator = await emulated()
    const letters = 'The quick brown fox jumps over the lazy dog. '.repeat(100)
    const transport = transportTo(emulator)
    const headers = { 'content-type': 'text/plain' }
    await transport.put({ key: 'a.txt', headers, body: bodyOf(Buffer.from(letters)) })
    const { status, headers: received, body } = await transport.get({ key: 'a.txt', headers: {} })
    expect([status, received['content-length'], received['content-range']]).toEqual([200, '4500', undefined])
    expect(String(Buffer.from(await bytesOf(body)))).toBe(letters)
    expect(emulator.requests.at(-1)?.headers['range']).toBe('bytes=0-')
  })

  test('of an object with a Content-Encoding takes a second request, and returns the header', async () => {
    const emulator = await emulated()
    const transport = transportTo(emulator)
    const headers = { 'content-encoding': 'gzip' }
    await transport.put({ key: 'a', headers, body: bodyOf(Buffer.from('not compressed at all')) })
    emulator.resetRequests()
    expect(await text(transport, 'a')).toBe('not compressed at all')
    const range = await transport.get({ key: 'a', headers: { range: 'bytes=4-13' } })
    expect(range).toMatchObject({ status: 206, headers: { 'content-encoding': 'gzip' } })
    expect(String(Buffer.from(await bytesOf(range.body)))).toBe('compressed')
  })

  test('is refused where the service does not leave the Content-Encoding out', async () => {
    const transport = await onto((_request, response) =>
      response.writeHead(200, { ...OF_OSS, 'content-encoding': 'br' }).end(),
    )
    await expect(transport.get({ key: 'a', headers: {} })).rejects.toMatchObject({
      code: 'ERR_CSE_OPERATION_REFUSED',
      objectKey: 'a',
    })
  })

  test('of the headers gives the length where the service compresses a head', async () => {
    const emulator = await emulated({ gzip: 'get-and-head' })
    const transport = transportTo(emulator)
    const headers = { 'content-type': 'text/plain' }
    for (const sizeBytes of [0, 1, 5000]) {
      await transport.put({ key: 'a.txt', headers, body: bodyOf(new Uint8Array(sizeBytes)) })
      const { status, headers: received } = await transport.head({ key: 'a.txt', headers: {} })
      expect([status, received['content-length'], received['content-range']]).toEqual([
        200,
        String(sizeBytes),
        undefined,
      ])
    }
  })
})

test('a connection that cannot be made is an error that names what it can be', async () => {
  const transport = new FetchTransport({ ...PLACE, endpoint: 'http://localhost:1', credentials })
  await expect(transport.head({ key: 'a', headers: {} })).rejects.toMatchObject({
    code: 'ERR_CSE_NETWORK',
    retryable: true,
    message: expect.stringMatching(/offline.*CORS rule/),
  })
})

test('deleteMany ends at the first error, and starts no request afterwards', async () => {
  let requests = 0
  const transport = await onto((_request, response) => {
    requests += 1
    response.writeHead(403).end('<Error><Code>AccessDenied</Code></Error>')
  })
  const keys = Array.from({ length: 1000 }, (_, n) => `k${n}`)
  await expect(transport.deleteMany({ keys })).rejects.toMatchObject({ code: 'ERR_CSE_ACCESS_DENIED' })
  expect(requests).toBeLessThanOrEqual(6)
  await expect(transport.deleteMany({ keys: [...keys, 'more'] })).rejects.toMatchObject({
    code: 'ERR_CSE_INVALID_ARGUMENT',
  })
})

test.each(['', '/a', 'a/../b', 'a\ud800'])('the key %j is refused before any request', async (key) => {
  const emulator = await emulated()
  const transport = transportTo(emulator)
  for (const call of [
    () => transport.get({ key, headers: {} }),
    () => transport.put({ key, headers: {}, body: bodyOf(pattern(1)) }),
    () => transport.delete({ key }),
    () => transport.copy({ key: 'b', sourceKey: key, headers: {} }),
    () => transport.deleteMany({ keys: ['b', key] }),
    () => transport.listParts({ key, uploadId: 'u' }),
  ]) {
    await expect(call()).rejects.toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
  }
  expect(emulator.requests).toEqual([])
})

test('the checksums of parts combine to that of the object', async () => {
  const emulator = await emulated()
  const transport = transportTo(emulator)
  const { uploadId } = await transport.initiate({ key: '中文/😀', headers: {} })
  const bytes = [pattern(102_400), pattern(7)]
  const parts = []
  for (const [index, part] of bytes.entries()) {
    parts.push(
      await transport.uploadPart({
        key: '中文/😀',
        uploadId,
        partNumber: index + 1,
        headers: {},
        body: bodyOf(part),
      }),
    )
  }
  const { headers } = await transport.complete({ key: '中文/😀', uploadId, parts, headers: {} })
  const crc = createCrc64()
  for (const part of bytes) crc.update(part)
  const combined = parts.reduce(
    (sum, { crc64 = 0n, sizeBytes = 0 }) => combineCrc64(sum, crc64, sizeBytes),
    0n,
  )
  expect([headers['x-oss-hash-crc64ecma'], combined]).toEqual([String(crc.value()), crc.value()])
})
