import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { createCrc64 } from '@oss-cse/crypto-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../../emulator.ts'
import { type AliOssClient, aliOssClient } from '../../testing/ali-oss-client.ts'
import { md5Hex, rawRequest, signedRequest } from '../../testing/signed-request.ts'

let emulator: OssEmulator

beforeAll(async () => {
  emulator = await startOssEmulator({ buckets: ['demo', 'other'] })
})
afterAll(() => emulator.close())

async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

describe.each([{ v4: false }, { v4: true }])('with ali-oss (V4: $v4)', ({ v4 }) => {
  let client: AliOssClient
  beforeAll(() => {
    client = aliOssClient(emulator, { authorizationV4: v4 })
  })

  it('an object comes back with its bytes, ETag, CRC-64, type and metadata', async () => {
    const bytes = Buffer.from('some bytes')
    const crc64 = await createCrc64()
    crc64.update(bytes)
    const put = await client.put('o.txt', bytes, {
      meta: { name: 'value' },
      headers: { 'Cache-Control': 'no-cache', 'Content-Disposition': 'attachment' },
    })
    expect(put.res.headers).toMatchObject({
      etag: `"${md5Hex(bytes)}"`,
      'x-oss-hash-crc64ecma': crc64.value().toString(),
    })
    const got = await client.get('o.txt')
    expect(got.content).toEqual(bytes)
    expect(got.res.headers).toMatchObject({
      'cache-control': 'no-cache',
      'content-disposition': 'attachment',
      'content-type': 'text/plain',
      'content-length': '10',
      'accept-ranges': 'bytes',
      'x-oss-object-type': 'Normal',
      'x-oss-storage-class': 'Standard',
      'x-oss-meta-name': 'value',
      'x-oss-hash-crc64ecma': crc64.value().toString(),
      'content-md5': createHash('md5').update(bytes).digest('base64'),
      server: 'AliyunOSS',
    })
    expect((await client.head('o.txt')).meta).toEqual({ name: 'value' })
    const meta = await client.getObjectMeta('o.txt')
    expect(meta.res.headers['content-length']).toBe('10')
    expect(meta.res.headers['x-oss-meta-name']).toBeUndefined()
  })

  it('a stream of unknown length is stored whole', async () => {
    const bytes = Buffer.alloc(3_000_000, 'stream')
    await client.putStream('stream', Readable.from([bytes.subarray(0, 1_000_001), bytes.subarray(1_000_001)]))
    const { stream } = await client.getStream('stream')
    expect((await readAll(stream)).equals(bytes)).toBe(true)
  })

  it('a range is answered as the behaviour asks', async () => {
    await client.put('range', Buffer.from('0123456789'))
    const get = async (range: string, behavior?: string): Promise<readonly unknown[]> => {
      const { stream, res } = await client.getStream('range', {
        headers: { Range: range, ...(behavior === undefined ? {} : { 'x-oss-range-behavior': behavior }) },
      })
      return [res.status, res.headers['content-range'], (await readAll(stream)).toString()]
    }
    expect(await get('bytes=2-4')).toEqual([206, 'bytes 2-4/10', '234'])
    expect(await get('bytes=8-20')).toEqual([200, undefined, '0123456789'])
    expect(await get('bytes=8-20', 'standard')).toEqual([206, 'bytes 8-9/10', '89'])
    await expect(get('bytes=10-20', 'standard')).rejects.toMatchObject({ status: 416 })
  })

  it('a missing object is NoSuchKey, also for HEAD', async () => {
    await expect(client.get('missing')).rejects.toMatchObject({ code: 'NoSuchKey', ecCode: '0026-00000001' })
    await expect(client.head('missing')).rejects.toMatchObject({ code: 'NoSuchKey', status: 404 })
    await client.delete('missing')
  })

  it('conditions decide between 200, 304 and 412', async () => {
    const { res } = await client.put('cond', Buffer.from('x'))
    const { etag } = res.headers
    const past = new Date(Date.now() - 3_600_000).toUTCString()
    const future = new Date(Date.now() + 3_600_000).toUTCString()
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await client.head('cond', { headers })).status
    expect(await status({ 'If-Match': etag })).toBe(200)
    expect(await status({ 'If-None-Match': etag })).toBe(304)
    expect(await status({ 'If-None-Match': '"0"' })).toBe(200)
    expect(await status({ 'If-Modified-Since': future })).toBe(304)
    expect(await status({ 'If-Modified-Since': past })).toBe(200)
    expect(await status({ 'If-Modified-Since': 'not a date' })).toBe(200)
    await expect(status({ 'If-Match': '"0"' })).rejects.toMatchObject({ status: 412 })
    await expect(status({ 'If-Unmodified-Since': past })).rejects.toMatchObject({ status: 412 })
  })

  it('a copy keeps bytes and metadata, or replaces the metadata', async () => {
    await client.put('source ü', Buffer.from('copied'), { meta: { a: '1' } })
    await client.copy('kept', 'source ü')
    expect((await client.head('kept')).meta).toEqual({ a: '1' })
    await client.copy('replaced', 'source ü', { meta: { b: '2' } })
    expect((await client.head('replaced')).meta).toEqual({ b: '2' })
    await client.delete('source ü')
    expect((await client.get('kept')).content.toString()).toBe('copied')
    await client.putMeta('kept', { c: '3' })
    expect((await client.head('kept')).meta).toEqual({ c: '3' })
    await expect(client.copy('x', 'missing')).rejects.toMatchObject({ code: 'NoSuchKey' })
  })

  it('many objects are deleted at once, missing ones and odd names too', async () => {
    const keys = ['m/1', 'm/<&">', 'm/ü']
    for (const key of keys) await client.put(key, Buffer.from('x'))
    const { deleted } = await client.deleteMulti([...keys, 'm/missing'])
    expect(deleted).toHaveLength(4)
    expect((await client.list({ prefix: 'm/', 'max-keys': 10 })).objects ?? []).toEqual([])
    expect((await client.deleteMulti(['m/1'], { quiet: true })).deleted).toEqual([])
  })

  it('listings page through keys and prefixes', async () => {
    for (const key of ['l/a', 'l/b/1', 'l/b/2', 'l/c']) await client.put(key, Buffer.from('x'))
    const first = await client.list({ prefix: 'l/', delimiter: '/', 'max-keys': 2 })
    expect(first.objects.map((object: { name: string }) => object.name)).toEqual(['l/a'])
    expect(first.prefixes).toEqual(['l/b/'])
    const second = await client.list({
      prefix: 'l/',
      delimiter: '/',
      'max-keys': 2,
      marker: first.nextMarker,
    })
    expect(second.objects.map((object: { name: string }) => object.name)).toEqual(['l/c'])
    const names: string[] = []
    let token: string | undefined
    do {
      const page = await client.listV2({
        prefix: 'l/',
        'max-keys': 1,
        ...(token === undefined ? {} : { 'continuation-token': token }),
      })
      names.push(...page.objects.map((object: { name: string }) => object.name))
      token = page.nextContinuationToken ?? undefined
    } while (token !== undefined)
    expect(names).toEqual(['l/a', 'l/b/1', 'l/b/2', 'l/c'])
  })

  it('tags are set, counted, replaced and removed', async () => {
    await client.put('tags', Buffer.from('x'), { headers: { 'x-oss-tagging': 'a=1&b=%C3%BC' } })
    expect((await client.getObjectTagging('tags')).tag).toEqual({ a: '1', b: 'ü' })
    expect((await client.head('tags')).res.headers['x-oss-tagging-count']).toBe('2')
    await client.putObjectTagging('tags', { c: '3' })
    expect((await client.getObjectTagging('tags')).tag).toEqual({ c: '3' })
    await client.deleteObjectTagging('tags')
    expect((await client.getObjectTagging('tags')).tag).toEqual({})
  })

  it('objects can be appended to at their end only', async () => {
    const key = `append-${v4}`
    const first = await client.append(key, Buffer.from('ab'))
    expect(first.nextAppendPosition).toBe('2')
    await client.append(key, Buffer.from('cd'), { position: '2' })
    expect((await client.get(key)).content.toString()).toBe('abcd')
    await expect(client.append(key, Buffer.from('x'), { position: '1' })).rejects.toMatchObject({
      code: 'PositionNotEqualToLength',
      ecCode: '0026-00000016',
    })
    await client.put('normal', Buffer.from('x'))
    await expect(client.append('normal', Buffer.from('x'))).rejects.toMatchObject({
      code: 'ObjectNotAppendable',
    })
  })

  it('buckets are created, described and removed when empty', async () => {
    const name = `made-${v4 ? 4 : 1}`
    await client.putBucket(name)
    expect(emulator.buckets).toContain(name)
    expect((await client.getBucketInfo(name)).bucket.Name).toBe(name)
    expect((await client.getBucketLocation(name)).location).toBe('oss-cn-hangzhou')
    expect((await client.getBucketACL(name)).acl).toBe('private')
    await client.deleteBucket(name)
    expect(emulator.buckets).not.toContain(name)
    await expect(client.deleteBucket('demo')).rejects.toMatchObject({ code: 'BucketNotEmpty' })
  })

  it('an ACL and a symbolic link are kept', async () => {
    await client.put('acl', Buffer.from('x'))
    await client.putACL('acl', 'public-read')
    expect((await client.getACL('acl')).acl).toBe('public-read')
    await client.putSymlink('link', 'acl', {})
    expect((await client.get('link')).content.toString()).toBe('x')
    expect((await client.getSymlink('link')).targetName).toBe('acl')
  })
})

describe('a PUT', () => {
  const put = (headers: Record<string, string>, body = 'x', key = 'put'): ReturnType<typeof signedRequest> =>
    signedRequest(emulator, { method: 'PUT', key, headers, body })

  it.each([
    [
      'a wrong Content-MD5',
      { 'content-md5': Buffer.alloc(16).toString('base64') },
      'InvalidDigest',
      '0017-00000503',
    ],
    ['an unreadable Content-MD5', { 'content-md5': 'abc' }, 'InvalidDigest', '0017-00000502'],
    ['a wrong CRC-64', { 'x-oss-hash-crc64ecma': '1' }, 'InvalidCRC64', undefined],
    ['a read condition', { 'if-match': '"x"' }, 'NotImplemented', '0017-00000245'],
    ['an underscore in a metadata name', { 'x-oss-meta-a_b': '1' }, 'InvalidArgument', '0011-00000004'],
    ['8 KB of metadata', { 'x-oss-meta-a': 'x'.repeat(8192) }, 'InvalidArgument', '0011-00000002'],
    ['an unknown ACL', { 'x-oss-object-acl': 'all' }, 'InvalidArgument', undefined],
    ['too many tags', { 'x-oss-tagging': 'abcdefghijk'.split('').join('&') }, 'InvalidTag', undefined],
  ])('with %s is refused and stores nothing', async (_, headers, code, ec) => {
    const answer = await put(headers as Record<string, string>, 'x', 'refused')
    expect([answer.status, answer.element('Code'), answer.headers['x-oss-ec']]).toEqual([400, code, ec])
    expect(await emulator.getStoredObject('demo', 'refused')).toBeUndefined()
  })

  it('without a length is refused with 411', async () => {
    const answer = await signedRequest(emulator, { method: 'PUT', key: 'put', noLength: true })
    expect([answer.status, answer.element('Code')]).toEqual([411, 'MissingContentLength'])
  })

  it('may be empty or chunked', async () => {
    expect((await put({}, '')).status).toBe(200)
    expect((await emulator.getStoredObject('demo', 'put'))?.bytes.length).toBe(0)
    const chunked = await signedRequest(emulator, { method: 'PUT', key: 'put', body: 'abc', chunked: true })
    expect(chunked.status).toBe(200)
    expect(Buffer.from((await emulator.getStoredObject('demo', 'put'))?.bytes ?? []).toString()).toBe('abc')
  })

  it('does not overwrite when it forbids that', async () => {
    await put({}, 'old', 'once')
    const answer = await put({ 'x-oss-forbid-overwrite': 'true' }, 'new', 'once')
    expect([answer.status, answer.element('Code'), answer.headers['x-oss-ec']]).toEqual([
      409,
      'FileAlreadyExists',
      '0026-00000002',
    ])
  })

  it.each(['/a', '\\a', 'k'.repeat(1024)])('of a key that is not allowed is refused: %j', async (key) => {
    const answer = await put({}, 'x', key)
    expect([answer.status, answer.element('Code')]).toEqual([400, 'InvalidObjectName'])
  })
})

describe('a PUT that expects 100-continue', () => {
  const send = (url: string): Promise<readonly [number | undefined, boolean]> =>
    new Promise((resolve, reject) => {
      let continued = false
      const outgoing = request(url, {
        method: 'PUT',
        headers: { expect: '100-continue', 'content-length': 4 },
      })
      outgoing.on('continue', () => {
        continued = true
        outgoing.end('body')
      })
      outgoing.on('response', (response) => {
        response.resume()
        response.on('end', () => {
          outgoing.destroy()
          resolve([response.statusCode, continued])
        })
      })
      outgoing.on('error', reject)
      outgoing.flushHeaders()
    })

  it('is told to go on only when it is accepted', async () => {
    const url: string = aliOssClient(emulator).signatureUrl('continued', { method: 'PUT' })
    expect(await send(url)).toEqual([200, true])
    expect(await send(url.replace('continued', 'other'))).toEqual([403, false])
  })
})

describe('a GET', () => {
  it('overrides headers as the query asks', async () => {
    await emulator.putStoredObject('demo', 'override', { bytes: Buffer.from('x') })
    const answer = await signedRequest(emulator, {
      key: 'override',
      query: 'response-content-type=text%2Fcsv',
    })
    expect(answer.headers['content-type']).toBe('text/csv')
  })
})

describe('a Delete of many', () => {
  const body = '<Delete><Object><Key>a</Key></Object></Delete>'
  it.each([
    [{}, 'MissingArgument'],
    [{ 'content-md5': Buffer.alloc(16).toString('base64') }, 'InvalidDigest'],
  ])('needs a right Content-MD5: %j', async (headers, code) => {
    const answer = await signedRequest(emulator, {
      method: 'POST',
      query: 'delete',
      headers: headers as Record<string, string>,
      body,
    })
    expect([answer.status, answer.element('Code')]).toEqual([400, code])
  })
})

describe('what the server does not do', () => {
  it.each([
    ['GET', '', 'website'],
    ['PUT', '', 'lifecycle'],
    ['GET', '', 'policy'],
    ['POST', 'a', 'restore'],
    ['GET', 'a', 'x-oss-process=image%2Finfo'],
    ['POST', 'a', 'x-oss-process'],
    ['POST', 'a', 'x-oss-async-process'],
    ['POST', '', ''],
  ])('is refused as such: %s %s?%s', async (method, key, query) => {
    const answer = await signedRequest(emulator, { method, key, query })
    expect([answer.status, answer.element('Code')]).toEqual([400, 'NotImplemented'])
  })
})

it('a form upload, which has no signature outside the form, is refused as not implemented', async () => {
  const answer = await rawRequest(emulator.port, {
    method: 'POST',
    path: '/demo/',
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
    body: '--b--',
  })
  expect([answer.status, answer.element('Code')]).toEqual([400, 'NotImplemented'])
})

it.each([
  ['', { 'x-oss-callback': 'e30=' }],
  ['callback=e30%3D', {}],
])('a callback is ignored, whether %j or a header asks for it', async (query, headers) => {
  const answer = await signedRequest(emulator, { method: 'PUT', key: 'callback', query, headers, body: 'x' })
  expect(answer.status).toBe(200)
})

it('PUT ?acl sets the ACL of a bucket, creates one that does not exist, and answers where it is', async () => {
  for (const [bucket, acl] of [
    ['made-by-acl', 'public-read'],
    ['made-by-acl', 'private'],
  ] as const) {
    const headers = { 'x-oss-acl': acl }
    const answer = await signedRequest(emulator, { method: 'PUT', bucket, query: 'acl', headers })
    expect([answer.status, answer.headers.location]).toEqual([200, `/${bucket}`])
    const got = await signedRequest(emulator, { bucket, query: 'acl' })
    expect(got.element('Grant')).toBe(acl)
  }
})

it('a copy of the source is judged as a read of it: a date counts only without an ETag condition', async () => {
  await emulator.putStoredObject('demo', 'judged', { bytes: Buffer.from('x') })
  const copy = async (headers: Record<string, string>) =>
    (
      await signedRequest(emulator, {
        method: 'PUT',
        key: 'judged-copy',
        headers: { 'x-oss-copy-source': '/demo/judged', ...headers },
      })
    ).status
  const future = new Date(Date.now() + 3_600_000).toUTCString()
  expect(await copy({ 'x-oss-copy-source-if-modified-since': future })).toBe(304)
  expect(
    await copy({
      'x-oss-copy-source-if-modified-since': future,
      'x-oss-copy-source-if-none-match': '"0"',
    }),
  ).toBe(200)
})

describe('an empty object', () => {
  const read = async (range: string, behavior?: string) => {
    const { status, headers, body } = await signedRequest(emulator, {
      key: 'empty',
      headers: { range, ...(behavior !== undefined && { 'x-oss-range-behavior': behavior }) },
    })
    return [status, headers['content-range'], body.length === 0]
  }

  it.each(['bytes=-1', 'bytes=0-'])(
    'answers %s whole, or with 416 where the range is standard',
    async (range) => {
      await emulator.putStoredObject('demo', 'empty', { bytes: new Uint8Array() })
      expect(await read(range)).toEqual([200, undefined, true])
      expect(await read(range, 'standard')).toEqual([416, 'bytes */0', false])
    },
  )
})

describe('a planted object', () => {
  it('keeps its headers when only the bytes are tampered with', async () => {
    const client = aliOssClient(emulator)
    await client.put('tamper', Buffer.from('abc'), { meta: { a: '1' } })
    await emulator.putStoredObject('demo', 'tamper', { bytes: Buffer.from('abX') })
    const got = await client.get('tamper')
    expect([got.content.toString(), got.res.headers['x-oss-meta-a']]).toEqual(['abX', '1'])
    expect(got.res.headers.etag).toBe(`"${md5Hex('abX')}"`)
  })
})

it('a response-* parameter that cannot stand in a header is refused', async () => {
  await emulator.putStoredObject('demo', 'override', { bytes: Buffer.from('x') })
  const answer = await signedRequest(emulator, { key: 'override', query: 'response-content-type=%01' })
  expect([answer.status, answer.element('Code')]).toEqual([400, 'InvalidArgument'])
})

it('a response-* parameter beyond Latin-1 is sent as UTF-8', async () => {
  await emulator.putStoredObject('demo', 'override', { bytes: Buffer.from('x') })
  const query = `response-content-disposition=${encodeURIComponent('attachment; filename="中.txt"')}`
  const answer = await signedRequest(emulator, { key: 'override', query })
  const header = Buffer.from(answer.headers['content-disposition'] ?? '', 'latin1').toString('utf8')
  expect([answer.status, header]).toEqual([200, 'attachment; filename="中.txt"'])
})

it('an ACL request whose Content-MD5 is another body’s is refused', async () => {
  await emulator.putStoredObject('demo', 'acl', { bytes: Buffer.from('x') })
  const headers = { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==', 'x-oss-object-acl': 'private' }
  const answer = await signedRequest(emulator, { method: 'PUT', key: 'acl', query: 'acl', headers })
  expect([answer.status, answer.element('Code')]).toEqual([400, 'InvalidDigest'])
})

it('a tagging document whose Content-MD5 is another’s is refused', async () => {
  await emulator.putStoredObject('demo', 'tagged', { bytes: Buffer.from('x') })
  const body = '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>'
  const headers = { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' }
  const answer = await signedRequest(emulator, {
    method: 'PUT',
    key: 'tagged',
    query: 'tagging',
    body,
    headers,
  })
  expect([answer.status, answer.element('Code')]).toEqual([400, 'InvalidDigest'])
})

it('requests that come one behind the other on a connection are all answered', async () => {
  const unsigned = 'HEAD /demo/none HTTP/1.1\r\nHost: localhost\r\n\r\n'
  const last = 'GET /demo/none HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
  const socket = connect(emulator.port, '127.0.0.1', () => socket.write(unsigned + unsigned + last))
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  expect(
    Buffer.concat(chunks)
      .toString()
      .match(/HTTP\/1\.1 403/g),
  ).toHaveLength(3)
})

it('a path with a broken escape is refused as a key', async () => {
  const answer = await rawRequest(emulator.port, { path: '/demo/%zz' })
  expect([answer.status, answer.element('Code')]).toEqual([400, 'InvalidObjectName'])
})

it('GET ?objectMeta announces no body that does not come', async () => {
  await emulator.putStoredObject('demo', 'meta', { bytes: Buffer.from('content') })
  expect(
    (await signedRequest(emulator, { key: 'meta', query: 'objectMeta' })).headers['content-length'],
  ).toBe('0')
})

it('a Delete with one bad entry deletes nothing', async () => {
  await emulator.putStoredObject('demo', 'stays', { bytes: Buffer.from('x') })
  const body = '<Delete><Object><Key>stays</Key></Object><Object></Object></Delete>'
  const headers = { 'content-md5': createHash('md5').update(body).digest('base64') }
  const answer = await signedRequest(emulator, { method: 'POST', query: 'delete', body, headers })
  expect([answer.status, answer.element('Code')]).toEqual([400, 'MalformedXML'])
  expect(await emulator.getStoredObject('demo', 'stays')).toBeDefined()
})
