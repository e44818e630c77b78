import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../emulator.ts'
import { aliOssClient } from '../testing/ali-oss-client.ts'
import { rawRequest, signedRequest } from '../testing/signed-request.ts'
import { v4Signature, v4StringsToSign } from './signature-v4.ts'

let emulator: OssEmulator
let now = new Date()

beforeAll(async () => {
  emulator = await startOssEmulator({ clock: () => now })
})
afterAll(() => emulator.close())

describe.each([{ v4: false }, { v4: true }])('a request signed by ali-oss (V4: $v4)', ({ v4 }) => {
  it('is refused with another secret', async () => {
    const client = aliOssClient(emulator, { accessKeySecret: 'wrong', authorizationV4: v4 })
    await expect(client.put('a', Buffer.from('a'))).rejects.toMatchObject({
      code: 'SignatureDoesNotMatch',
      status: 403,
      ecCode: '0002-00000040',
    })
  })

  it('is refused with an unknown access key', async () => {
    const client = aliOssClient(emulator, { accessKeyId: 'unknown', authorizationV4: v4 })
    await expect(client.put('a', Buffer.from('a'))).rejects.toMatchObject({
      code: 'InvalidAccessKeyId',
      ecCode: '0002-00000902',
    })
  })

  it('is refused if its clock differs by more than 15 minutes, and accepted within', async () => {
    const client = aliOssClient(emulator, { authorizationV4: v4 })
    for (const minutes of [-16, 16]) {
      now = new Date(Date.now() + minutes * 60_000)
      await expect(client.put('a', Buffer.from('a'))).rejects.toMatchObject({
        code: 'RequestTimeTooSkewed',
        ecCode: '0002-00000504',
      })
    }
    now = new Date(Date.now() + 14 * 60_000)
    await client.put('a', Buffer.from('a'))
    now = new Date()
  })

  it('is accepted for a cname host and for an IP address with and without the bucket in the path', async () => {
    const ip = `http://127.0.0.1:${emulator.port}`
    const clients = [
      aliOssClient(emulator, { authorizationV4: v4, sldEnable: false, cname: true }),
      aliOssClient(emulator, { authorizationV4: v4, endpoint: ip }),
      aliOssClient(emulator, { authorizationV4: v4, endpoint: ip, sldEnable: false }),
    ]
    for (const [index, client] of clients.entries()) {
      await client.put(`host/${index}.txt`, Buffer.from('x'))
      expect(await emulator.getStoredObject('demo', `host/${index}.txt`)).toBeDefined()
    }
  })

  it('is accepted with keys that need escaping, and no key is normalised', async () => {
    const client = aliOssClient(emulator, { authorizationV4: v4 })
    for (const key of ['a b+c/%41/ü中.txt', 'x//y', "q!'()*~&=?#", 'trailing/']) {
      await client.put(key, Buffer.from(key))
      expect((await client.get(key)).content.toString()).toBe(key)
      expect(await emulator.getStoredObject('demo', key)).toBeDefined()
    }
  })

  it('is accepted as a URL until it expires', async () => {
    const client = aliOssClient(emulator, { authorizationV4: v4 })
    await client.put('url', Buffer.from('content'))
    const url: string = v4
      ? await client.signatureUrlV4('GET', 60, {}, 'url')
      : client.signatureUrl('url', { expires: 60 })
    expect(await (await fetch(url)).text()).toBe('content')
    const tampered = await fetch(url.replace('/url?', '/other?'))
    expect(await tampered.text()).toContain('SignatureDoesNotMatch')
    now = new Date(Date.now() + 120_000)
    const expired = await fetch(url)
    now = new Date()
    expect(expired.status).toBe(403)
    expect(expired.headers.get('x-oss-ec')).toBe('0002-00000069')
    expect(await expired.text()).toContain('Request has expired.')
  })
})

describe('a V4 request', () => {
  it('is refused if it is signed for another region', async () => {
    const client = aliOssClient(emulator, { authorizationV4: true, region: 'oss-cn-beijing' })
    await expect(client.put('a', Buffer.from('a'))).rejects.toMatchObject({
      status: 400,
      ecCode: '0002-00000228',
    })
  })

  it('covers the headers that it lists as additional', async () => {
    const client = aliOssClient(emulator, { authorizationV4: true })
    const url: string = await client.signatureUrlV4('PUT', 60, { headers: { abc: '1' } }, 'listed', ['abc'])
    expect((await fetch(url, { method: 'PUT', headers: { abc: '2' }, body: Buffer.from('x') })).status).toBe(
      403,
    )
    expect((await fetch(url, { method: 'PUT', headers: { abc: '1' }, body: Buffer.from('x') })).status).toBe(
      200,
    )
  })
})

describe('a presigned PUT', () => {
  it('is refused if it has an x-oss header that was not signed', async () => {
    const client = aliOssClient(emulator)
    const url: string = client.signatureUrl('put', { method: 'PUT', 'Content-Type': 'text/plain' })
    const headers = { 'content-type': 'text/plain' }
    const refused = await fetch(url, {
      method: 'PUT',
      headers: { ...headers, 'x-oss-meta-a': '1' },
      body: 'x',
    })
    expect(refused.status).toBe(403)
    expect((await fetch(url, { method: 'PUT', headers, body: 'x' })).status).toBe(200)
  })
})

describe('a request', () => {
  it('without a signature is refused, with the error in a header for HEAD', async () => {
    const got = await rawRequest(emulator.port, { path: '/demo/a' })
    expect([got.status, got.element('Code'), got.element('HostId')]).toEqual([
      403,
      'AccessDenied',
      '127.0.0.1',
    ])
    expect(got.headers['x-oss-request-id']).toMatch(/^[0-9A-F]{24}$/)
    expect(got.element('RequestId')).toBe(got.headers['x-oss-request-id'])
    const head = await rawRequest(emulator.port, { method: 'HEAD', path: '/demo/a' })
    expect(head.body.length).toBe(0)
    expect(Buffer.from(String(head.headers['x-oss-err']), 'base64').toString()).toContain(
      '<Code>AccessDenied</Code>',
    )
  })

  it.each([
    ['OSS nocolon', 400, 'InvalidArgument'],
    ['Basic abc', 400, 'InvalidArgument'],
    ['OSS4-HMAC-SHA256 Signature=00', 400, 'InvalidArgument'],
  ])('with the Authorization %j is malformed', async (authorization, status, code) => {
    const response = await rawRequest(emulator.port, {
      path: '/demo/a',
      headers: { authorization, date: new Date().toUTCString() },
    })
    expect([response.status, response.element('Code')]).toEqual([status, code])
  })

  it('without a date is refused', async () => {
    const response = await rawRequest(emulator.port, {
      path: '/demo/a',
      headers: { authorization: 'OSS a:b' },
    })
    expect([response.status, response.element('Code')]).toEqual([403, 'AccessDenied'])
  })

  it('to a missing bucket gets NoSuchBucket', async () => {
    const response = await signedRequest(emulator, { bucket: 'missing', key: 'a' })
    expect([response.status, response.element('Code'), response.headers['x-oss-ec']]).toEqual([
      404,
      'NoSuchBucket',
      '0015-00000101',
    ])
  })

  it.each([-3_600_000, 3_600_000])(
    'that is %i ms off learns the clock of the emulator, from the error and from Date',
    async (offsetMs) => {
      const date = new Date('2026-01-01T00:00:00.000Z')
      now = new Date(date.getTime() + offsetMs)
      const refused = await signedRequest(emulator, { key: 'a', date })
      expect([refused.status, refused.element('Code'), refused.headers['date']]).toEqual([
        403,
        'RequestTimeTooSkewed',
        now.toUTCString(),
      ])
      expect(['MaxAllowedSkewMilliseconds', 'RequestTime', 'ServerTime'].map(refused.element)).toEqual([
        '900000',
        date.toISOString(),
        now.toISOString(),
      ])
      const repeated = await signedRequest(emulator, { date: now })
      now = new Date()
      expect(repeated.status).toBe(200)
    },
  )

  it('with a wrong signature gets the string to sign as bytes', async () => {
    const response = await signedRequest(emulator, { key: 'a', secret: 'wrong' })
    const bytes = Buffer.from(
      (response.element('StringToSignBytes') ?? '').replaceAll(' ', ''),
      'hex',
    ).toString()
    expect(bytes).toMatch(/^GET\n[\s\S]*\/demo\/a$/)
  })
})

describe('temporary credentials', () => {
  const EXPIRY = new Date('2026-01-01T00:10:00.000Z')
  const at = (offsetMs: number): Date => new Date(EXPIRY.getTime() + offsetMs)
  let temporary: OssEmulator
  let time = EXPIRY

  beforeAll(async () => {
    temporary = await startOssEmulator({
      clock: () => time,
      securityToken: 'lasting',
      securityTokens: [
        { token: 'first', expiresAt: EXPIRY },
        { token: 'second', expiresAt: at(60_000) },
      ],
    })
    await temporary.putStoredObject('demo', 'a', { bytes: Buffer.from('x') })
  })
  afterAll(() => temporary.close())

  /** Status, code and error number of a read with or without a token. */
  const outcome = async (token: string | undefined, options: { readonly accessKeyId?: string } = {}) => {
    const headers: Record<string, string> = token === undefined ? {} : { 'x-oss-security-token': token }
    const response = await signedRequest(temporary, { key: 'a', headers, date: time, ...options })
    return [response.status, response.element('Code'), response.headers['x-oss-ec']]
  }
  const OK = [200, undefined, undefined]
  const EXPIRED = [403, 'SecurityTokenExpired', '0002-00000007']

  it('are accepted with each of their tokens until it expires by the clock of the emulator', async () => {
    time = at(-1)
    expect(await outcome('first')).toEqual(OK)
    expect(await outcome('second')).toEqual(OK)
    time = at(0)
    expect(await outcome('first')).toEqual(EXPIRED)
    expect(await outcome('second')).toEqual(OK)
    time = at(60_000)
    expect(await outcome('second')).toEqual(EXPIRED)
    expect(await outcome('lasting')).toEqual(OK)
  })

  it('are refused with an unknown token and without a token', async () => {
    expect(await outcome('other')).toEqual([403, 'InvalidSecurityToken', undefined])
    expect(await outcome('')).toEqual([403, 'InvalidSecurityToken', undefined])
    expect(await outcome(undefined)).toEqual([403, 'InvalidAccessKeyId', '0002-00000003'])
    expect(await outcome('lasting', { accessKeyId: 'unknown' })).toEqual([
      403,
      'InvalidAccessKeyId',
      '0002-00000902',
    ])
  })

  it('can be renewed while the emulator runs, and a permanent key can become temporary', async () => {
    time = at(0)
    temporary.addSecurityToken({ token: 'renewed', expiresAt: at(1) })
    expect(await outcome('renewed')).toEqual(OK)
    time = at(1)
    expect(await outcome('renewed')).toEqual(EXPIRED)
    temporary.addSecurityToken({ token: 'renewed', expiresAt: at(2) })
    expect(await outcome('renewed')).toEqual(OK)
    const permanent = await startOssEmulator()
    try {
      const read = async (headers: Record<string, string> = {}) =>
        (await signedRequest(permanent, { query: 'acl', headers })).element('Code')
      expect(await read({ 'x-oss-security-token': 'given' })).toBe('InvalidSecurityToken')
      expect(await read()).toBeUndefined()
      permanent.addSecurityToken({ token: 'given' })
      expect(await read()).toBe('InvalidAccessKeyId')
      expect(await read({ 'x-oss-security-token': 'given' })).toBeUndefined()
    } finally {
      await permanent.close()
    }
  })

  it('with an expired token are refused as such, even if the signature is wrong', async () => {
    time = at(0)
    const headers = { 'x-oss-security-token': 'first' }
    const response = await signedRequest(temporary, { key: 'a', headers, date: time, secret: 'wrong' })
    expect(response.element('Code')).toBe('SecurityTokenExpired')
  })

  it('cannot have an empty token', async () => {
    await expect(startOssEmulator({ securityToken: '' })).rejects.toThrow('must not be empty')
  })

  it.each([{ v4: false }, { v4: true }])(
    'are accepted from ali-oss, in headers and in URLs (V4: $v4)',
    async ({ v4 }) => {
      const expiresAt = new Date(Date.now() + 600_000)
      const server = await startOssEmulator({
        clock: () => now,
        securityTokens: [{ token: 'token', expiresAt }],
      })
      // Leaves out a warning of ali-oss.
      const refresh = { refreshSTSToken: async () => ({}), refreshSTSTokenInterval: 3_600_000 }
      const client = (stsToken?: string) =>
        aliOssClient(server, { authorizationV4: v4, ...(stsToken && { stsToken, ...refresh }) })
      try {
        await client('token').put('a', Buffer.from('a'))
        await expect(client().put('a', Buffer.from('a'))).rejects.toMatchObject({
          code: 'InvalidAccessKeyId',
        })
        await expect(client('other').put('a', Buffer.from('a'))).rejects.toMatchObject({
          code: 'InvalidSecurityToken',
        })
        const url: string = v4
          ? await client('token').signatureUrlV4('GET', 3600, {}, 'a')
          : client('token').signatureUrl('a', { expires: 3600 })
        expect(await (await fetch(url)).text()).toBe('a')
        now = expiresAt
        expect(await (await fetch(url)).text()).toContain('<Code>SecurityTokenExpired</Code>')
      } finally {
        now = new Date()
        await server.close()
      }
    },
  )
})

describe('a V4 signature', () => {
  const basicForm = (time: Date): string => time.toISOString().replace(/[-:]|\.\d+/g, '')

  /** A correctly signed GET for any product and payload. */
  const signedGet = (product: string, payload: string) => {
    const dateTime = basicForm(new Date())
    return get({ product, payload, dateTime, dateHeader: { 'x-oss-date': dateTime } })
  }

  const get = async (request: {
    readonly product: string
    readonly payload: string
    readonly dateTime: string
    readonly dateHeader: Readonly<Record<string, string>>
  }) => {
    const { product, payload, dateTime, dateHeader } = request
    const credential = {
      accessKeyId: emulator.accessKeyId,
      day: basicForm(new Date()).slice(0, 8),
      region: emulator.region,
      product,
    }
    const headers = { ...dateHeader, 'x-oss-content-sha256': payload }
    const [stringToSign = ''] = v4StringsToSign({
      method: 'GET',
      headers: new Map(Object.entries(headers)),
      parameters: [],
      additionalHeaders: '',
      dateTime,
      credential,
      location: { bucket: 'demo', key: 'signed' },
    })
    const scope = `${emulator.accessKeyId}/${credential.day}/${emulator.region}/${product}/aliyun_v4_request`
    const signature = v4Signature(emulator.accessKeySecret, credential, stringToSign)
    const authorization = `OSS4-HMAC-SHA256 Credential=${scope},Signature=${signature}`
    return rawRequest(emulator.port, { path: '/demo/signed', headers: { ...headers, authorization } })
  }

  it('of a request without x-oss-date may sign the HTTP date, unchanged or in basic format, and no other date', async () => {
    await emulator.putStoredObject('demo', 'signed', { bytes: Buffer.from('x') })
    const now = new Date()
    const statusFor = async (dateTime: string) => {
      const dateHeader = { date: now.toUTCString() }
      return (await get({ product: 'oss', payload: 'UNSIGNED-PAYLOAD', dateTime, dateHeader })).status
    }
    expect(await statusFor(now.toUTCString())).toBe(200)
    expect(await statusFor(basicForm(now))).toBe(200)
    expect(await statusFor(new Date(now.getTime() + 1000).toUTCString())).toBe(403)
  })

  it('is accepted only for the product oss and an unsigned payload', async () => {
    await emulator.putStoredObject('demo', 'signed', { bytes: Buffer.from('x') })
    expect((await signedGet('oss', 'UNSIGNED-PAYLOAD')).status).toBe(200)
    for (const [product, payload] of [
      ['other', 'UNSIGNED-PAYLOAD'],
      ['oss', '00'],
    ] as const) {
      const response = await signedGet(product, payload)
      expect([response.status, response.element('Code')]).toEqual([400, 'InvalidArgument'])
    }
  })
})
