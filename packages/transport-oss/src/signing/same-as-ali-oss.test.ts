import { Agent, type ClientRequest, createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { parse } from 'node:url'
import OSS from 'ali-oss'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { bodyOf, errorXml, readAll } from '../../test/fake-server.ts'
import { xmlDocuments } from '../../test/xml-documents.ts'
import { OssTransport } from '../index.ts'

/** A request as it arrived, and where it was sent. */
interface Recorded {
  readonly host: unknown
  readonly port: unknown
  readonly secure: boolean
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: readonly string[]
  readonly body: string
}

let server: Server
/** The next response. */
let next: Pick<Plan, 'status' | 'document'>
const arrived: Omit<Recorded, 'host' | 'port' | 'secure'>[] = []

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const body = await readAll(request as AsyncIterable<Uint8Array>)
    const { method, url, rawHeaders } = request
    arrived.push({ method, url, headers: rawHeaders, body: body.toString('latin1') })
    response.sendDate = false
    response.writeHead(next.status, { 'x-oss-request-id': 'R', etag: '"E"' }).end(next.document)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => {
  server.close()
  server.closeAllConnections()
})

// Both requests of a pair have the same time.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-29T14:05:53.678Z') })
  return () => vi.useRealTimers()
})

/** Connects to the recording server, whatever the host and the protocol, and keeps where the last request went. */
class RecordingAgent extends Agent {
  last: Pick<Recorded, 'host' | 'port' | 'secure'> | undefined
  readonly secure: boolean

  constructor(secure: boolean) {
    super({ keepAlive: true })
    this.secure = secure
    if (secure) Object.assign(this, { protocol: 'https:', defaultPort: 443 })
  }

  override createConnection(): Socket {
    return connect((server.address() as AddressInfo).port, '127.0.0.1')
  }

  addRequest(request: ClientRequest, options: { host?: string; port?: number }): void {
    this.last = { host: options.host, port: Number(options.port), secure: this.secure }
    const { addRequest } = Agent.prototype as unknown as { addRequest(...given: unknown[]): void }
    addRequest.call(this, request, options)
  }
}

const agents = { agent: new RecordingAgent(false), httpsAgent: new RecordingAgent(true) }
afterAll(() => {
  agents.agent.destroy()
  agents.httpsAgent.destroy()
})

interface Plan {
  readonly options: object
  /** Options that the app changes after it made the client. */
  readonly later: object
  readonly call: (typeof CALLS)[number]
  readonly key: string
  readonly headers: Readonly<Record<string, string>>
  readonly versionId: string | undefined
  readonly uploadId: string
  readonly partNumber: number
  readonly parts: readonly { readonly partNumber: number; readonly etag: string }[]
  readonly status: number
  /** The body of the response. */
  readonly document: string
}

async function perform(transport: OssTransport, plan: Plan): Promise<unknown> {
  const { call, key, headers, versionId, uploadId, partNumber, parts } = plan
  const { 'Content-MD5': _digest, ...others } = headers
  const bytes = new Uint8Array([1, 2, 3])
  if (call === 'put') return transport.put({ key, headers, body: bodyOf([bytes], 3) })
  if (call === 'put of nothing') return transport.put({ key, headers: others, body: bodyOf([], 0) })
  if (call === 'put without a length') return transport.put({ key, headers, body: bodyOf([bytes]) })
  if (call === 'head') return transport.head({ key, headers, versionId })
  if (call === 'get') return readAll((await transport.get({ key, headers, versionId })).body)
  if (call === 'initiate') return transport.initiate({ key, headers })
  if (call === 'complete') return transport.complete({ key, uploadId, parts, headers })
  if (call === 'abort') return transport.abort({ key, uploadId, headers })
  return transport.uploadPart({ key, headers, uploadId, partNumber, body: bodyOf([bytes], 3) })
}

/** Returns the request that a call sent, and its result or its error. */
async function outcome(client: OSS, plan: Plan): Promise<unknown> {
  arrived.length = 0
  next = plan
  for (const agent of Object.values(agents)) agent.last = undefined
  let result: unknown
  try {
    result = await perform(new OssTransport({ client }), plan)
  } catch (error) {
    const { code, message, cause } = error as Error & { code?: string }
    return { code, message, cause: String(cause), sent: [...arrived] }
  }
  expect(arrived).toHaveLength(1)
  return { result, ...arrived[0], ...(agents.agent.last ?? agents.httpsAgent.last) }
}

function clientOf({ options, later }: Plan): OSS {
  const client = new OSS({
    bucket: 'my-bucket',
    accessKeyId: ' id ',
    accessKeySecret: 'secret',
    // Without it, ali-oss prints advice.
    refreshSTSTokenInterval: 1,
    ...agents,
    ...options,
  } as OSS.Options)
  Object.assign((client as unknown as { options: object }).options, later)
  return client
}

/** A view of the client whose requests ali-oss sends, because one of its methods was replaced. */
function customised(client: OSS): OSS {
  return Object.create(client, { signature: { value: () => '' } })
}

const options = fc.record(
  {
    region: fc.constantFrom('oss-cn-hangzhou', 'cn-beijing', 'oss-OSS-x_1', 'vpc100-oss-cn-shenzhen'),
    endpoint: fc.constantFrom(
      'http://127.0.0.1:8080',
      'http://LocalHost:80',
      'https://oss.example.com',
      'oss.example.com',
      '010.1.1.1',
      'http://a_b.example.com:65535/ignored/path',
    ),
    secure: fc.boolean(),
    internal: fc.boolean(),
    cname: fc.boolean(),
    sldEnable: fc.boolean(),
    isRequestPay: fc.boolean(),
    authorizationV4: fc.boolean(),
    cloudBoxId: fc.constantFrom(undefined, 'cb-1', ''),
    headerEncoding: fc.constantFrom('utf-8', 'latin1', undefined),
    amendTimeSkewed: fc.constantFrom(0, 1_234, -3_600_000),
    stsToken: fc.constantFrom('token', undefined, ''),
    timeout: fc.constantFrom(1, '60s'),
    retryMax: fc.constantFrom(0, 2),
  },
  { requiredKeys: [] },
)
/** Also values that ali-oss does not document. */
const later = fc.record(
  {
    endpoint: fc.constantFrom(
      parse('https://other.example.com:8443'),
      parse('http://other.example.com/?query'),
      parse('http://user:password@other.example.com'),
      'http://a.text.example.com',
      null,
    ),
    region: fc.constantFrom('oss-us-west-1', 'a b', null),
    cloudBoxId: fc.constantFrom(null, 7),
    headerEncoding: fc.constantFrom('hex', 'utf8'),
    amendTimeSkewed: fc.constantFrom('1', true),
    stsToken: fc.constantFrom(7, 'other'),
    accessKeyId: fc.constantFrom('other', 7),
    accessKeySecret: fc.constantFrom('other', null),
  },
  { requiredKeys: [] },
)
const part = fc.constantFrom(
  ...[
    'a',
    'Z',
    '0',
    '/',
    ' ',
    '+',
    '%',
    '%41',
    '~',
    "'",
    '(',
    ')',
    '*',
    '!',
    '?',
    '#',
    '&',
    '=',
    ':',
    ';',
    '@',
  ],
  ...[
    '\\',
    '"',
    '<',
    '[',
    '^',
    '|',
    '`',
    '{',
    '$',
    ',',
    '\n',
    '\u0000',
    '\u007f',
    'ä',
    'A\u030a',
    '文',
    '😀',
  ],
  ...['.txt', '.JPG', '.tar.gz', '.', '...', '.unknown', '.html/'],
)
const text = fc.array(part, { minLength: 1, maxLength: 8 }).map((parts) => parts.join(''))
const key = text.map((name) => `k${name}`)
/** Ids that the service makes are ASCII. ali-oss signs others wrongly with version 1 and `latin1`. */
const id = text.map((name) => name.replaceAll(/[^\0-\x7f]/gu, 'x'))
const headers = fc
  .dictionary(
    fc.constantFrom(
      ...[
        'content-type',
        'Content-MD5',
        'cache-control',
        'content-disposition',
        'range',
        'if-match',
        'User-Agent',
      ],
      ...[
        'x-oss-meta-a',
        'X-Oss-Meta-A-b',
        'x-oss-request-payer',
        'x-oss-storage-class',
        'x-oss-forbid-overwrite',
      ],
      ...['x-oss-server-side-encryption', 'x-oss-callback'],
    ),
    fc.constantFrom('', 'a', ' a  b ', 'text/plain; charset=utf-8', '\ta', 'a,b'),
  )
  .map((fields) =>
    // Version 1 of ali-oss signs the white space around these two, which the service refuses.
    Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [name, /^content-/i.test(name) ? value.trim() : value]),
    ),
  )
const partNumber = fc.integer({ min: 1, max: 10_000 })
const latin1Headers = fc.dictionary(fc.constantFrom('content-disposition', 'x-other'), fc.constant('é ÿ'))
const document = fc.oneof(
  { weight: 3, arbitrary: xmlDocuments('InitiateMultipartUploadResult', 'CompleteMultipartUploadResult') },
  xmlDocuments('Error', 'InitiateMultipartUpload'),
  fc.constantFrom('', '{"Status":"OK"}', '{', errorXml('InternalError')),
)
const CALLS = [
  ...(['put', 'put of nothing', 'put without a length', 'get', 'head'] as const),
  ...(['initiate', 'uploadPart', 'complete', 'abort'] as const),
]
const plan: fc.Arbitrary<Plan> = fc.record({
  options,
  later: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, later),
  call: fc.constantFrom(...CALLS),
  key,
  headers: fc.tuple(headers, latin1Headers).map(([ascii, latin1]) => ({ ...latin1, ...ascii })),
  versionId: fc.option(fc.oneof(id, fc.constant('')), { nil: undefined }),
  uploadId: id,
  partNumber,
  parts: fc.uniqueArray(
    fc.record({ partNumber, etag: fc.constantFrom('"5D41402ABC4B2A76B9719D911017C592"', '"é"', "'") }),
    { minLength: 1, maxLength: 12, selector: (part) => part.partNumber },
  ),
  document,
  status: fc.constantFrom(200, 200, 200, 201, 203, 204, 206, 304, 404, 500),
})

test('a request is the one that ali-oss sends, and has the same outcome, for any options of the client', async () => {
  await fc.assert(
    fc.asyncProperty(plan, async (plan) => {
      const client = clientOf(plan)
      expect(await outcome(client, plan)).toEqual(await outcome(customised(client), plan))
    }),
    { numRuns: 200 },
  )
})

const PLAN: Plan = {
  options: { authorizationV4: true },
  later: {},
  call: 'head',
  key: 'a.txt',
  headers: {},
  versionId: undefined,
  uploadId: 'u',
  partNumber: 1,
  parts: [{ partNumber: 1, etag: '"P"' }],
  status: 200,
  document: '',
}
/** What the service responds to a call, where that is not an empty body with status 200. */
const RESPONSES: Partial<Record<Plan['call'], Partial<Plan>>> = {
  initiate: {
    document:
      '<InitiateMultipartUploadResult><UploadId>u</UploadId><Key>a.txt</Key></InitiateMultipartUploadResult>',
  },
  complete: { document: '<CompleteMultipartUploadResult><Key>a.txt</Key></CompleteMultipartUploadResult>' },
  abort: { status: 204 },
}

/** Counts the requests that ali-oss makes. */
function watchAliOss() {
  const request = vi.spyOn(OSS.prototype as unknown as { request(): unknown }, 'request')
  onTestFinished(() => request.mockRestore())
  return request
}

/** The headers of the request that a call of this client sent. */
async function headersOf(client: OSS, plan: Partial<Plan> = {}): Promise<Record<string, string>> {
  const { headers } = (await outcome(client, { ...PLAN, ...plan })) as Recorded
  const pairs = Array.from({ length: headers.length / 2 }, (_, i) => headers.slice(2 * i, 2 * i + 2))
  return Object.fromEntries(pairs)
}

describe.each(CALLS)('%s', (call) => {
  const successful: Plan = { ...PLAN, call, ...RESPONSES[call] }

  test('does without ali-oss', async () => {
    const request = watchAliOss()
    expect(await outcome(clientOf(PLAN), successful)).not.toHaveProperty('code')
    expect(request).not.toHaveBeenCalled()
  })

  test.each([
    ['a method of the client was replaced', customised],
    [
      'a subclass overrides a method',
      (client: OSS) =>
        Object.setPrototypeOf(
          client,
          class extends OSS {
            authorization() {}
          }.prototype,
        ) as OSS,
    ],
  ])('goes through ali-oss if %s', async (_, custom) => {
    const request = watchAliOss()
    await outcome(custom(clientOf(PLAN)), successful)
    expect(request).toHaveBeenCalledTimes(1)
  })
})

test.each([
  'authorization',
  'authorizationV4',
  'head',
  'request',
  'signature',
  '_escape',
  '_getResource',
  '_objectName',
  '_objectRequestParams',
])('a client with its own %s sends through ali-oss', async (method) => {
  const request = watchAliOss()
  const client = clientOf(PLAN)
  const original = Reflect.get(client, method) as (...given: unknown[]) => unknown
  const own = vi.fn(function (this: unknown, ...given: unknown[]) {
    return original.apply(this, given)
  })
  Object.assign(client, { [method]: own })
  await outcome(client, PLAN)
  expect(request.mock.calls.length + own.mock.calls.length).toBeGreaterThan(0)
})

test.each([
  ['initMultipartUpload', 'initiate'],
  ['parseXML', 'initiate'],
  ['completeMultipartUpload', 'complete'],
  ['abortMultipartUpload', 'abort'],
] as const)('a client with its own %s uses it to %s', async (method, call) => {
  const client = clientOf(PLAN)
  const own = vi.fn(Reflect.get(client, method) as () => unknown)
  Object.assign(client, { [method]: own })
  await outcome(client, { ...PLAN, call, ...RESPONSES[call] })
  expect(own).toHaveBeenCalledTimes(1)
})

test('a document that is not flat is parsed by ali-oss, and the request is sent once', async () => {
  const request = watchAliOss()
  const document =
    '<InitiateMultipartUploadResult><UploadId><!-- c --><![CDATA[u]]>&#65;</UploadId></InitiateMultipartUploadResult>'
  const initiated = await outcome(clientOf(PLAN), { ...PLAN, call: 'initiate', document })
  expect(initiated).toMatchObject({ result: { uploadId: 'uA' } })
  expect(request).toHaveBeenCalledTimes(1)
})

test.each([
  ['initiate', 'no upload id', '<InitiateMultipartUploadResult><Key>a</Key></InitiateMultipartUploadResult>'],
  [
    'initiate',
    'no upload id',
    '<InitiateMultipartUploadResult><UploadId></UploadId></InitiateMultipartUploadResult>',
  ],
  ['initiate', 'no readable document', '<InitiateMultipartUploadResult><UploadId>u</UploadId>'],
  ['complete', 'no readable document', '<CompleteMultipartUploadResult><Key>a</Key>'],
] as const)('%s rejects because the response has %s: %s', async (call, problem, document) => {
  expect(await outcome(clientOf(PLAN), { ...PLAN, call, document })).toMatchObject({
    code: 'ERR_CSE_SERVICE',
    message: expect.stringContaining(problem),
  })
})

test('a method that is replaced later is used from then on', async () => {
  const client = clientOf(PLAN)
  const transport = new OssTransport({ client })
  await transport.head({ key: 'a', headers: {} })
  Object.assign(client, { authorizationV4: () => 'mine' })
  arrived.length = 0
  await transport.head({ key: 'a', headers: {} })
  expect(arrived[0]?.headers).toContain('mine')
})

test('options that are changed later apply to the next request', async () => {
  const client = clientOf(PLAN)
  expect(await headersOf(client)).toMatchObject({ Host: 'my-bucket.oss-cn-hangzhou.aliyuncs.com' })
  Object.assign((client as unknown as { options: object }).options, {
    endpoint: parse('http://other.example.com:81'),
    accessKeyId: 'renewed',
    isRequestPay: true,
  })
  const changed = await headersOf(client)
  expect(changed).toMatchObject({
    Host: 'my-bucket.other.example.com:81',
    'x-oss-request-payer': 'requester',
  })
  expect(changed['authorization']).toContain('Credential=renewed/')
})

test('a header named constructor is sent. ali-oss loses it', async () => {
  const client = clientOf(PLAN)
  const headers = { constructor: 'a' }
  expect(Object.keys(await headersOf(client, { headers }))).toContain('constructor')
  expect(Object.keys(await headersOf(customised(client), { headers }))).not.toContain('constructor')
})

test('the digest of an empty body is that of the caller, so that the service checks it', async () => {
  const transport = new OssTransport({ client: clientOf(PLAN) })
  arrived.length = 0
  await transport.put({ key: 'a', headers: { 'content-md5': 'AAAA' }, body: bodyOf([], 0) })
  expect(arrived[0]?.headers).toContain('AAAA')
})
