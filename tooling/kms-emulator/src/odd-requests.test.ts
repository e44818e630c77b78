import { createConnection } from 'node:net'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type KmsEmulator, startKmsEmulator } from './kms-emulator.ts'
import { acs3Call, rpcCall, succeed } from './testing/signed-call.ts'

/** The number of requests. Set `ODD_REQUESTS` for more. */
const COUNT = Number(process.env['ODD_REQUESTS'] ?? 300)
const RUN = { seed: 13, numRuns: Math.ceil(COUNT / 3), endOnFailure: true }

const ACTIONS = [
  ...['CancelKeyDeletion', 'CreateAlias', 'CreateKey', 'Decrypt', 'DeleteAlias', 'DescribeKey', 'DisableKey'],
  ...['EnableKey', 'Encrypt', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext', 'ListKeys', 'ReEncrypt'],
  ...['ScheduleKeyDeletion', 'constructor', '__proto__', 'toString', '', 'GetSecretValue'],
]
const PARAMETERS = [
  ...['KeyId', 'Plaintext', 'CiphertextBlob', 'EncryptionContext', 'NumberOfBytes', 'KeySpec', 'AliasName'],
  ...['Description', 'ProtectionLevel', 'PageNumber', 'PageSize', 'PendingWindowInDays', 'DestinationKeyId'],
  ...[
    'SourceEncryptionContext',
    'DestinationEncryptionContext',
    'Origin',
    'KeyUsage',
    'Format',
    '__proto__',
    'ü',
  ],
]
const HEADERS = [
  ...['Host', 'Authorization', 'Content-Type', 'Accept', 'X-Acs-Action', 'X-Acs-Version', 'X-Acs-Date'],
  ...['X-Acs-Signature-Nonce', 'X-Acs-Content-Sha256', 'X-Acs-Security-Token', 'Content-Encoding', 'Expect'],
  ...['Range', 'Upgrade', '__proto__', 'constructor'],
]

let emulator: KmsEmulator
let blob: string
const warnings: string[] = []
const onWarning = (warning: Error): void => void warnings.push(warning.message)

beforeAll(async () => {
  emulator = await startKmsEmulator({ securityToken: 'the security token' })
  process.on('warning', onWarning)
  blob = (await call('Encrypt', { KeyId: emulator.keyId, Plaintext: 'cA==' }))['CiphertextBlob'] ?? ''
})
afterAll(async () => {
  process.off('warning', onWarning)
  await emulator.close()
})
beforeEach(() => {
  warnings.length = 0
})
// An error of an operation that is not a refusal causes a warning and a response with status 500.
afterEach(() => expect(warnings).toEqual([]))

const call = (action: string, parameters: Record<string, string>) =>
  succeed(rpcCall(emulator, action, parameters, { securityToken: 'the security token' }))

const oddText = fc.oneof(
  fc.constantFrom(
    '',
    '0',
    '-1',
    '1e9',
    '32',
    '9'.repeat(400),
    'null',
    '{}',
    '[]',
    '{"a":"b"}',
    '{"__proto__":"x"}',
  ),
  fc.constantFrom(
    '{"a":{"b":1}}',
    '['.repeat(8000),
    '%',
    '%00',
    '%ff%fe',
    'alias/x',
    'alias/',
    'key/',
    'acs:kms:::',
    '\0',
  ),
  fc.constantFrom(
    'AES_128',
    'HSM',
    'json',
    'XML',
    'A'.repeat(7000),
    'QUFB'.repeat(500),
    '\ud83d',
    '\u202e',
    '<a>&amp;]]>',
  ),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.base64String({ maxLength: 120 }),
  // Computed when a request is made.
  fc.constantFrom('the key', 'the blob', 'the blob, altered', 'the blob, cut'),
)

/** Replaces a placeholder by the value that it names. */
function meant(text: string): string {
  if (text === 'the key') return emulator.keyId
  if (text === 'the blob') return blob
  if (text === 'the blob, altered') return `${blob.slice(0, -8)}AAAA${blob.slice(-4)}`
  return text === 'the blob, cut' ? blob.slice(0, 40) : Buffer.from(text).toString()
}

const parameters = fc
  .array(fc.tuple(fc.constantFrom(...PARAMETERS), oddText), { maxLength: 6 })
  .map(
    (pairs) => (): Record<string, string> =>
      Object.fromEntries(pairs.map(([name, text]) => [name, meant(text)])),
  )

/** Checks a response: a refusal has a code and a request id, and there is no secret and no internal failure. */
function judge(status: number, text: string, contentType = ''): void {
  expect(status).not.toBe(500)
  for (const secret of [emulator.accessKeySecret, 'the security token']) expect(text).not.toContain(secret)
  if (contentType.startsWith('application/json')) {
    const fields = JSON.parse(text) as Record<string, unknown>
    expect(fields['RequestId']).toMatch(/^[0-9A-F-]{36}$/)
    if (status !== 200)
      expect(fields).toMatchObject({ Code: expect.any(String), Message: expect.any(String) })
  } else if (contentType.startsWith('text/xml')) {
    expect(text).toMatch(/^<\?xml [^>]+\?><(\w+)>.*<RequestId>[0-9A-F-]{36}<\/RequestId>.*<\/\1>$/s)
  } else {
    // A request that is not HTTP, or too long, is refused only by its status.
    expect([status >= 400 && status < 500, text]).toEqual([true, ''])
  }
}

test('signed requests with odd parameters, of both generations, get a success or a refusal', async () => {
  const requests = fc.record({
    generation: fc.constantFrom(rpcCall, acs3Call),
    action: fc.constantFrom(...ACTIONS),
    parameters,
    form: fc.boolean(),
    method: fc.constantFrom('POST', 'GET', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'),
    now: fc.constantFrom(undefined, new Date(0), new Date(8.64e15)),
    tamper: fc.constantFrom(
      undefined,
      { parameters: { KeyId: 'x' } },
      { headers: { 'x-acs-action': 'Encrypt' } },
    ),
    token: fc.constantFrom('the security token', 'another', undefined),
  })
  await fc.assert(
    fc.asyncProperty(requests, async ({ generation, action, token, now, tamper, ...request }) => {
      const response = await generation(emulator, action, request.parameters(), {
        method: request.method,
        form: request.form,
        ...(now !== undefined && { now }),
        ...(tamper !== undefined && { tamper }),
        ...(token !== undefined && { securityToken: token }),
      })
      judge(response.status, response.text, response.headers['content-type'])
    }),
    RUN,
  )
})

/** Sends bytes, and reads until the connection ends. */
function exchange(bytes: Uint8Array | string): Promise<string> {
  return new Promise((resolve) => {
    let received = ''
    const socket = createConnection(emulator.port, '127.0.0.1', () => socket.end(bytes))
    socket.setEncoding('latin1')
    socket.on('data', (text) => {
      received += text
    })
    // A server that refuses a request may reset the connection without reading the rest.
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(received))
  })
}

/** Checks each response. The bytes after the announced length of a body are a separate request. */
function judgeRaw(received: string): void {
  const responses = received
    .split(/(?=HTTP\/1\.1 \d{3} )/)
    .filter((response) => !response.startsWith('HTTP/1.1 100 '))
  expect(responses).not.toEqual([''])
  for (const response of responses) {
    const [, head = '', body = ''] = /^(HTTP\/1\.1 \d{3}.*?)\r\n\r\n(.*)$/s.exec(response) ?? []
    const contentType = /\r\ncontent-type: ([^\r]*)/i.exec(head)?.[1]
    // The second is an empty body in chunks.
    const text = Buffer.from(body === '0\r\n\r\n' ? '' : body, 'latin1').toString()
    judge(Number(head.slice(9, 12)), text, contentType)
  }
}

const headerText = fc.oneof(
  fc.constantFrom(
    '',
    'application/x-www-form-urlencoded',
    'ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=b',
  ),
  fc.constantFrom(
    'ACS3-HMAC-SHA256 ',
    'Basic YTpi',
    'application/json',
    'text/xml',
    'a'.repeat(20_000),
    '100-continue',
  ),
  fc.string({ unit: 'grapheme-ascii', maxLength: 40 }),
)

test('unsigned requests with odd methods, targets, headers and bodies get a refusal', async () => {
  const requests = fc.record({
    method: fc.constantFrom('GET', 'POST', 'PUT', 'HEAD', 'TRACE', 'PROPFIND', 'M-SEARCH', 'get', 'FOO'),
    target: fc.constantFrom(
      '/',
      '*',
      '//',
      '/?',
      '/?Action',
      '/?%',
      '/?a=%ff&&&=',
      'http://x/?Action=Decrypt',
      '/..',
      '?',
      'a:b',
    ),
    query: fc.array(
      fc.tuple(fc.constantFrom(...PARAMETERS, 'Action', 'Signature', 'AccessKeyId', 'Timestamp'), oddText),
    ),
    headers: fc.array(fc.tuple(fc.constantFrom(...HEADERS), headerText), { maxLength: 6 }),
    body: fc.oneof(fc.constant(''), oddText, fc.constant('a=b&'.repeat(1000))),
    sizeError: fc.constantFrom(0, 0, 0, -1, 5),
  })
  await fc.assert(
    fc.asyncProperty(requests, async ({ method, target, query, headers, body, sizeError }) => {
      const pairs = query.map(([name, text]) => `${name}=${encodeURIComponent(meant(text))}`).join('&')
      const content = Buffer.from(meant(body))
      const lines = [
        `${method} ${target}${target.includes('?') ? `&${pairs}` : ''} HTTP/1.1`,
        'Connection: close',
        ...headers.map(([name, value]) => `${name}: ${value}`),
        `Content-Length: ${Math.max(0, content.length + sizeError)}`,
      ]
      const received = await exchange(
        Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), content]),
      )
      // The response to HEAD only announces a body.
      if (method === 'HEAD') expect(received).toMatch(/^HTTP\/1\.1 [1-4]\d\d /)
      else judgeRaw(received)
    }),
    RUN,
  )
})

test('bytes that are not a request get a refusal', async () => {
  const bytes = fc.oneof(
    // HTTP ignores line breaks before a request.
    fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from([1, ...array])),
    fc.constantFrom(
      Buffer.from('\x16\x03\x01\x02\x00\x01\x00'),
      Buffer.from(`GET /${'a'.repeat(300_000)} HTTP/1.1\r\n\r\n`),
      Buffer.from(
        'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      ),
      Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n'),
      Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n'),
      Buffer.from('GET / HTTP/9.9\r\n\r\n'),
      Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n'),
      Buffer.from(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n${'a'.repeat(3_000_000)}`),
    ),
  )
  await fc.assert(
    fc.asyncProperty(bytes, async (sent) => judgeRaw(await exchange(sent))),
    RUN,
  )
})

test('a valid request still succeeds afterwards', async () => {
  const { KeyId = '' } = await call('CreateKey', {}).then(
    ({ KeyMetadata }) => KeyMetadata as unknown as Record<string, string>,
  )
  const { CiphertextBlob = '', Plaintext } = await call('GenerateDataKey', { KeyId })
  expect((await call('Decrypt', { CiphertextBlob }))['Plaintext']).toBe(Plaintext)
})
