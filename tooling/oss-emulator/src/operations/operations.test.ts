import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { createCrc64 } from '@oss-cse/crypto-core/internal'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../emulator.ts'
import { type AliOssClient, aliOssClient } from '../testing/ali-oss-client.ts'
import { md5Hex } from '../testing/signed-request.ts'

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

  it('a read returns the bytes, ETag, CRC-64, type and metadata of an object', async () => {
    const bytes = Buffer.from('some bytes')
    const crc64 = createCrc64()
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

  it('a range follows the requested behaviour', async () => {
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

  it('a missing object is NoSuchKey, even for HEAD', async () => {
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

  it('many objects are deleted at once, even missing ones and those with special names', async () => {
    const keys = ['m/1', 'm/<&">', 'm/ü']
    for (const key of keys) await client.put(key, Buffer.from('x'))
    const { deleted } = await client.deleteMulti([...keys, 'm/missing'])
    expect(deleted).toHaveLength(4)
    expect((await client.list({ prefix: 'm/', 'max-keys': 10 })).objects ?? []).toEqual([])
    expect((await client.deleteMulti(['m/1'], { quiet: true })).deleted).toEqual([])
  })

  it('lists page through keys and prefixes', async () => {
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

  it('an append is accepted only at the end of the object', async () => {
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

  it('buckets are created, described and, if empty, removed', async () => {
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

  it('an ACL and a symbolic link are stored', async () => {
    await client.put('acl', Buffer.from('x'))
    await client.putACL('acl', 'public-read')
    expect((await client.getACL('acl')).acl).toBe('public-read')
    await client.putSymlink('link', 'acl', {})
    expect((await client.get('link')).content.toString()).toBe('x')
    expect((await client.getSymlink('link')).targetName).toBe('acl')
  })
})
