import { createReadStream, createWriteStream } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { Agent } from 'node:http'
import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { random, rejection, type Subject } from '../subject.ts'

/** Whole objects: each way to upload and to download returns the same bytes. */
export function objects(subject: () => Subject): void {
  test.each([
    ['a Buffer', () => random(100_000)],
    ['an empty Buffer', () => Buffer.alloc(0)],
    ['a Buffer of one byte', () => Buffer.of(7)],
  ])('%s is returned by get and getStream, in memory, in a file and through a stream', async (_, make) => {
    const { client, path } = bound(subject())
    const content = make()
    await client.put('a/ü b.bin', content)
    expect((await client.get('a/ü b.bin')).content).toEqual(content)
    expect(await buffer((await client.getStream('a/ü b.bin')).stream)).toEqual(content)
    const toFile = await client.get('a/ü b.bin', path('out'))
    expect(await readFile(path('out'))).toEqual(content)
    expect(toFile.res.status).toBe(200)
    const through = new PassThrough()
    const [toStream, read] = await Promise.all([client.get('a/ü b.bin', through), buffer(through)])
    expect(read).toEqual(content)
    expect(toStream.res.status).toBe(200)
  })

  test('put returns name, url and res', async () => {
    const { client } = subject()
    const result = await client.put('/a.txt', Buffer.from('abc'))
    expect(result).toMatchObject({
      name: 'a.txt',
      url: expect.stringMatching(/\/demo\/a\.txt$/),
      res: { status: 200, statusCode: 200, headers: { etag: expect.stringMatching(/^"[0-9A-F]{32}"$/) } },
    })
    expect(result.res.requestUrls[0]?.split('?')[0]).toBe(result.url)
    expect(result.res.rt).toBeGreaterThanOrEqual(0)
    expect(result).not.toHaveProperty('data')
  })

  test('a string is the path of a file, and its extension determines the type', async () => {
    const { client, path } = bound(subject())
    await writeFile(path('in.js'), 'let a')
    await client.put('a', path('in.js'))
    const { content, res } = await client.get('a')
    expect(String(content)).toBe('let a')
    expect(res.headers['content-type']).toBe('application/javascript')
  })

  test('a missing file throws ENOENT, and a path that is not a file is refused', async () => {
    const { client, path, directory, requests } = bound(subject())
    expect(await rejection(client.put('a', path('none')))).toMatchObject({ code: 'ENOENT' })
    await rejection(client.put('a', directory))
    expect(requests()).toEqual([])
  })

  test('the type is that of mime, of the header, or of the name’s extension', async () => {
    const { client } = subject()
    const type = async (name: string, options: object) => {
      await client.put(name, Buffer.from('x'), options)
      return (await client.head(name)).res.headers['content-type']
    }
    expect(await type('a.png', {})).toBe('image/png')
    expect(await type('a.png', { mime: 'text/x-test' })).toBe('text/x-test')
    expect(await type('a.png', { mime: 'json' })).toBe('application/json')
    expect(await type('a.png', { headers: { 'Content-Type': 'text/css' }, mime: 'json' })).toBe('text/css')
    expect(await type('a', {})).toBe('application/octet-stream')
  })

  test('meta and headers are stored with the object, as strings', async () => {
    const { client } = subject()
    const meta = { author: 'ops', uid: 12, draft: false }
    const headers = { 'Cache-Control': 'no-store', 'x-oss-storage-class': 'IA' }
    await client.put('a', Buffer.from('x'), { meta, headers })
    const { status, meta: stored, res } = await client.head('a')
    expect(status).toBe(200)
    expect(stored).toEqual({ author: 'ops', uid: '12', draft: 'false' })
    expect(res.headers).toMatchObject({ 'cache-control': 'no-store', 'x-oss-storage-class': 'IA' })
  })

  test('an object without meta has meta null', async () => {
    const { client, emulator } = subject()
    await client.put('a', Buffer.from('abc'))
    expect((await client.head('a')).meta).toBeNull()
    const envelope = Object.keys((await emulator.getStoredObject('demo', 'a'))?.headers ?? {}).filter(
      (name) => name.includes('client-side-encryption'),
    )
    expect(envelope.length > 0).toBe(subject().differs('head.meta'))
  })

  test('head and getObjectMeta return the length', async () => {
    const { client } = subject()
    await client.put('a', random(1234))
    expect((await client.head('a')).res.headers['content-length']).toBe('1234')
    const { status, res } = await client.getObjectMeta('a')
    expect({ status, length: res.headers['content-length'] }).toEqual({ status: 200, length: '1234' })
  })

  test('the bucket holds the content, or ciphertext of the same length, or a sealed object', async () => {
    const { client, emulator, kind } = subject()
    const content = random(1000)
    const { res } = await client.put('a', content)
    const stored = await emulator.getStoredObject('demo', 'a')
    expect(Buffer.from(stored?.bytes ?? []).equals(content)).toBe(kind === 'OSS')
    expect(stored?.bytes.length).toBe(kind === 'sealing CryptoOSS' ? 1056 : 1000)
    expect('content-md5' in res.headers).toBe(!subject().differs('everywhere.response'))
  })

  test('put and putStream upload a stream, with and without its length', async () => {
    const { client, path } = bound(subject())
    const content = random(300_000)
    await writeFile(path('in'), content)
    await client.put('a', createReadStream(path('in')))
    for (const contentLength of [String(content.length) as never, content.length]) {
      await client.putStream('b', createReadStream(path('in')), { contentLength })
    }
    const result = await client.putStream(
      'c.txt',
      Readable.from([content.subarray(0, 7), content.subarray(7)]),
    )
    for (const name of ['a', 'b', 'c.txt']) expect((await client.get(name)).content).toEqual(content)
    expect(result).toMatchObject({
      name: 'c.txt',
      url: expect.stringMatching(/c\.txt$/),
      res: { status: 200 },
    })
  })

  test('anything but a path, bytes or a stream is refused', async () => {
    const { client, requests } = bound(subject())
    for (const body of [undefined, null, 7, {}]) await rejection(client.put('a', body as never))
    await rejection(client.putStream('a', 'in.txt' as never))
    expect(requests()).toEqual([])
  })

  test('other kinds of bytes and streams', async () => {
    const { client, differs } = bound(subject())
    const bodies = [
      new Uint8Array([1, 2, 3]),
      new Blob([Uint8Array.of(1, 2, 3)]),
      new Blob([Uint8Array.of(1, 2, 3)]).stream(),
    ]
    for (const body of bodies) {
      if (differs('put.bodies')) {
        await client.put('a', body as never)
        expect((await client.get('a')).content).toEqual(Buffer.of(1, 2, 3))
      } else expect(await rejection(client.put('a', body as never))).toBeInstanceOf(TypeError)
    }
  })

  test('a failing stream fails the upload, and the object stays unchanged', async () => {
    const { client, differs } = bound(subject())
    await client.put('a', Buffer.from('old'))
    const failing = () =>
      Readable.from(
        (async function* () {
          yield random(100_000)
          throw new Error('the disk is gone')
        })(),
      )
    for (const upload of [() => client.put('a', failing()), () => client.putStream('a', failing())]) {
      const error = await rejection(upload())
      if (differs('put.failingStream')) {
        expect(error).toMatchObject({ code: 'ERR_CSE_SOURCE', cause: { message: 'the disk is gone' } })
      } else expect(error['message']).not.toContain('the disk is gone')
    }
    expect(String((await client.get('a')).content)).toBe('old')
  })

  test('a stream longer than its contentLength', async () => {
    const { emulator, differs } = bound(subject())
    // The bytes that ali-oss sends after the announced ones corrupt the connection, so it must not be reused.
    const client = subject().newClient({ agent: new Agent() })
    const upload = client.putStream('a', Readable.from([Buffer.from('abcdef')]), { contentLength: 3 })
    if (differs('put.wrongLength')) {
      expect(await rejection(upload)).toMatchObject({ code: 'ERR_CSE_SOURCE' })
      expect(await emulator.getStoredObject('demo', 'a')).toBeUndefined()
    } else {
      // The service takes the announced bytes and drops the rest (EC page 0017-00000103).
      await upload
      const stored = await emulator.getStoredObject('demo', 'a')
      expect(String(Buffer.from(stored?.bytes ?? []))).toBe('abc')
    }
  })

  test('a Content-MD5 that does not match the content', async () => {
    const { client, differs } = bound(subject())
    const headers = { 'Content-MD5': 'XUFAKrxLKna5cZ2REBfFkg==' }
    const put = client.put('a', Buffer.from('abc'), { headers })
    const putStream = client.putStream('b', Readable.from([Buffer.from('abc')]), { headers: { ...headers } })
    if (differs('put.contentMd5')) await Promise.all([put, putStream])
    else {
      expect(await rejection(put)).toMatchObject({ code: 'InvalidDigest' })
      expect(await rejection(putStream)).toMatchObject({ code: 'InvalidDigest' })
    }
  })

  test('x-oss-forbid-overwrite keeps the existing object', async () => {
    const { client } = subject()
    await client.put('a', Buffer.from('old'))
    const headers = { 'x-oss-forbid-overwrite': 'true' }
    expect(await rejection(client.put('a', Buffer.from('new'), { headers }))).toMatchObject({
      name: 'FileAlreadyExistsError',
      code: 'FileAlreadyExists',
      status: 409,
    })
    expect(String((await client.get('a')).content)).toBe('old')
  })

  test('content with a Content-Encoding is decompressed in memory, and not in files and streams', async () => {
    const { client, path } = bound(subject())
    const zipped = gzipSync('plain text')
    await client.put('a.txt', zipped, { headers: { 'Content-Encoding': 'gzip' } })
    expect(String((await client.get('a.txt')).content)).toBe('plain text')
    expect(await buffer((await client.getStream('a.txt')).stream)).toEqual(zipped)
    await client.get('a.txt', path('out'))
    expect(await readFile(path('out'))).toEqual(zipped)
    const out = createWriteStream(path('out2'))
    await client.get('a.txt', out)
    expect(await readFile(path('out2'))).toEqual(zipped)
  })

  test('content that exceeds the limit after decompression, or does not match its Content-Encoding, throws', async () => {
    const { differs } = bound(subject())
    const client = subject().newClient({ maxDecompressedBytes: 1_000_000 })
    const headers = { 'Content-Encoding': 'gzip' }
    await client.put('bomb', gzipSync(Buffer.alloc(3_000_000)), { headers })
    await client.put('broken', Buffer.from('no gzip'), { headers })
    const broken = await rejection(client.get('broken'))
    if (differs('get.decompressed')) {
      const refused = { code: 'ERR_CSE_DECOMPRESSION' }
      expect(await rejection(client.get('bomb'))).toMatchObject({ ...refused, objectKey: 'bomb' })
      expect(broken).toMatchObject({ ...refused, message: expect.not.stringContaining('no gzip') })
    } else {
      expect((await client.get('bomb')).content).toHaveLength(3_000_000)
      expect(broken).toMatchObject({ message: expect.stringContaining('no gzip') })
    }
  })

  test('versions are read by versionId and by subres', async () => {
    const { client } = subject()
    await client.putBucketVersioning('demo', 'Enabled')
    const first = await client.put('a', Buffer.from('one'))
    await client.put('a', Buffer.from('two'))
    const versionId = first.res.headers['x-oss-version-id'] ?? ''
    expect(String((await client.get('a', { versionId })).content)).toBe('one')
    expect(String((await client.get('a', { subres: { versionId } })).content)).toBe('one')
    expect(String(await buffer((await client.getStream('a', { subres: { versionId } })).stream))).toBe('one')
    expect((await client.head('a', { versionId })).res.headers['x-oss-version-id']).toBe(versionId)
    expect((await client.getObjectMeta('a', { versionId })).res.headers['x-oss-version-id']).toBe(versionId)
    const { objects } = await client.getBucketVersions()
    expect(objects.map(({ name }) => name)).toEqual(['a', 'a'])
  })
}

/** The subject with bound methods, for destructuring. */
export function bound(subject: Subject) {
  return {
    kind: subject.kind,
    client: subject.client,
    emulator: subject.emulator,
    directory: subject.directory,
    path: (name: string) => subject.path(name),
    differs: (difference: string) => subject.differs(difference),
    requests: () => subject.requests,
  }
}
