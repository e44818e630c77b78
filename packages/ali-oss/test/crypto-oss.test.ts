import { getEventListeners } from 'node:events'
import { createReadStream, existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough, Readable, Stream, Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'
import {
  type ContentKey,
  type GeneratedContentKey,
  Keyring,
  type MasterKeyProvider,
  TransportError,
} from '@oss-cse/crypto-core'
import { isEnvelopeHeader } from '@oss-cse/crypto-core/internal'
import { generateRsaKeyPair, RsaProvider } from '@oss-cse/provider-rsa'
import OSS from 'ali-oss'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { CryptoOSS, type CryptoOSSOptions } from '../src/index.ts'
import type { Checkpoint } from '../src/upload-checkpoint.ts'
import { provider, random, rejection, Subject } from './subject.ts'

const PART = 102_400
const code = (value: string) => expect.objectContaining({ code: value })

let subject: Subject
let client: CryptoOSS
beforeEach(async () => {
  subject = await Subject.start('CryptoOSS')
  client = subject.client
})
afterEach(() => subject.end())

/** The endpoint of a service that reads each request and responds with a status and a body. */
async function serving(
  respond: (request: IncomingMessage) => readonly [number, string | Buffer],
  headers: Record<string, string> = { ETag: '"E"', 'x-oss-request-id': '6556E3AED11E553933CCDEDF' },
): Promise<string> {
  const server = createServer((request, response) => {
    const [status, body] = respond(request)
    request.resume().on('end', () => response.writeHead(status, headers).end(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close().closeAllConnections())
  return `http://localhost:${(server.address() as AddressInfo).port}`
}

/** A provider that delegates to another one, and lets a test observe or interfere. */
function watching(watch: {
  readonly generated?: (key: GeneratedContentKey) => void
  readonly fail?: () => unknown
}): MasterKeyProvider {
  return {
    wrapAlgorithm: provider.wrapAlgorithm,
    materialDescription: provider.materialDescription,
    async generateContentKey(iv) {
      if (watch.fail) throw watch.fail()
      const generated = await provider.generateContentKey(iv)
      watch.generated?.({ ...generated, cek: Uint8Array.from(generated.cek) })
      return generated
    },
    unwrap: (envelope): Promise<ContentKey> => provider.unwrap(envelope),
  }
}

describe('a client is refused', () => {
  const contradictions: [string, Partial<CryptoOSSOptions>][] = [
    ['without a master key', { provider: undefined }],
    ['with both a provider and a keyring', { keyring: new Keyring({ encrypting: provider }) }],
    ['with an unknown opt-in', { presignedUploads: true as never }],
    ['with an unknown policy', { onPlainObject: 'strict' as never }],
    ['with invalid retries', { retry: { maxAttempts: 0 } }],
    ['with an HTTP client that streams would bypass', { urllib: { request() {} } } as never],
    ['with a proxy that streams would bypass', { enableProxy: true } as never],
  ]
  test.each(contradictions)('%s, also before it has a bucket', (_, options) => {
    for (const bucket of ['demo', undefined]) {
      expect(() => subject.newClient({ ...options, bucket })).toThrow(code('ERR_CSE_INVALID_ARGUMENT'))
    }
  })
})

test('the client does not show the master key, and ali-oss does not get it', () => {
  const shown = inspect(client, { depth: 10, showHidden: true })
  expect(Object.keys(Reflect.get(client, 'options'))).not.toContain('provider')
  expect(shown).not.toContain('PRIVATE KEY')
  expect(shown).not.toContain('RsaProvider')
})

test('parsing a Range header of a million characters takes time proportional to its length', async () => {
  const content = random(100)
  await client.put('a', content)
  const pumped = ' '.repeat(1_000_000)
  // Work that grows with the square of the length exceeds the time limit of all tests.
  for (const range of [
    `bytes=${pumped}!`,
    `${pumped}!`,
    `bytes${pumped}`,
    `bytes=1${pumped}`,
    `bytes=1-${pumped}!`,
  ]) {
    expect((await client.get('a', { headers: { Range: range } })).content).toEqual(content)
  }
  const spaced = `${pumped}bytes${pumped}=${pumped}10${pumped}-${pumped}19${pumped},${pumped}`
  expect((await client.get('a', { headers: { Range: spaced } })).content).toEqual(content.subarray(10, 20))
})

test('a keyring reads objects of older keys', async () => {
  await client.put('a', Buffer.from('old'))
  const { privateKey } = await generateRsaKeyPair({ bits: 2048 })
  const encrypting = new RsaProvider({ privateKey, materialDescription: { key: '2026' } })
  const keyring = new Keyring({ encrypting, decrypting: [provider] })
  const rotated = subject.newClient({ provider: undefined, keyring })
  await rotated.put('b', Buffer.from('new'))
  expect(String((await rotated.get('a')).content)).toBe('old')
  expect(String((await rotated.get('b')).content)).toBe('new')
  expect(await rejection(client.get('b'))).toEqual(code('ERR_CSE_NO_MATCHING_KEY'))
})

test('a subclass works, and changes of the client apply to the next call', async () => {
  class Logged extends CryptoOSS {
    readonly names: string[] = []
    override put(...[name, file, options]: Parameters<CryptoOSS['put']>) {
      this.names.push(name)
      return typeof file === 'string' ? super.put(name, file, options) : super.putStream(name, file, options)
    }
  }
  const { endpoint, region, accessKeyId, accessKeySecret } = subject.emulator
  const logged = new Logged({
    endpoint,
    sldEnable: true,
    bucket: 'demo',
    region: `oss-${region}`,
    accessKeyId,
    accessKeySecret: 'not yet',
    provider,
  })
  expect(await rejection(logged.put('a', Buffer.of(1)))).toMatchObject({ status: 403 })
  Reflect.get(logged, 'options').accessKeySecret = accessKeySecret
  await logged.put('a', Buffer.of(1))
  expect(logged.names).toEqual(['a', 'a'])
  expect((await logged.get('a')).content).toEqual(Buffer.of(1))
})

test.each([
  ['made by Object.create', (): CryptoOSS => Object.create(client)],
  ['that is a Proxy', (): CryptoOSS => new Proxy(client, {})],
])('a view of a client works like the client: a view %s', async (_, viewOf) => {
  const view = viewOf()
  const content = random(2 * PART)
  await view.put('a', content)
  expect((await view.get('a')).content).toEqual(content)
  await view.multipartUpload('b', content, { partSize: PART })
  const begun = await view.initMultipartUpload('c', { dataSize: PART, partSize: PART })
  const { etag } = await client.uploadPart('c', begun.uploadId, 1, content, 0, PART)
  await view.completeMultipartUpload('c', begun.uploadId, [{ number: 1, etag }])
  expect(() => view.signatureUrl('a', { method: 'PUT' })).toThrow(code('ERR_CSE_OPERATION_REFUSED'))
  expect(String((await client.get('b')).content)).toBe(String(content))
})

test('a view with its own options uses their bucket', async () => {
  const view: CryptoOSS = Object.create(client)
  const options = { ...Reflect.get(client, 'options'), bucket: 'other-bucket' }
  Object.assign(view, { options })
  await view.put('a', Buffer.of(1))
  expect(await rejection(client.head('a'))).toMatchObject({ code: 'NoSuchKey' })
  expect((await view.head('a')).status).toBe(200)
})

test('an upload sends the headers of ali-oss, except for the envelope and the checksum of the content', async () => {
  const plain = await Subject.start('OSS')
  onTestFinished(() => plain.end())
  const options = {
    mime: 'text/x-test',
    meta: { Owner: 'ops', uid: 7 },
    headers: { 'Cache-Control': 'no-store', 'x-oss-object-acl': 'private', 'Content-Language': 'en' },
    callback: {
      url: 'http://example.com/stored?a=ü',
      host: 'example.com',
      body: 'bucket=$(bucket)&size=$(size)&my=$(x:my)',
      contentType: 'application/x-www-form-urlencoded',
      callbackSNI: true,
      customValue: { my: 1 },
    },
  }
  const uses: ((of: Subject) => Promise<unknown>)[] = [
    (of) => of.client.put('a.txt', random(10), structuredClone(options)),
    (of) => of.client.putStream('a.txt', Readable.from([random(10)]), structuredClone(options)),
    (of) =>
      of.client.putStream('a', Readable.from([random(10)]), {
        ...structuredClone(options),
        contentLength: 10,
      }),
  ]
  const ofTransport =
    /^(authorization|content-md5|date|host|user-agent|x-oss-date|connection|accept|accept-encoding)$/
  const sent = ({ emulator }: Subject) => {
    const headers = Object.entries(emulator.requests.at(-1)?.headers ?? {})
    return headers.filter(([name]) => !isEnvelopeHeader(name) && !ofTransport.test(name)).sort()
  }
  for (const use of uses) {
    // Neither service calls back: ali-oss then parses the empty response as JSON and fails.
    for (const of of [plain, subject]) await use(of).catch(() => {})
    expect(sent(subject)).toEqual(sent(plain))
    expect(Object.fromEntries(sent(subject))).toHaveProperty('x-oss-callback-var')
  }
})

test('missing meta and headers are not sent', async () => {
  const meta = { owner: undefined, author: null, title: '' }
  await client.put('a', Buffer.of(1), {
    meta,
    headers: { Expires: null, 'Content-Length': 99, 'x-oss-tagging': undefined },
  })
  expect((await client.head('a')).meta).toEqual({ title: '' })
})

test('headers that the library sets, such as those of the envelope, are refused before any request', async () => {
  for (const options of [
    { meta: { 'client-side-encryption-key': 'x' } },
    { headers: { 'x-oss-meta-client-side-encryption-start': 'x' } },
    { headers: { 'x-oss-hash-crc64ecma': '1' } },
    { headers: { 'x-oss-process': 'x' } },
    { subres: { append: '' } },
    { method: 'POST' },
  ]) {
    const error = await rejection(client.put('a', Buffer.of(1), options))
    expect(error['code']).toMatch(/^ERR_CSE_(INVALID_ARGUMENT|OPERATION_REFUSED)$/)
  }
  expect(await rejection(client.get('a', { subres: { acl: '' } }))).toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
  expect(await rejection(client.head(7 as never))).toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
  expect(await rejection(client.get('a', { timeout: 'soon' }))).toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
  expect(subject.requests).toEqual([])
})

describe('an invalid body', () => {
  /** A stream that is not async-iterable. */
  function oldStream() {
    return Object.assign(new Stream(), {
      readable: true,
      destroyed: false,
      pause() {},
      resume() {},
      destroy() {
        this.destroyed = true
      },
    })
  }

  test.each([
    ['an object', () => Readable.from([{ a: 1 }])],
    ['text with an object in it', () => Readable.from(['abc', { a: 1 }, 'def'])],
    ['numbers', () => Readable.from([1, 2])],
  ])('a stream of %s fails the call, and the object stays unchanged', async (_, make) => {
    await client.put('a', Buffer.from('good'))
    const { uploadId } = await client.initMultipartUpload('p', { dataSize: PART, partSize: PART })
    for (const call of [
      () => client.put('a', make()),
      () => client.putStream('a', make()),
      () => client.uploadPart('p', uploadId, 1, make(), 0, PART),
    ]) {
      expect(await rejection(call())).toEqual(code('ERR_CSE_SOURCE'))
    }
    expect(String((await client.get('a')).content)).toBe('good')
  })

  test.each([
    [
      'a stream that was read',
      async () => {
        const stream = Readable.from(['abc'])
        for await (const _ of stream);
        return stream
      },
    ],
    [
      'a stream that was destroyed',
      async () => {
        const stream = Readable.from(['abc'])
        stream.destroy()
        return stream
      },
    ],
    ['an open Writable', async () => new Writable()],
    [
      'a Writable that has ended',
      async () => {
        const stream = new Writable({ write: (_chunk, _encoding, done) => done() })
        await new Promise((resolve) => stream.end(resolve))
        return stream
      },
    ],
    [
      'a Web stream that was read',
      async () => {
        const stream = new Blob(['abc']).stream()
        for await (const _ of stream);
        return stream
      },
    ],
    ['an old stream that has ended', async () => Object.assign(new Stream(), { readable: false })],
  ])('%s is refused before any request', async (_, make) => {
    const { uploadId } = await client.initMultipartUpload('p', { dataSize: PART, partSize: PART })
    const before = subject.requests.length
    for (const call of [
      async () => client.put('a', (await make()) as never),
      async () => client.putStream('a', (await make()) as never),
      async () => client.uploadPart('p', uploadId, 1, (await make()) as never, 0, PART),
    ]) {
      expect(await rejection(call())).toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    }
    expect(subject.requests).toHaveLength(before)
  })

  test('an old stream is uploaded, its text as UTF-8', async () => {
    const old = oldStream()
    setImmediate(() => {
      old.emit('data', 'grü')
      old.emit('data', Buffer.from('ße'))
      old.emit('end')
    })
    await client.put('a', old as never)
    expect(String((await client.get('a')).content)).toBe('grüße')
  })

  test('an old stream is closed when its upload fails', async () => {
    const old = oldStream()
    setImmediate(() => old.emit('data', { a: 1 }))
    expect(await rejection(client.put('a', old as never))).toEqual(code('ERR_CSE_SOURCE'))
    expect(old.destroyed).toBe(true)
  })

  // Only where there is such a file system. It reports a length of 0.
  test.runIf(existsSync('/proc/self/status'))('a file of procfs is uploaded with its content', async () => {
    await client.put('a', '/proc/self/status')
    await client.multipartUpload('b', '/proc/self/status')
    for (const name of ['a', 'b']) expect(String((await client.get(name)).content)).toMatch(/^Name:/)
  })
})

describe('a harmful document', () => {
  const entry = '<Key>a</Key><Size>1</Size><LastModified>2024-01-01T00:00:00.000Z</LastModified>'
  const listing = (content: string) => `<ListBucketResult>${content}</ListBucketResult>`

  test.each<[string, string | Buffer, Record<string, string>]>([
    ['with an entity of every object', listing('<Contents><Key>&constructor;</Key></Contents>'), {}],
    ['with an element of every object', listing('<constructor>x</constructor>'), {}],
    ['that nests without end', listing('<a>'.repeat(100_000)), {}],
    ['with a document type', listing('<!DOCTYPE a><a/>'), {}],
    ['that is truncated', listing(`<Contents>${entry}`), {}],
    ['of more than 16 MiB', listing(' '.repeat(2 ** 24)), {}],
    [
      'of more than 16 MiB after decompression',
      gzipSync(listing(' '.repeat(2 ** 24))),
      { 'content-encoding': 'gzip' },
    ],
    ['that does not match its Content-Encoding', listing(entry), { 'content-encoding': 'gzip' }],
  ])('%s is not a response of the service', async (_what, document, headers) => {
    const endpoint = await serving(() => [200, document], { 'x-oss-request-id': 'X', ...headers })
    const elsewhere = subject.newClient({ endpoint, retryMax: 0 })
    expect(await rejection(elsewhere.listV2({}))).toMatchObject({
      status: 200,
      message: expect.stringContaining('not a response of OSS'),
      cause: { code: 'ERR_CSE_SERVICE' },
    })
  })

  test('is also refused in an error response', async () => {
    const endpoint = await serving(() => [404, ' '.repeat(2 ** 24 + 1)])
    const elsewhere = subject.newClient({ endpoint, retryMax: 0 })
    expect(await rejection(elsewhere.getACL('a'))).toMatchObject({
      status: 404,
      cause: { code: 'ERR_CSE_SERVICE' },
    })
  })

  test('is not a compressed document of normal length', async () => {
    const document = gzipSync(listing(`<Contents>${entry}</Contents>`))
    const headers = { 'x-oss-request-id': 'X', 'content-encoding': 'gzip' }
    const elsewhere = subject.newClient({ endpoint: await serving(() => [200, document], headers) })
    const { objects, res } = await elsewhere.listV2({})
    expect(objects.map(({ name }) => name)).toEqual(['a'])
    expect(res).toMatchObject({ status: 200, size: document.length })
  })
})

test('the limit of decompressed content is checked in the constructor, and a call can override it', async () => {
  for (const maxDecompressedBytes of [0, -1, 1.5, Number.NaN, '5' as never, 2 ** 60]) {
    expect(() => subject.newClient({ maxDecompressedBytes })).toThrow(code('ERR_CSE_INVALID_ARGUMENT'))
    const wrong = client.get('a', { maxDecompressedBytes })
    expect(await rejection(wrong)).toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
  }
  expect(subject.requests).toEqual([])
  const content = Buffer.alloc(1000)
  await client.put('a', gzipSync(content), { headers: { 'Content-Encoding': 'deflate' } })
  const narrow = subject.newClient({ maxDecompressedBytes: 999 })
  const url = narrow.signatureUrl('a')
  const tooLong = { code: 'ERR_CSE_DECOMPRESSION' }
  const refused = expect.objectContaining(tooLong)
  expect(await rejection(narrow.get('a'))).toEqual(refused)
  expect(await rejection(narrow.getByUrl(url))).toMatchObject({ ...tooLong, objectKey: 'demo/a' })
  expect(await rejection(client.get('a', null, { maxDecompressedBytes: 999 }))).toEqual(refused)
  for (const maxDecompressedBytes of [1000, Number.POSITIVE_INFINITY]) {
    expect((await narrow.get('a', { maxDecompressedBytes })).content).toEqual(content)
    expect((await narrow.getByUrl(url, { maxDecompressedBytes })).content).toEqual(content)
  }
})

test.each(['__proto__', 'constructor', 'prototype'])(
  'metadata named %s is refused before any request, as meta and as a header',
  async (name) => {
    const sizes = { dataSize: PART, partSize: PART }
    for (const options of [{ meta: { [name]: 'x' } }, { headers: { [`X-Oss-Meta-${name}`]: 'x' } }]) {
      for (const call of [
        () => client.put('a', Buffer.of(1), options),
        () => client.putStream('a', Readable.from([Buffer.of(1)]), options),
        () => client.multipartUpload('a', random(PART), options),
        () => client.initMultipartUpload('a', { ...options, ...sizes }),
        () => client.putSymlink('a', 'b', options as never),
      ]) {
        expect(await rejection(call())).toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
      }
    }
    expect(subject.requests).toEqual([])
  },
)

test('stored metadata named like a property of every object is returned, and changes no object', async () => {
  const headers = {
    'content-length': '0',
    'x-oss-request-id': 'X',
    'x-oss-meta-constructor': 'c',
    'x-oss-meta-__proto__': 'p',
  }
  const endpoint = await serving(() => [200, ''], headers)
  const { meta } = await subject.newClient({ endpoint }).head('a')
  expect(Object.entries(meta)).toEqual([
    ['constructor', 'c'],
    ['__proto__', 'p'],
  ])
  expect(Object.getPrototypeOf(meta)).toBe(Object.prototype)
})

describe('a server that is not the service', () => {
  const page = '<html>Please log in</html>'

  test.each([
    ['a page', page, {}],
    ['a page with a request id', page, { 'x-oss-request-id': 'X' }],
    ['nothing with a request id', '', { 'x-oss-request-id': 'X' }],
  ])(
    'that responds with %s fails the call, whether it is encrypted or passed through',
    async (_, body, headers) => {
      const elsewhere = subject.newClient({ endpoint: await serving(() => [200, body], headers) })
      const known = 'x-oss-request-id' in headers
      for (const call of [
        ...(known
          ? []
          : [() => elsewhere.get('a'), () => elsewhere.head('a'), () => elsewhere.putACL('a', 'private')]),
        () => elsewhere.put('a', Buffer.of(1)),
        () => elsewhere.multipartUpload('a', random(PART)),
        () => elsewhere.copy('a', 'b'),
        () => elsewhere.deleteMulti(['a']),
        () => elsewhere.list(null, {}),
        () => elsewhere.listV2({}),
        () => elsewhere.listUploads({}),
        () => elsewhere.listBuckets({}),
        () => elsewhere.getBucketVersions({}),
        () => elsewhere.listParts('a', 'u'),
      ]) {
        expect(await rejection(call())).toMatchObject({
          name: 'UnknownError',
          status: 200,
          message: expect.stringContaining('not a response of OSS'),
          cause: { code: 'ERR_CSE_SERVICE' },
        })
      }
    },
  )
})

describe('a token that has expired', () => {
  /** A service that accepts only the second token. The clients have the first. */
  async function renewing(): Promise<Subject> {
    const mine = await Subject.start('CryptoOSS', { securityToken: 'token 2' })
    onTestFinished(() => mine.end())
    return mine
  }
  const expired = { stsToken: 'token 1', retryMax: 0, retry: undefined }

  test('parallel calls share one new token, and all of them succeed, encrypted or passed through', async () => {
    const mine = await renewing()
    const { accessKeyId, accessKeySecret } = mine.emulator
    const refreshSTSToken = vi.fn(async () => ({ accessKeyId, accessKeySecret, stsToken: 'token 2' }))
    const renewed = mine.newClient({ ...expired, refreshSTSToken })
    await Promise.all([
      renewed.put('a', random(1000)),
      renewed.put('b', random(1000)),
      renewed.multipartUpload('c', random(2 * PART), { partSize: PART }),
      renewed.list(null, {}),
      renewed
        .putACL('none', 'private')
        .catch((error: unknown) => expect(error).toMatchObject({ code: 'NoSuchKey' })),
    ])
    expect(refreshSTSToken).toHaveBeenCalledTimes(1)
    expect((await renewed.list(null, {})).objects.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
  })

  test('a URL is signed with the new token, which is requested once', async () => {
    const mine = await renewing()
    const { accessKeyId, accessKeySecret } = mine.emulator
    const refreshSTSToken = vi.fn(async () => ({ accessKeyId, accessKeySecret, stsToken: 'token 2' }))
    const renewed = mine.newClient({ ...expired, refreshSTSToken })
    await rejection(renewed.head('none'))
    const urls = await Promise.all([
      renewed.asyncSignatureUrl('a'),
      renewed.signatureUrlV4('GET', 60, {}, 'a'),
    ])
    expect(refreshSTSToken).toHaveBeenCalledTimes(1)
    for (const url of urls) expect(new URL(url).search).toMatch(/token[+%]2?0?2/)
  })

  test('a new token that never arrives fails the waiting calls after the client’s timeout', async () => {
    const mine = await renewing()
    const waiting = mine.newClient({
      ...expired,
      timeout: 20,
      refreshSTSTokenInterval: 0,
      refreshSTSToken: () => new Promise(() => {}),
    })
    const calls = [waiting.head('a'), waiting.list(null, {}), waiting.asyncSignatureUrl('a')]
    for (const error of await Promise.all(calls.map((call) => rejection(call)))) {
      expect(error).toMatchObject({ name: 'ResponseTimeoutError', status: -2 })
    }
  })

  test('the error of an expired token names the option of CryptoOSS that renews it', async () => {
    const refused = (await renewing()).newClient({ ...expired, refreshSTSTokenInterval: 1 })
    const error = await rejection(refused.put('a', random(10)))
    expect(error).toMatchObject({ status: 403, code: expect.stringMatching(/SecurityToken/) })
    expect(String(error)).not.toContain('`credentials`')
  })
})

test('an ended target is refused before any request, and a blocked target ends with the signal', async () => {
  await client.put('a', random(1_000_000))
  const before = subject.requests.length
  const ended = new PassThrough()
  ended.end()
  const gone = new PassThrough()
  gone.destroy()
  const broken = new Error('the disk is full')
  const failed = new PassThrough().on('error', () => {}).destroy(broken)
  for (const target of [ended, gone]) {
    expect(await rejection(client.get('a', target))).toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
  }
  expect(await rejection(client.get('a', failed))).toBe(broken)
  expect(subject.requests).toHaveLength(before)

  const controller = new AbortController()
  const reason = new Error('enough')
  const stuck = new Writable({ highWaterMark: 1, write: () => controller.abort(reason) })
  expect(await rejection(client.get('a', stuck, { signal: controller.signal }))).toBe(reason)
})

test('what is encrypted is sent without ali-oss, with the same user agent', async () => {
  const request = vi.spyOn(OSS.prototype as unknown as { request(): unknown }, 'request')
  onTestFinished(() => request.mockRestore())
  await client.put('a', random(10))
  await client.get('a')
  await client.head('a')
  expect(request).not.toHaveBeenCalled()
  await client.list(null, {})
  const agents = subject.emulator.requests.map(({ headers }) => headers['user-agent'])
  expect(agents).toHaveLength(4)
  expect(new Set(agents).size).toBe(1)
})

test('a urllib that is set later is refused, like one in the options', async () => {
  Object.assign(client, { urllib: { request: () => {} } })
  expect(await rejection(client.put('a', random(10)))).toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
})

test('an error names the options of CryptoOSS', async () => {
  const { endpoint, accessKeyId, accessKeySecret } = subject.emulator
  const made = { endpoint, accessKeyId, accessKeySecret, region: 'oss-cn-hangzhou', bucket: 'demo' }
  const failures: readonly (() => unknown)[] = [
    () => new CryptoOSS(made as never),
    () => new CryptoOSS({ ...made, provider, keyring: new Keyring({ encrypting: provider }) }),
    () => new CryptoOSS({ ...made, provider, retryMax: -1 }),
    () => new CryptoOSS({ ...made, provider, retryMax: 1.5 }),
    () => new CryptoOSS({ ...made, provider, onPlainObject: 'pass' as never }),
    () => client.put('a', random(10), { timeout: -1 }),
    () => client.putStream('a', Readable.from(['abc']), { contentLength: -3 }),
    () => client.putStream('a', Readable.from(['abc']), { contentLength: 1.5 }),
    () => client.putStream('a', Readable.from(['abc']), { contentLength: 5 }),
    () => client.put('a', random(10), { headers: { 'Content-MD5': 'x' } }),
    () => client.put('a', random(10), { headers: { 'Content-MD5': 'XUFAKrxLKna5cZ2REBfFkh==' } }),
    () => client.put('a', 5 as never),
    () => client.initMultipartUpload('a', { dataSize: -1, partSize: PART }),
    () => client.initMultipartUpload('a', { dataSize: 1.5, partSize: PART }),
    () => client.initMultipartUpload('a', { dataSize: 0, partSize: PART }),
    () => client.initMultipartUpload('a', { dataSize: 10, partSize: 17 }),
    () => client.multipartUpload('a', random(PART), { partSize: 17 }),
    () => client.getByUrl('nonsense'),
  ]
  const foreign =
    /CryptoBucket|OssTransport|sizeBytes|SizeBytes|idleTimeoutMs|maxAttempts|multipartThreshold|`credentials`|securityToken/
  for (const fail of failures) {
    const error = await rejection(Promise.resolve().then(fail))
    expect(error['code']).toMatch(/^ERR_CSE_/)
    expect(String(error)).not.toMatch(foreign)
  }
  await client.put('a', random(10), { timeout: 2 ** 40 })
})

describe('a callback', () => {
  /** A service that responds to each PUT as OSS does after a callback. */
  async function callingBack(status: number, body: string): Promise<CryptoOSS> {
    return subject.newClient({ endpoint: await serving(() => [status, body]) })
  }
  const callback = { url: 'http://example.com/', body: 'a=b' }

  test('returns its JSON response', async () => {
    const { data, res } = await (await callingBack(200, '{"Status":"OK"}')).put('a', Buffer.of(1), {
      callback,
    })
    expect({ data, etag: res.headers['etag'] }).toEqual({ data: { Status: 'OK' }, etag: '"E"' })
  })

  test('returns any other response too, because the object is stored', async () => {
    const { data } = await (await callingBack(200, 'thank you')).put('a', Buffer.of(1), { callback })
    expect(data).toBe('thank you')
  })

  test('that fails makes the call throw the service’s code', async () => {
    const document = '<Error><Code>CallbackFailed</Code><Message>no</Message></Error>'
    expect(
      await rejection((await callingBack(203, document)).put('a', Buffer.of(1), { callback })),
    ).toMatchObject({
      name: 'CallbackFailedError',
      code: 'CallbackFailed',
      status: 203,
    })
  })
})

test('a failure of the key service is a CseError, not an error of OSS', async () => {
  const throttled = new TransportError('ERR_CSE_THROTTLED', 'too many', {
    status: 503,
    retryable: false,
    serviceCode: 'Throttling',
  })
  const busy = subject.newClient({ provider: watching({ fail: () => throttled }) })
  for (const call of [() => busy.put('a', Buffer.of(1)), () => busy.multipartUpload('a', random(PART))]) {
    expect(await rejection(call())).toMatchObject({ name: 'TransportError', code: 'ERR_CSE_THROTTLED' })
  }
  expect(subject.requests).toEqual([])
})

test('a tampered object throws ERR_CSE_INTEGRITY, in memory, in a stream and as a file', async () => {
  await client.put('a', random(100_000))
  subject.emulator.injectFault({ kind: 'corrupt-body', method: 'GET', key: 'a', afterBytes: 7, count: 3 })
  expect(await rejection(client.get('a'))).toEqual(code('ERR_CSE_INTEGRITY'))
  const { stream } = await client.getStream('a')
  expect(await rejection(buffer(stream))).toEqual(code('ERR_CSE_INTEGRITY'))
  expect(await rejection(client.get('a', subject.path('out')))).toEqual(code('ERR_CSE_INTEGRITY'))
})

test('a destroyed stream ends its request, and an unread stream fills no more than its buffer', async () => {
  await client.put('a', random(20_000_000))
  const { stream } = await client.getStream('a')
  await new Promise((resolve) => stream.once('readable', resolve))
  stream.destroy()
  await new Promise((resolve) => stream.once('close', resolve))
  await expect.poll(() => subject.emulator.requests.at(-1)?.bytesOut).toBeLessThan(20_000_000)
  expect((await client.head('a')).status).toBe(200)
})

test('an abandoned stream closes its connection, even without a listener for errors', async () => {
  await client.put('a', random(20_000_000))
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const [left, listened, piped] = await Promise.all(
    [1, 2, 3].map(async () => (await client.getStream('a', { timeout: 40_000 })).stream),
  )
  // Piped into a closed target, such as a response to a browser that has disconnected.
  const gone = new PassThrough()
  piped?.pipe(gone)
  gone.destroy()
  const error = new Promise((resolve) => listened?.once('error', resolve))
  await new Promise(setImmediate)
  vi.advanceTimersByTime(39_000)
  for (const stream of [left, listened, piped]) expect(stream?.destroyed).toBe(false)
  vi.advanceTimersByTime(1000)
  expect(await error).toMatchObject({ name: 'ResponseTimeoutError', status: -2 })
  for (const stream of [left, listened, piped]) {
    expect(stream?.errored).toMatchObject({ name: 'ResponseTimeoutError' })
  }
})

test('a broken download without a listener ends its stream, not the process', async () => {
  await client.put('a', random(100_000))
  subject.emulator.injectFault({ kind: 'corrupt-body', method: 'GET', key: 'a', afterBytes: 7 })
  const { stream } = await client.getStream('a')
  let ended = false
  stream.once('end', () => {
    ended = true
  })
  stream.pipe(new PassThrough()).resume()
  await new Promise((resolve) => stream.once('close', resolve))
  expect(ended).toBe(false)
})

test('an object that is not modified leaves standard output open', async () => {
  const { res } = await client.put('a', Buffer.of(1))
  const headers = { 'If-None-Match': res.headers['etag'] }
  expect((await client.get('a', process.stdout, { headers })).res.status).toBe(304)
  expect(process.stdout.writableEnded).toBe(false)
})

test('no call leaves a listener on the caller’s signal', async () => {
  const { signal } = new AbortController()
  await client.put('a', random(PART), { signal })
  await client.get('a', { signal })
  await buffer((await client.getStream('a', { signal })).stream)
  await client.head('a', { signal })
  await client.multipartUpload('a', random(PART), { signal, progress() {} })
  await rejection(client.get('none', { signal }))
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

describe('a URL', () => {
  test('is decrypted by getByUrl and getStreamByUrl, as a whole and by ranges', async () => {
    const content = random(1000)
    await client.put('a b', content)
    for (const url of [
      client.signatureUrl('a b'),
      new URL(await client.signatureUrlV4('GET', 60, undefined, 'a b')),
    ]) {
      expect((await client.getByUrl(url)).content).toEqual(content)
      const headers = { Range: 'bytes=17-99' }
      const { content: range, res } = await client.getByUrl(url, { headers })
      expect(range).toEqual(content.subarray(17, 100))
      expect(res).toMatchObject({ status: 206, headers: { 'content-range': 'bytes 17-99/1000' } })
      const { stream } = await client.getStreamByUrl(url, { headers })
      expect(await buffer(stream)).toEqual(content.subarray(17, 100))
      await client.getByUrl(url, subject.path('out'))
    }
  })

  test('that is refused causes a CseError without the URL', async () => {
    const url = client.signatureUrl('none')
    const error = await rejection(client.getByUrl(url))
    expect(error).toEqual(code('ERR_CSE_NOT_FOUND'))
    expect(inspect(error, { depth: 10 })).not.toContain('Signature')
  })
})

describe('the checkpoint of an upload', () => {
  const content = random(3 * PART + 5)
  const kept = (checkpoint: Checkpoint | null | undefined): Checkpoint =>
    JSON.parse(JSON.stringify(checkpoint))
  const digestsOf = (checkpoint: Checkpoint): Readonly<Record<string, string>> => {
    const record = checkpoint.encryption?.record as
      | { upload: { partDigests: Record<string, string> } }
      | undefined
    return record?.upload.partDigests ?? {}
  }

  test('contains neither the content key nor the content', async () => {
    const keys: Uint8Array[] = []
    const checkpoints: string[] = []
    const watched = subject.newClient({ provider: watching({ generated: ({ cek }) => keys.push(cek) }) })
    await watched.multipartUpload('a', content, {
      partSize: PART,
      progress: (_, checkpoint) => checkpoints.push(JSON.stringify(checkpoint)),
    })
    expect(keys).toHaveLength(1)
    const secrets = [...keys, content.subarray(0, 32), content.subarray(PART, PART + 32)].map((bytes) =>
      Buffer.from(bytes),
    )
    for (const text of checkpoints) {
      for (const secret of secrets) {
        for (const encoding of ['hex', 'base64', 'base64url'] as const) {
          expect(text).not.toContain(secret.toString(encoding).replace(/=+$/, ''))
        }
        expect(text).not.toContain(JSON.stringify([...secret]).slice(1, -1))
      }
    }
  })

  test('has each part before a byte of it reaches the service', async () => {
    let known = new Set<string>()
    const check = () => {
      const seen = subject.emulator.requests.map(({ query }) => /partNumber=(\d+)/.exec(query)?.[1])
      expect(seen.filter((number) => number !== undefined && !known.has(number))).toEqual([])
    }
    await client.multipartUpload('a', content, {
      partSize: PART,
      parallel: 3,
      async progress(_, checkpoint) {
        // Storing the checkpoint takes a while, and the upload waits for it.
        for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
        check()
        if (checkpoint) known = new Set(Object.keys(digestsOf(kept(checkpoint))))
      },
    })
    expect(known).toEqual(new Set(['1', '2', '3', '4']))
  })

  test('of a public key alone restarts the upload', async () => {
    const { publicKey } = await generateRsaKeyPair({ bits: 2048 })
    const writer = subject.newClient({ provider: new RsaProvider({ publicKey }) })
    const checkpoints: Checkpoint[] = []
    await writer.multipartUpload('a', content, {
      partSize: PART,
      progress: (_, checkpoint) => {
        if (checkpoint) checkpoints.push(kept(checkpoint))
      },
    })
    expect(checkpoints.length).toBeGreaterThan(0)
    for (const checkpoint of checkpoints) expect(checkpoint).not.toHaveProperty('encryption')
    await writer.multipartUpload('a', content, { checkpoint: checkpoints[0] })
    expect((await writer.head('a')).res.headers['content-length']).toBe(String(content.length))
  })

  test('of an older version restarts the upload under a new key', async () => {
    const keys: Uint8Array[] = []
    const watched = subject.newClient({
      provider: watching({ generated: ({ cek }) => keys.push(cek) }),
    })
    const checkpoints: Checkpoint[] = []
    await watched.multipartUpload('a', content, {
      partSize: PART,
      progress: (_, checkpoint) => {
        if (checkpoint) checkpoints.push(kept(checkpoint))
      },
    })
    const { encryption, ...others } = checkpoints.at(-1) as Checkpoint
    const older = JSON.parse(JSON.stringify(encryption).replaceAll('"version":2', '"version":1'))
    expect(older).not.toEqual(encryption)
    const before = subject.emulator.requests.length
    await watched.multipartUpload('a', content, {
      partSize: PART,
      checkpoint: { ...others, encryption: older },
    })
    const sent = subject.emulator.requests.slice(before).filter(({ query }) => /partNumber=/.test(query))
    expect(sent).toHaveLength(4)
    expect(keys).toHaveLength(2)
    expect(keys[0]).not.toEqual(keys[1])
    expect((await client.get('a')).content).toEqual(content)
  })

  test('of ali-oss itself, of another object, or without meaning restarts the upload', async () => {
    const nonsense: unknown[] = [
      {
        name: 'a',
        fileSize: content.length,
        partSize: PART,
        uploadId: 'plain',
        doneParts: [{ number: 1, etag: '"x"' }],
      },
      {
        name: 'b',
        fileSize: 5,
        partSize: 7,
        uploadId: 'x',
        doneParts: [],
        encryption: { changeMark: '', record: {} },
      },
      { encryption: { changeMark: '', record: 'text' } },
      {},
    ]
    for (const checkpoint of nonsense) {
      await client.multipartUpload('a', content, { checkpoint: checkpoint as Checkpoint, partSize: PART })
      expect((await client.get('a')).content).toEqual(content)
    }
  })
})

test('an upload stays in its bucket when the client switches to another one', async () => {
  const content = random(3 * PART)
  await client.multipartUpload('a', content, {
    partSize: PART,
    parallel: 1,
    progress: () => {
      client.useBucket('other-bucket')
    },
  })
  expect((await subject.newClient().get('a')).content).toEqual(content)
  client.useBucket('demo')
  const { uploadId } = await client.initMultipartUpload('b', { dataSize: PART, partSize: PART })
  client.useBucket('other-bucket')
  const { etag } = await client.uploadPart('b', uploadId, 1, content, 0, PART)
  expect((await client.listParts('b', uploadId)).parts).toHaveLength(1)
  const { res } = await client.completeMultipartUpload('b', uploadId, [{ number: 1, etag }])
  expect(res.requestUrls[0]).toContain('/demo/b')
  expect((await subject.newClient().get('b')).content).toEqual(content.subarray(0, PART))
})

test('an upload is aborted in its bucket after the client switched to another one', async () => {
  const { uploadId } = await client.initMultipartUpload('a', { dataSize: PART, partSize: PART })
  const upload = client.multipartUpload('b', random(3 * PART), {
    partSize: PART,
    async progress(_, checkpoint) {
      if (checkpoint?.doneParts.length !== 1) return
      client.useBucket('other-bucket')
      await client.abortMultipartUpload('b', checkpoint.uploadId)
    },
  })
  expect(await rejection(upload)).toMatchObject({ name: 'abort' })
  await client.abortMultipartUpload('a', uploadId)
  expect((await client.setBucket('demo').listUploads({})).uploads).toEqual([])
})

test('an upload of another object with the same id is not stopped', async () => {
  const upload = client.multipartUpload('a', random(3 * PART), {
    partSize: PART,
    parallel: 1,
    async progress(_, checkpoint) {
      if (checkpoint?.doneParts.length !== 1) return
      await rejection(client.abortMultipartUpload('b', checkpoint.uploadId))
      client.cancel({ name: 'b', uploadId: checkpoint.uploadId })
    },
  })
  expect((await upload).name).toBe('a')
})

test('a part that is not found for another reason does not count as an aborted upload', async () => {
  const responses = {
    POST: [200, '<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>'],
    PUT: [404, '<Error><Code>NoSuchBucket</Code></Error>'],
    DELETE: [204, ''],
  } as const
  const endpoint = await serving(({ method }) => responses[method as keyof typeof responses])
  const upload = subject.newClient({ endpoint }).multipartUpload('a', random(PART), { partSize: PART })
  expect(await rejection(upload)).toMatchObject({ name: 'NoSuchBucketError', code: 'NoSuchBucket' })
})

test('an upload that is cancelled from its own progress ends, and leaves no part half sent', async () => {
  const upload = client.multipartUpload('a', random(3 * PART), {
    partSize: PART,
    progress: (fraction) => {
      if (fraction > 0) client.cancel()
    },
  })
  expect(await rejection(upload)).toMatchObject({ name: 'cancel', status: 0 })
  expect(await rejection(client.head('a'))).toMatchObject({ code: 'NoSuchKey' })
  await client.multipartUpload('a', random(3 * PART))
})

describe('deadlineMs', () => {
  const bytes = random(3 * PART)
  const calls: Record<string, (options: { readonly deadlineMs: number }) => Promise<unknown>> = {
    put: (options) => client.put('a', bytes, options),
    'put of a file': (options) => client.put('a', process.execPath, options),
    putStream: (options) => client.putStream('a', Readable.from([bytes]), options),
    get: (options) => client.get('a', options),
    'get into a stream': (options) => client.get('a', new PassThrough(), options),
    'get into a file': (options) => client.get('a', subject.path('out'), options),
    getStream: (options) => client.getStream('a', options),
    getByUrl: (options) => client.getByUrl(client.signatureUrl('a'), options),
    head: (options) => client.head('a', options),
    multipartUpload: (options) => client.multipartUpload('a', bytes, { partSize: PART, ...options }),
    initMultipartUpload: (options) =>
      client.initMultipartUpload('a', { dataSize: PART, partSize: PART, ...options }),
  }

  test.each(Object.entries(calls))('ends a %s that gets no response', async (_, call) => {
    subject.emulator.injectFault({ kind: 'stall', count: 9 })
    const error = await rejection(call({ deadlineMs: 20 }))
    expect(error).toMatchObject({ code: 'ERR_CSE_DEADLINE_EXCEEDED' })
    expect(error['partNum']).toBeUndefined()
    expect(existsSync(subject.path('out'))).toBe(false)
  })

  test.each(Object.entries(calls))('of 0 is refused before a %s sends anything', async (_, call) => {
    expect(await rejection(call({ deadlineMs: 0 }))).toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    expect(subject.requests).toEqual([])
  })

  test('ends a part and a completion that get no response', async () => {
    const { uploadId } = await client.initMultipartUpload('a', { dataSize: PART, partSize: PART })
    const content = random(PART)
    const part = (options: object) => client.uploadPart('a', uploadId, 1, content, 0, PART, options)
    subject.emulator.injectFault({ kind: 'stall', method: 'PUT' })
    expect(await rejection(part({ deadlineMs: 20 }))).toEqual(code('ERR_CSE_DEADLINE_EXCEEDED'))
    const { etag } = await part({})
    const complete = (options: object) =>
      client.completeMultipartUpload('a', uploadId, [{ number: 1, etag }], options)
    subject.emulator.injectFault({ kind: 'stall', method: 'POST' })
    expect(await rejection(complete({ deadlineMs: 20 }))).toEqual(code('ERR_CSE_DEADLINE_EXCEEDED'))
  })

  test('counts the time that a target stream takes', async () => {
    await client.put('a', random(2 * 1024 ** 2))
    const stuck = new Writable({ write() {} })
    expect(await rejection(client.get('a', stuck, { deadlineMs: 100 }))).toEqual(
      code('ERR_CSE_DEADLINE_EXCEEDED'),
    )
  })
})

test.each(['multipartUpload', 'initMultipartUpload'] as const)(
  'a %s that is stopped while the service starts it leaves no upload',
  async (method) => {
    subject.emulator.injectFault({ method: 'POST', kind: 'slow', delayMs: 5 })
    const controller = new AbortController()
    const call =
      method === 'multipartUpload'
        ? client.multipartUpload('a', random(3 * PART), { partSize: PART })
        : client.initMultipartUpload('a', {
            dataSize: PART,
            partSize: PART,
            signal: controller.signal,
          })
    call.catch(() => {})
    const { requests } = subject.emulator
    const seen = async (wanted: string): Promise<void> => {
      while (!requests.some(({ method, status }) => method === wanted && (wanted === 'POST' || status > 0))) {
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    await seen('POST')
    controller.abort()
    client.cancel()
    expect(await rejection(call)).toMatchObject({
      name: method === 'multipartUpload' ? 'cancel' : 'AbortError',
    })
    await seen('DELETE')
    expect((await client.listUploads({})).uploads).toEqual([])
  },
)

test('a timeout can be a string, and 0 means none', async () => {
  await client.put('a', Buffer.of(1), { timeout: '10s' })
  await client.get('a', { timeout: 0 })
  const patient = subject.newClient({ timeout: '5s' })
  await patient.get('a')
  Reflect.get(patient, 'options').timeout = '6s'
  await patient.get('a')
})

test('a stream of strings, and one that fails before it is read, behave as in ali-oss', async () => {
  await client.put('a', Readable.from(['ab', 'ü']))
  expect(String((await client.get('a')).content)).toBe('abü')
  const error = await rejection(client.put('b', createReadStream(subject.path('none'))))
  expect(error).toEqual(code('ERR_CSE_SOURCE'))
  expect(error['cause']).toMatchObject({ code: 'ENOENT' })
})

test('with retryMax 0 a request is sent once', async () => {
  subject.emulator.injectFault({ kind: 'status-503', method: 'GET', key: 'a', count: 9 })
  await rejection(subject.newClient({ retry: undefined, retryMax: 0 }).get('a'))
  expect(subject.requests).toHaveLength(1)
})

test('stopping an upload without its id does not stop all uploads', async () => {
  const upload = client.multipartUpload('a', random(PART), { progress() {} })
  expect(await rejection(client.abortMultipartUpload('a', ''))).toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
  expect(() => client.cancel({ name: 'a', uploadId: undefined as never })).toThrow(
    code('ERR_CSE_INVALID_ARGUMENT'),
  )
  await upload
})

test('the internal methods of ali-oss that send parts are refused', async () => {
  for (const name of ['_uploadPart', '_resumeMultipart', '_resumeMultipartCopy']) {
    const error = await rejection((Reflect.get(client, name) as () => Promise<unknown>).call(client))
    expect(error).toEqual(code('ERR_CSE_OPERATION_REFUSED'))
  }
})

test('content that changes during the upload is stored as it was at the start', async () => {
  const content = random(3 * PART)
  const before = Buffer.from(content)
  const progress = () => {
    content.fill(0, PART)
  }
  await client.multipartUpload('a', content, { partSize: PART, parallel: 1, progress })
  expect((await client.get('a')).content).toEqual(before)
})

test('a file that changes before a part is sent sends nothing of that part', async () => {
  const path = subject.path('in')
  await writeFile(path, random(3 * PART))
  let changed = false
  const upload = client.multipartUpload('a', path, {
    partSize: PART,
    parallel: 1,
    async progress(_, checkpoint) {
      if (changed || checkpoint?.doneParts.length !== 1) return
      changed = true
      await writeFile(path, random(3 * PART))
    },
  })
  expect(await rejection(upload)).toEqual(code('ERR_CSE_SOURCE_CHANGED'))
  expect(subject.requests.filter((request) => request.includes('partNumber=')).length).toBeLessThanOrEqual(2)
  expect(await rejection(client.head('a'))).toMatchObject({ code: 'NoSuchKey' })
})
