import { CryptoBucket } from '@oss-cse/bucket'
import { EXPOSE_HEADERS, EXPOSED_HEADERS, V1_HEADERS, V2_HEADERS } from '@oss-cse/crypto-core/internal'
import { createTestProvider } from '@oss-cse/crypto-core/testing'
import { FetchTransport, type RequestToAuthorize } from '@oss-cse/transport-fetch'
import { describe, expect, onTestFinished, test } from 'vitest'
import { commands } from 'vitest/browser'
import type { PageEmulator, PageEmulatorOptions } from './browser-service.ts'
import type { WorkerReport } from './page-worker.ts'

const MIB = 1024 ** 2
const TEXT = 'The quick brown fox jumps over the lazy dog. '.repeat(300)

/** A page that has temporary credentials, and the emulator behind it. */
async function page(options: PageEmulatorOptions = {}) {
  const emulator: PageEmulator = await commands.startEmulator(options)
  const { accessKeyId, accessKeySecret, ...address } = emulator
  let given = 0
  const getCredential = async () => ({
    accessKeyId,
    accessKeySecret,
    ...(options.tokens !== undefined && { securityToken: options.tokens[given++] }),
    expiration: new Date(Date.now() + 3_600_000).toISOString(),
  })
  const transport = new FetchTransport({ ...address, credentials: { getCredential } })
  const bucket = new CryptoBucket({
    transport,
    provider: createTestProvider(),
    retry: { minDelayMs: 1, maxDelayMs: 9 },
  })
  return { ...emulator, transport, bucket, given: () => given }
}

const without = (...hidden: string[]) => EXPOSED_HEADERS.filter((name) => !hidden.includes(name))
const text = async (bucket: CryptoBucket, key: string) => new TextDecoder().decode(await bucket.getBytes(key))
const pattern = (sizeBytes: number) =>
  Uint8Array.from({ length: sizeBytes }, (_, i) => (i * 31 + (i >> 8)) & 0xff)

describe('a page that may not read each header that decides', () => {
  const deciding = ['x-oss-object-type', ...Object.values(V2_HEADERS), ...Object.values(V1_HEADERS)]

  test('is told which one, and never gets ciphertext or takes the object for a plain one', async () => {
    for (const name of deciding) {
      const { bucket, endpoint } = await page({ exposeHeaders: without(name) })
      await commands.storeObject(endpoint, 'a', TEXT, true)
      const refused = { code: 'ERR_CSE_SERVICE', message: expect.stringContaining(name) }
      await expect(bucket.getBytes('a', { onPlainObject: 'passthrough' })).rejects.toMatchObject(refused)
      await expect(bucket.head('a')).rejects.toMatchObject(refused)
      const url = await commands.signUrl(endpoint, 'a')
      await expect(bucket.getByUrl(url, { onPlainObject: 'passthrough' })).rejects.toMatchObject(refused)
    }
  })

  test('reads encrypted objects without the list of exposed headers, and is not certain of plain ones', async () => {
    const { bucket, endpoint } = await page({ exposeHeaders: without(EXPOSE_HEADERS) })
    await commands.storeObject(endpoint, 'a', TEXT, true)
    await commands.storeObject(endpoint, 'plain', TEXT, false)
    expect(await text(bucket, 'a')).toBe(TEXT)
    await expect(bucket.getBytes('plain', { onPlainObject: 'passthrough' })).rejects.toMatchObject({
      code: 'ERR_CSE_SERVICE',
      message: expect.stringMatching(/CORS rule.*/),
    })
  })

  test('is told of each hidden part of an envelope, without the list too', async () => {
    for (const name of [
      V2_HEADERS.wrappedCek,
      V2_HEADERS.wrappedIv,
      V2_HEADERS.cekAlgorithm,
      V2_HEADERS.wrapAlgorithm,
    ]) {
      const { bucket, endpoint } = await page({ exposeHeaders: without(EXPOSE_HEADERS, name) })
      await commands.storeObject(endpoint, 'a', TEXT, true)
      await expect(bucket.getBytes('a', { onPlainObject: 'passthrough' })).rejects.toMatchObject({
        code: 'ERR_CSE_SERVICE',
        message: expect.stringContaining(name),
      })
    }
  })

  test('knows a plain object under the whole rule', async () => {
    const { bucket, endpoint } = await page()
    await commands.storeObject(endpoint, 'plain', TEXT, false)
    await expect(bucket.getBytes('plain')).rejects.toMatchObject({ code: 'ERR_CSE_NOT_ENCRYPTED' })
    const bytes = await bucket.getBytes('plain', { onPlainObject: 'passthrough' })
    expect(new TextDecoder().decode(bytes)).toBe(TEXT)
  })

  test.each(['etag', 'x-oss-hash-crc64ecma', 'x-oss-request-id'])(
    'is told that a put does not show %s',
    async (name) => {
      const { bucket } = await page({ exposeHeaders: without(name) })
      for (const upload of [
        () => bucket.put('a', TEXT),
        () => bucket.upload('b', pattern(300_000), { partSizeBytes: 102_400 }),
      ]) {
        await expect(upload()).rejects.toMatchObject({
          code: 'ERR_CSE_SERVICE',
          message: expect.stringMatching(new RegExp(`${name}.*CORS rule.*ExposeHeader`)),
        })
      }
    },
  )

  test('is told that a range does not show Content-Range', async () => {
    const { bucket, endpoint } = await page({ exposeHeaders: without('content-range') })
    await commands.storeObject(endpoint, 'a', TEXT, true)
    await expect(bucket.getBytes('a')).rejects.toMatchObject({
      code: 'ERR_CSE_SERVICE',
      message: expect.stringContaining('content-range'),
    })
  })
})

test('a page whose CORS rule does not allow a method is told what it can be', async () => {
  const { bucket } = await page({ allowedMethods: ['GET', 'HEAD'] })
  await expect(bucket.put('a', TEXT)).rejects.toMatchObject({
    code: 'ERR_CSE_NETWORK',
    message: expect.stringContaining('CORS rule'),
  })
})

describe('a page with a clock that is an hour off', () => {
  test.each([3_600_000, -3_600_000])(
    'stores what it was given, and not an empty object: %d ms',
    async (clockAheadMs) => {
      const { bucket, endpoint } = await page({ clockAheadMs })
      await bucket.put('a', TEXT)
      expect(await text(bucket, 'a')).toBe(TEXT)
      expect(await commands.sentRequests(endpoint)).toEqual(['PUT 403', 'PUT 200', 'GET 206'])
    },
  )

  test.each([[[]], [['x-oss-err']], [['date']]])(
    'reads headers, even if the rule hides %j',
    async (hidden) => {
      const { transport, endpoint } = await page({
        clockAheadMs: 3_600_000,
        exposeHeaders: without(...hidden),
      })
      await commands.storeObject(endpoint, 'a', TEXT, false)
      const { headers } = await transport.head({ key: 'a', headers: {} })
      expect(headers['content-length']).toBe(String(TEXT.length))
    },
  )
})

test('a token that expires between two parts is renewed once, and the upload goes on', async () => {
  const { bucket, endpoint, given } = await page({ tokens: ['t1', 't2', 't3'] })
  const bytes = pattern(5 * 102_400)
  const upload = await bucket.initiateMultipartUpload('big', {
    sizeBytes: bytes.length,
    partSizeBytes: 102_400,
  })
  const part = (n: number) => {
    const { offsetBytes, sizeBytes } = upload.plan.part(n)
    return upload.uploadPart(n, bytes.subarray(offsetBytes, offsetBytes + sizeBytes))
  }
  await part(1)
  await commands.expireToken(endpoint, 't1')
  await Promise.all([2, 3, 4, 5].map(part))
  await upload.completeMultipartUpload()
  expect(given()).toBe(2)
  expect(await bucket.getBytes('big')).toEqual(bytes)
})

test('a page that reads with getBytes or for await gets the error of a body that fails', async () => {
  const { bucket, endpoint } = await page()
  await bucket.put('a', TEXT)
  const forAwait = async () => {
    const { body } = await bucket.get('a')
    for await (const _ of body);
  }
  for (const read of [() => bucket.getBytes('a'), forAwait]) {
    await commands.injectFault(endpoint, { kind: 'wrong-crc', method: 'GET' })
    await expect(read()).rejects.toMatchObject({ code: 'ERR_CSE_INTEGRITY' })
  }
})

test('a page without credentials does what the server of its app signs, and nothing else', async () => {
  const { endpoint, region } = await page()
  const authorize = (request: RequestToAuthorize) => commands.signForPage(endpoint, request)
  const transport = new FetchTransport({ bucket: 'demo', region, endpoint, authorize })
  const retry = { maxAttempts: 1 }
  const bucket = new CryptoBucket({ transport, provider: createTestProvider(), retry })
  const bytes = pattern(250_000)
  await bucket.put('users/42/照片 😀', TEXT)
  await bucket.upload('users/42/big', bytes, { partSizeBytes: 102_400 })
  expect(await text(bucket, 'users/42/照片 😀')).toBe(TEXT)
  expect(await bucket.getBytes('users/42/big')).toEqual(bytes)
  expect(await bucket.head('users/42/big')).toMatchObject({ sizeBytes: bytes.length })
  const listed: string[] = []
  for await (const entry of bucket.list({ prefix: 'users/42/' })) if ('key' in entry) listed.push(entry.key)
  expect(listed).toEqual(['users/42/big', 'users/42/照片 😀'])
  for (const refused of [
    () => bucket.put('users/4/a', TEXT),
    () => bucket.delete('users/42/big'),
    () => bucket.copy('users/42/big', 'users/42/copy'),
  ]) {
    await expect(refused()).rejects.toMatchObject({
      code: 'ERR_CSE_ACCESS_DENIED',
      cause: expect.objectContaining({ message: expect.stringContaining('The request is not signed') }),
    })
  }
})

test('a part whose response is lost is sent again, and the object is whole', async () => {
  const { bucket, endpoint } = await page()
  await commands.injectFault(endpoint, { kind: 'reset-after', method: 'PUT', partNumber: 2 })
  const bytes = pattern(300_000)
  await bucket.upload('big', bytes, { partSizeBytes: 102_400 })
  expect(await bucket.getBytes('big')).toEqual(bytes)
})

test('names in any script and objects of 0 bytes come back as they were stored', async () => {
  const { bucket } = await page()
  for (const key of ['照片/二〇二六 😀.txt', "it's (a) [test]!*+&=%.txt", 'é'.normalize('NFD')]) {
    await bucket.put(key, key)
    await bucket.put(`${key}/empty`, '')
    expect(await text(bucket, key)).toBe(key)
    expect(await text(bucket, `${key}/empty`)).toBe('')
  }
  const listed: string[] = []
  for await (const entry of bucket.list({})) if ('key' in entry) listed.push(entry.key)
  expect(listed.length).toBe(6)
})

test.each(['get', 'get-and-head', 'off'] as const)(
  'text has its true length and its bytes where the service compresses: %s',
  async (gzip) => {
    const { bucket } = await page({ gzip })
    for (const size of [0, 5, TEXT.length]) {
      await bucket.put('a.txt', TEXT.slice(0, size), { contentType: 'text/plain' })
      expect(await bucket.head('a.txt')).toMatchObject({ sizeBytes: size })
      expect(await text(bucket, 'a.txt')).toBe(TEXT.slice(0, size))
      expect(await bucket.exists('a.txt')).toBe(true)
    }
  },
)

test('the progress of an upload counts bytes that have left, and ends with all of them', async () => {
  const { transport } = await page()
  const told: number[] = []
  const sizeBytes = 8 * MIB
  const body = {
    sizeBytes,
    async *open() {
      for (let n = 0; n < 8; n++) yield new Uint8Array(MIB)
    },
  }
  await transport.put({ key: 'big', headers: {}, body, onSentBytes: (count) => told.push(count) })
  expect([told[0], told.at(-1)]).toEqual([0, sizeBytes])
  expect(told).toEqual([...new Set(told)].sort((a, b) => a - b))
})

test('a dedicated worker stores and reads objects, and reports its progress', async () => {
  const emulator = await commands.startEmulator({})
  const worker = new Worker(new URL('./page-worker.ts', import.meta.url), { type: 'module' })
  onTestFinished(() => worker.terminate())
  const report = await new Promise<WorkerReport>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data)
    worker.onerror = ({ message }) => reject(new Error(message))
    worker.postMessage(emulator)
  })
  expect(report).toMatchObject({ isEqual: true })
  expect(report.progress.at(-1)).toBe(3_000_000)
})

test('an aborted upload rejects with the reason, and stores nothing', async () => {
  const { transport, endpoint } = await page()
  await commands.injectFault(endpoint, { kind: 'stall', method: 'PUT' })
  const stop = new AbortController()
  const body = {
    async *open() {
      yield new Uint8Array(MIB)
    },
  }
  const onSentBytes = (count: number) => {
    if (count === MIB) stop.abort(new Error('enough'))
  }
  const put = transport.put({ key: 'big', headers: {}, body, signal: stop.signal, onSentBytes })
  await expect(put).rejects.toThrow('enough')
  await expect(transport.head({ key: 'big', headers: {} })).rejects.toMatchObject({
    code: 'ERR_CSE_NOT_FOUND',
  })
})
