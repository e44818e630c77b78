import { inspect } from 'node:util'
import { CseError } from '@oss-cse/crypto-core'
import OSS from 'ali-oss'
import { expect, it, vi } from 'vitest'
import {
  bodyOf,
  errorXml,
  fakeServer,
  readRequest,
  rejection,
  SECRETS,
  transportOnto,
} from '../../test/fake-server.ts'
import { type OssClient, OssTransport, type OssTransportOptions } from '../index.ts'

const PLACE = { bucket: 'my-bucket', region: 'cn-hangzhou' }
const GOOD = { ...PLACE, accessKeyId: 'id', accessKeySecret: 'secret' }
const credentials = { getCredential: async () => GOOD }

const client = new OSS({ ...GOOD, region: 'oss-cn-hangzhou' })
const CONTRADICTIONS: readonly [string, object, RegExp][] = [
  ['no bucket', { ...GOOD, bucket: undefined }, /`bucket`/],
  ['a bad bucket', { ...GOOD, bucket: 'A' }, /`bucket`/],
  ['no region', { ...GOOD, region: undefined }, /`region`/],
  ['no key id', { ...GOOD, accessKeyId: '' }, /`accessKeyId`/],
  ['no secret', { ...GOOD, accessKeySecret: undefined }, /`accessKeySecret`/],
  ['an empty token', { ...GOOD, securityToken: '' }, /`securityToken`/],
  ['no credentials at all', PLACE, /`accessKeyId` and `accessKeySecret`, or `credentials`/],
  ['an access key and credentials', { ...GOOD, credentials }, /`accessKeyId`, `accessKeySecret`/],
  ['a token and credentials', { ...PLACE, credentials, securityToken: 'secret' }, /`securityToken`/],
  ['credentials without getCredential', { ...PLACE, credentials: GOOD }, /getCredential\(\)/],
  ['credentials of null', { ...PLACE, credentials: null }, /getCredential\(\)/],
  ['a path in the endpoint', { ...GOOD, endpoint: 'https://a.b/c' }, /endpoint/],
  ['another protocol', { ...GOOD, endpoint: 'ftp://a.b' }, /endpoint/],
  ['an endpoint that ali-oss does not accept', { ...GOOD, endpoint: 'http://a~b.example.com' }, /`endpoint`/],
  ['a contradictory secure', { ...GOOD, endpoint: 'http://a.b', secure: true }, /secure/],
  ['virtual addressing of an IP', { ...GOOD, endpoint: 'http://127.0.0.1', addressing: 'virtual' }, /"path"/],
  ['the bucket twice', { ...GOOD, endpoint: 'https://my-bucket.oss-cn-hangzhou.aliyuncs.com' }, /bucket/],
  ['a cname without an endpoint', { ...GOOD, addressing: 'cname' }, /endpoint/],
  ['unknown addressing', { ...GOOD, addressing: 'other' }, /addressing/],
  ['an unknown signature', { ...GOOD, signature: 'v2' }, /signature/],
  ['a timeout of 0', { ...GOOD, idleTimeoutMs: 0 }, /idleTimeoutMs/],
  ['a timeout longer than a timer allows', { ...GOOD, idleTimeoutMs: 2 ** 31 }, /idleTimeoutMs/],
  ['a client and other options', { client, region: 'cn-hangzhou' }, /`region`/],
  ['a client and credentials', { client, credentials }, /`credentials`/],
  ['a client that is not one of ali-oss', { client: {} }, /ali-oss/],
  ['a client without a bucket', { client: new OSS({ accessKeyId: 'a', accessKeySecret: 'b' }) }, /bucket/],
  [
    'a client with its own urllib',
    { client: new OSS({ ...GOOD, urllib: { request() {} } } as unknown as OSS.Options) },
    /urllib/,
  ],
]

it.each(CONTRADICTIONS)(
  'the constructor refuses options with %s and names the remedy',
  (_, options, message) => {
    let error: unknown
    try {
      new OssTransport(options as OssTransportOptions)
    } catch (thrown) {
      error = thrown
    }
    expect(CseError.isInstance(error) && error.code).toBe('ERR_CSE_INVALID_ARGUMENT')
    expect(String(error)).toMatch(message)
    expect(inspect(error, { depth: 10 })).not.toContain('secret')
  },
)

it('a client with the type of @types/ali-oss is accepted, and its bucket is that of the transport', () => {
  const structural: OssClient = client
  expect(new OssTransport({ client: structural }).bucket).toBe('my-bucket')
})

it.each([
  ['an IP address', {}, '/my-bucket/a.txt', /^127\.0\.0\.1:\d+$/],
  ['localhost', { host: 'localhost' }, '/my-bucket/a.txt', /^localhost:\d+$/],
  ['a domain of its own', { host: 'localhost', addressing: 'cname' }, '/a.txt', /^localhost:\d+$/],
])(
  'the bucket is addressed by the option, or else by the kind of endpoint: %s',
  async (_, { host, ...options }: { host?: string; addressing?: string }, url, hostHeader) => {
    const server = await fakeServer((_, response) => response.end())
    const transport = new OssTransport({
      ...GOOD,
      endpoint: `http://${host ?? '127.0.0.1'}:${server.port}`,
      ...(options as { addressing?: 'cname' }),
    })
    await transport.head({ key: 'a.txt', headers: {} })
    expect(server.seen[0]?.url).toBe(url)
    expect(server.seen[0]?.headers.host).toMatch(hostHeader)
  },
)

it('the bucket is put in front of a domain', async () => {
  const transport = new OssTransport({ ...GOOD, endpoint: 'http://oss.invalid' })
  expect(await rejection(transport.head({ key: 'a', headers: {} }))).toMatchObject({
    code: 'ERR_CSE_NETWORK',
    retryable: true,
    cause: { hostname: 'my-bucket.oss.invalid' },
  })
})

it('requests are signed with V4 for the region, or with V1 if requested', async () => {
  const server = await fakeServer((_, response) => response.end())
  const options = { ...GOOD, region: 'cn-shanghai', endpoint: server.endpoint }
  await new OssTransport(options).head({ key: 'a', headers: {} })
  await new OssTransport({ ...options, signature: 'v1' }).head({ key: 'a', headers: {} })
  expect(server.seen[0]?.headers.authorization).toMatch(
    /^OSS4-HMAC-SHA256 Credential=id\/\d{8}\/cn-shanghai\/oss\/aliyun_v4_request,/,
  )
  expect(server.seen[1]?.headers.authorization).toMatch(/^OSS id:/)
})

it('secrets appear neither in the inspected transport nor in any error', async () => {
  const server = await fakeServer(async (request, response) => {
    await readRequest(request)
    if (request.url?.endsWith('/cut')) response.destroy()
    else response.writeHead(403).end(errorXml('SignatureDoesNotMatch'))
  })
  const warn = vi.spyOn(console, 'warn')
  const transport = transportOnto(server)
  const shown = [inspect(transport, { depth: 20, showHidden: true }), JSON.stringify(transport)]
  for (const key of ['cut', 'denied']) {
    for (const call of [
      () => transport.put({ key, headers: {}, body: bodyOf([Buffer.from('plaintext')], 9) }),
      () => transport.get({ key, headers: {} }),
      () => transport.head({ key, headers: {} }),
    ]) {
      const error = await rejection(call())
      shown.push(inspect(error, { depth: 20, showHidden: true }))
    }
  }
  for (const text of shown) {
    for (const secret of [...Object.values(SECRETS), 'OSS4-HMAC', 'plaintext'])
      expect(text).not.toContain(secret)
  }
  expect(warn).not.toHaveBeenCalled()
  warn.mockRestore()
})
