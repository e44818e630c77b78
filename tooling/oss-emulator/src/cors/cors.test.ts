import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../emulator.ts'
import { aliOssClient } from '../testing/ali-oss-client.ts'
import { md5Hex, type RawResponse, rawRequest, signedRequest } from '../testing/signed-request.ts'

const ORIGIN = 'https://app.example'
const TWO_RULES = `<CORSConfiguration>
  <CORSRule>
    <AllowedOrigin>https://app.example</AllowedOrigin>
    <AllowedOrigin>https://*.app.example</AllowedOrigin>
    <AllowedMethod>GET</AllowedMethod>
    <AllowedMethod>HEAD</AllowedMethod>
    <AllowedHeader>x-oss-*</AllowedHeader>
    <AllowedHeader>Authorization</AllowedHeader>
    <ExposeHeader>ETag</ExposeHeader>
    <ExposeHeader>x-oss-request-id</ExposeHeader>
    <MaxAgeSeconds>60</MaxAgeSeconds>
  </CORSRule>
  <CORSRule>
    <AllowedOrigin>*</AllowedOrigin>
    <AllowedMethod>PUT</AllowedMethod>
  </CORSRule>
</CORSConfiguration>`

let emulator: OssEmulator

beforeAll(async () => {
  emulator = await startOssEmulator({ buckets: ['demo', 'closed'] })
  await emulator.putStoredObject('demo', 'a', { bytes: Buffer.from('x') })
})
afterAll(() => emulator.close())
beforeEach(() => putCors(TWO_RULES))

function putCors(body: string, bucket = 'demo'): Promise<RawResponse> {
  return signedRequest(emulator, { method: 'PUT', bucket, query: 'cors', body })
}

/** The CORS headers of a response. */
function corsOf({ headers }: RawResponse): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name === 'vary' || name.startsWith('access-control-')),
  )
}

function preflight(headers: Record<string, string>, path = '/demo/a'): Promise<RawResponse> {
  return rawRequest(emulator.port, { method: 'OPTIONS', path, headers })
}

const ALLOWED = {
  'access-control-allow-origin': ORIGIN,
  'access-control-allow-methods': 'GET, HEAD',
  'access-control-expose-headers': 'ETag, x-oss-request-id',
  'access-control-max-age': '60',
  vary: 'Origin',
}

describe('the rules of a bucket', () => {
  it('are returned as they were put, and a bucket without rules gets NoSuchCORSConfiguration', async () => {
    const got = await signedRequest(emulator, { query: 'cors' })
    expect(got.status).toBe(200)
    const canonical = TWO_RULES.replace(/>\s+</g, '><').replace(
      '</CORSConfiguration>',
      '<ResponseVary>false</ResponseVary></CORSConfiguration>',
    )
    expect(got.body.toString()).toContain(canonical)
    expect((await signedRequest(emulator, { method: 'DELETE', query: 'cors' })).status).toBe(204)
    const none = await signedRequest(emulator, { query: 'cors' })
    expect([none.status, none.element('Code'), none.headers['x-oss-ec']]).toEqual([
      404,
      'NoSuchCORSConfiguration',
      '0034-00000001',
    ])
  })

  it('are put, read and deleted by ali-oss', async () => {
    const client = aliOssClient(emulator, { authorizationV4: true })
    const rules = [
      {
        allowedOrigin: ORIGIN,
        allowedMethod: 'GET',
        allowedHeader: '*',
        exposeHeader: 'ETag',
        maxAgeSeconds: '5',
      },
    ]
    await client.putBucketCORS('demo', rules)
    expect((await client.getBucketCORS('demo')).rules).toEqual(rules)
    await client.deleteBucketCORS('demo')
    await expect(client.getBucketCORS('demo')).rejects.toMatchObject({ code: 'NoSuchCORSConfiguration' })
  })

  const rule = (elements: string): string =>
    `<CORSConfiguration><CORSRule>${elements}</CORSRule></CORSConfiguration>`
  const GOOD = '<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>'

  it.each([
    ['no rule', '<CORSConfiguration></CORSConfiguration>', 'MalformedXML', '0034-00000002'],
    ['no XML', 'x', 'MalformedXML', undefined],
    ['another root', '<Cors></Cors>', 'MalformedXML', undefined],
    ['no origin', rule('<AllowedMethod>GET</AllowedMethod>'), 'MalformedXML', undefined],
    ['no method', rule('<AllowedOrigin>*</AllowedOrigin>'), 'MalformedXML', undefined],
    [
      'an unknown method',
      rule(`${GOOD}<AllowedMethod>PATCH</AllowedMethod>`),
      'InvalidArgument',
      '0034-00000011',
    ],
    [
      'two stars in an origin',
      rule(`${GOOD}<AllowedOrigin>*.*</AllowedOrigin>`),
      'InvalidArgument',
      undefined,
    ],
    [
      'two stars in a header',
      rule(`${GOOD}<AllowedHeader>*-*</AllowedHeader>`),
      'InvalidArgument',
      undefined,
    ],
    [
      'a star in an exposed header',
      rule(`${GOOD}<ExposeHeader>x-oss-*</ExposeHeader>`),
      'InvalidArgument',
      '0034-00000013',
    ],
    [
      'an exposed header that is no name',
      rule(`${GOOD}<ExposeHeader>x\u0080y</ExposeHeader>`),
      'InvalidArgument',
      '0034-00000013',
    ],
    [
      'an allowed header that is no name',
      rule(`${GOOD}<AllowedHeader>a:b</AllowedHeader>`),
      'InvalidArgument',
      undefined,
    ],
    [
      'an origin beyond ASCII',
      rule(`<AllowedOrigin>http://ü</AllowedOrigin><AllowedMethod>GET</AllowedMethod>`),
      'InvalidArgument',
      undefined,
    ],
    [
      'an age that is no number',
      rule(`${GOOD}<MaxAgeSeconds>1h</MaxAgeSeconds>`),
      'InvalidArgument',
      undefined,
    ],
    [
      '21 rules',
      `<CORSConfiguration>${`<CORSRule>${GOOD}</CORSRule>`.repeat(21)}</CORSConfiguration>`,
      'InvalidArgument',
      undefined,
    ],
    ['more than 16 KB', rule(`${GOOD}<!--${'x'.repeat(16 * 1024)}-->`), 'EntityTooLarge', undefined],
  ])('are refused with %s, and the old rules stay', async (_, body, code, ec) => {
    const response = await putCors(body)
    expect([response.status, response.element('Code'), response.headers['x-oss-ec']]).toEqual([400, code, ec])
    expect((await signedRequest(emulator, { query: 'cors' })).body.toString()).toContain(ORIGIN)
  })

  it('may be 20, each with a star in an origin and in a header', async () => {
    const one = `<CORSRule>${GOOD}<AllowedHeader>*</AllowedHeader></CORSRule>`
    expect((await putCors(`<CORSConfiguration>${one.repeat(20)}</CORSConfiguration>`)).status).toBe(200)
  })
})

describe('a preflight', () => {
  it('is allowed without a signature, by the first rule that matches its origin, method and headers', async () => {
    const response = await preflight({
      origin: ORIGIN,
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'authorization, X-OSS-Date',
    })
    expect([response.status, response.body.length]).toEqual([200, 0])
    expect(corsOf(response)).toEqual({
      ...ALLOWED,
      'access-control-allow-headers': 'authorization, X-OSS-Date',
    })
    const second = await preflight({ origin: ORIGIN, 'access-control-request-method': 'PUT' })
    expect(corsOf(second)).toEqual({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'PUT',
      vary: 'Origin',
    })
  })

  it('is about the bucket: the object need not exist', async () => {
    const headers = { origin: ORIGIN, 'access-control-request-method': 'GET' }
    for (const path of ['/demo/', '/demo/missing', '/demo/a?uploads']) {
      expect((await preflight(headers, path)).status).toBe(200)
    }
    const { status } = await preflight({ ...headers, host: 'demo.oss-cn-hangzhou.aliyuncs.com' }, '/missing')
    expect(status).toBe(200)
  })

  it.each([
    ['of another origin', { origin: 'https://evil.example', 'access-control-request-method': 'GET' }],
    ['of another scheme', { origin: 'http://app.example', 'access-control-request-method': 'GET' }],
    ['for another method', { origin: ORIGIN, 'access-control-request-method': 'DELETE' }],
    [
      'for another header',
      {
        origin: ORIGIN,
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'x-oss-date, x-mine',
      },
    ],
    ['without an origin', { 'access-control-request-method': 'GET' }],
    ['without a method', { origin: ORIGIN }],
  ])('%s is refused with 403 AccessForbidden', async (_, headers) => {
    const response = await preflight(headers as Record<string, string>)
    expect([response.status, response.element('Code'), corsOf(response)]).toEqual([
      403,
      'AccessForbidden',
      {},
    ])
  })

  it('is refused if the bucket has no rules or does not exist', async () => {
    const headers = { origin: ORIGIN, 'access-control-request-method': 'GET' }
    const closed = await preflight(headers, '/closed/a')
    expect([closed.status, closed.element('Code')]).toEqual([403, 'AccessForbidden'])
    const host = 'missing.oss-cn-hangzhou.aliyuncs.com'
    const missing = await preflight({ ...headers, host }, '/a')
    expect([missing.status, missing.element('Code')]).toEqual([404, 'NoSuchBucket'])
  })
})

describe('the CORS headers', () => {
  const etag = `"${md5Hex('x')}"`

  it.each([
    ['200', { key: 'a' }, 200],
    ['a HEAD', { key: 'a', method: 'HEAD' }, 200],
    ['206', { key: 'a', headers: { range: 'bytes=0-0' } }, 206],
    ['304', { key: 'a', headers: { 'if-none-match': etag } }, 304],
    ['404', { key: 'missing' }, 404],
    ['412', { key: 'a', headers: { 'if-match': '"0"' } }, 412],
    ['a wrong signature', { key: 'a', secret: 'wrong' }, 403],
    ['a listing', {}, 200],
  ])('are on each response: %s', async (_, request, status) => {
    const headers = { origin: ORIGIN, ...('headers' in request ? request.headers : {}) }
    const response = await signedRequest(emulator, { ...request, headers })
    expect([response.status, corsOf(response)]).toEqual([status, ALLOWED])
  })

  it.each([
    ['status-503', 503],
    ['status-500', 500],
  ] as const)('are on the response of a fault: %s', async (kind, status) => {
    emulator.injectFault({ kind })
    const response = await signedRequest(emulator, { key: 'a', headers: { origin: ORIGIN } })
    expect([response.status, corsOf(response)]).toEqual([status, ALLOWED])
  })

  it('are on the response to an unsigned request', async () => {
    const response = await rawRequest(emulator.port, { path: '/demo/a', headers: { origin: ORIGIN } })
    expect([response.status, corsOf(response)]).toEqual([403, ALLOWED])
  })

  it('name the origin that a pattern allows', async () => {
    const origin = 'https://a.b.app.example'
    const response = await signedRequest(emulator, { key: 'a', headers: { origin } })
    expect(response.headers['access-control-allow-origin']).toBe(origin)
  })

  it.each([
    ['without an Origin', {}],
    ['for an origin that no rule allows', { origin: 'https://evil.example' }],
  ])('are absent %s', async (_, headers) => {
    const response = await signedRequest(emulator, { key: 'a', headers: headers as Record<string, string> })
    expect([response.status, corsOf(response)]).toEqual([200, {}])
  })

  it('with ResponseVary, each response of the bucket has Vary: Origin', async () => {
    await putCors(
      TWO_RULES.replace('</CORSConfiguration>', '<ResponseVary>true</ResponseVary></CORSConfiguration>'),
    )
    expect(corsOf(await signedRequest(emulator, { key: 'a' }))).toEqual({ vary: 'Origin' })
    expect(corsOf(await preflight({ origin: 'https://evil.example' }))).toEqual({ vary: 'Origin' })
    const allowed = await signedRequest(emulator, { key: 'a', headers: { origin: ORIGIN } })
    expect(corsOf(allowed)).toEqual(ALLOWED)
  })
})

describe('the option cors', () => {
  it('sets the rules of the first buckets, not of later ones', async () => {
    const open = await startOssEmulator({ cors: [{ allowedOrigins: ['*'] }] })
    try {
      const response = await rawRequest(open.port, {
        method: 'OPTIONS',
        path: '/demo/a',
        headers: {
          origin: ORIGIN,
          'access-control-request-method': 'DELETE',
          'access-control-request-headers': 'anything',
        },
      })
      expect(response.status).toBe(200)
      expect(response.headers['access-control-expose-headers']).toContain(
        'x-oss-meta-client-side-encryption-key',
      )
      await signedRequest(open, { method: 'PUT', bucket: 'later' })
      expect((await signedRequest(open, { bucket: 'later', query: 'cors' })).status).toBe(404)
    } finally {
      await open.close()
    }
  })

  it('replaces the rules of a data directory; without it they stay', async () => {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'oss-emulator-'))
    const origins = async (cors?: readonly { readonly allowedOrigins: readonly string[] }[]) => {
      const started = await startOssEmulator({ dataDirectory, ...(cors && { cors }) })
      try {
        return (await signedRequest(started, { query: 'cors' })).element('AllowedOrigin')
      } finally {
        await started.close()
      }
    }
    try {
      expect(await origins()).toBeUndefined()
      expect(await origins([{ allowedOrigins: ['https://one.example'] }])).toBe('https://one.example')
      expect(await origins()).toBe('https://one.example')
      expect(await origins([{ allowedOrigins: ['https://two.example'] }])).toBe('https://two.example')
    } finally {
      await rm(dataDirectory, { recursive: true })
    }
  })

  it('is refused if the service would refuse it', async () => {
    await expect(startOssEmulator({ cors: [{ allowedOrigins: ['*.*'] }] })).rejects.toThrow('AllowedOrigin')
  })
})
