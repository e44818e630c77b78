import { createWriteStream } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { PassThrough, Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { random, rejection, type Subject } from '../subject.ts'
import { bound } from './objects.ts'

/** Ranges, conditions and failures of reads. */
export function reads(subject: () => Subject): void {
  const content = random(1000)

  test('each range of a small object is returned with its status and headers', async () => {
    const { client } = subject()
    await client.put('a', content.subarray(0, 40))
    for (let start = 0; start < 40; start++) {
      for (const end of [start, Math.min(start + 15, 39), 39]) {
        const { content: read, res } = await client.get('a', { headers: { Range: `bytes=${start}-${end}` } })
        expect(read).toEqual(content.subarray(start, end + 1))
        expect({ status: res.status, ...res.headers }).toMatchObject({
          status: 206,
          'content-range': `bytes ${start}-${end}/40`,
          'content-length': String(end + 1 - start),
        })
      }
    }
  })

  test.each([
    ['bytes=990-', 990, 1000],
    ['bytes=-7', 993, 1000],
    ['bytes=100-199', 100, 200],
    ['bytes=0-0', 0, 1],
  ])('the range %s, in any case of the header’s name', async (range, start, end) => {
    const { client, path } = bound(subject())
    await client.put('a', content)
    for (const headers of [{ Range: range }, { range }, { RANGE: range }]) {
      const { stream, res } = await client.getStream('a', { headers })
      expect(await buffer(stream)).toEqual(content.subarray(start, end))
      expect(res.headers['content-range']).toBe(`bytes ${start}-${end - 1}/1000`)
      const { statusCode, headers: ofStream } = stream
      expect([statusCode, ofStream['content-range']]).toEqual([206, res.headers['content-range']])
    }
    await client.get('a', path('out'), { headers: { Range: range } })
    expect(await readFile(path('out'))).toEqual(content.subarray(start, end))
  })

  test('an invalid range returns the whole object', async () => {
    const { client } = subject()
    await client.put('a', content)
    for (const range of ['byte=0-1', 'bytes=5-2', 'bytes=-', 'nonsense']) {
      const { content: read, res } = await client.get('a', { headers: { Range: range } })
      expect({ whole: read?.equals(content), status: res.status }).toEqual({ whole: true, status: 200 })
    }
  })

  test('the first of several ranges is returned', async () => {
    const { client } = subject()
    await client.put('a', content)
    const { content: read, res } = await client.get('a', { headers: { Range: 'bytes=1-5,10-20' } })
    expect({ bytes: read, status: res.status }).toEqual({ bytes: content.subarray(1, 6), status: 206 })
  })

  test('a range beyond the end of the object', async () => {
    const { client, differs } = bound(subject())
    await client.put('a', content)
    const over = await client.getStream('a', { headers: { Range: 'bytes=900-2000' } })
    const read = await buffer(over.stream)
    if (differs('get.range')) {
      expect({ status: over.res.status, bytes: read }).toEqual({ status: 206, bytes: content.subarray(900) })
      for (const start of [1000, 1005, 2000]) {
        const headers = { Range: `bytes=${start}-` }
        const invalid = { name: 'InvalidRangeError', code: 'InvalidRange', status: 416 }
        expect(await rejection(client.get('a', { headers }))).toMatchObject(invalid)
        expect(await rejection(client.getStream('a', { headers }))).toMatchObject(invalid)
      }
    } else {
      expect({ status: over.res.status, bytes: read }).toEqual({ status: 200, bytes: content })
      const behind = await client.get('a', { headers: { Range: 'bytes=1000-' } })
      expect({ status: behind.res.status, bytes: behind.content }).toEqual({ status: 200, bytes: content })
    }
  })

  test('with x-oss-range-behavior: standard, both follow HTTP', async () => {
    const { client } = subject()
    await client.put('a', content)
    const headers = { Range: 'bytes=900-2000', 'x-oss-range-behavior': 'standard' }
    const { content: read, res } = await client.get('a', { headers })
    expect({ status: res.status, bytes: read }).toEqual({ status: 206, bytes: content.subarray(900) })
    const behind = { ...headers, Range: 'bytes=1000-' }
    expect(await rejection(client.get('a', { headers: behind }))).toMatchObject({
      code: 'InvalidRange',
      status: 416,
    })
  })

  test('an object that is not modified returns status 304, its ETag and no content', async () => {
    const { client, path, differs } = bound(subject())
    const etag = (await client.put('a', content)).res.headers['etag'] ?? ''
    const headers = { 'If-None-Match': etag }
    const got = await client.get('a', { headers })
    expect(got).toMatchObject({ content: Buffer.alloc(0), res: { status: 304, headers: { etag } } })
    const opened = await client.getStream('a', { headers })
    expect(opened.res).toMatchObject({ status: 304, headers: { etag } })
    expect(await buffer(opened.stream)).toEqual(Buffer.alloc(0))
    expect(await client.head('a', { headers })).toMatchObject({
      status: 304,
      meta: null,
      res: { status: 304 },
    })
    const through = new PassThrough()
    const [ended, nothing] = await Promise.all([client.get('a', through, { headers }), buffer(through)])
    expect([ended.res.status, nothing.length]).toEqual([304, 0])
    await writeFile(path('out'), 'old')
    expect((await client.get('a', path('out'), { headers })).res.status).toBe(304)
    expect(await readFile(path('out'), 'utf8')).toBe(differs('get.unmodifiedFile') ? 'old' : '')
  })

  test('a large file is read in one request where that is asked for, and arrives whole', async () => {
    const { client, path, differs } = bound(subject())
    const large = random(17 * 2 ** 20 + 3)
    await client.put('large', large)
    const requestsOf = async (reader: typeof client, options?: object): Promise<number> => {
      const before = subject().requests.length
      await reader.get('large', path('out'), options)
      expect((await readFile(path('out'))).equals(large)).toBe(true)
      return subject().requests.length - before
    }
    expect(await requestsOf(client)).toBe(differs('get.ranges') ? 2 : 1)
    expect(await requestsOf(client, { parallel: 1 })).toBe(1)
    expect(await requestsOf(client, { headers: { 'X-Oss-Traffic-Limit': 838_860_800 } })).toBe(1)
    expect(await requestsOf(subject().newClient({ fileWorkers: 0 }))).toBe(1)
  })

  test('a precondition that fails', async () => {
    const { client } = subject()
    await client.put('a', content)
    const headers = { 'If-Match': '"0"' }
    for (const call of [
      () => client.get('a', { headers }),
      () => client.getStream('a', { headers }),
      () => client.head('a', { headers }),
    ]) {
      expect(await rejection(call())).toMatchObject({
        name: 'PreconditionFailedError',
        code: 'PreconditionFailed',
        status: 412,
      })
    }
  })

  test('an object that does not exist', async () => {
    const { client, path, emulator, differs } = bound(subject())
    for (const call of [
      () => client.get('none'),
      () => client.get('none', new PassThrough()),
      () => client.getStream('none'),
      () => client.head('none'),
      () => client.getObjectMeta('none'),
    ]) {
      const error = await rejection(call())
      expect(error).toBeInstanceOf(Error)
      expect(error).toMatchObject({ name: 'NoSuchKeyError', code: 'NoSuchKey', status: 404 })
      expect(error['requestId']).toBe(emulator.requests.at(-1)?.requestId)
    }
    const error = await rejection(client.get('none'))
    expect(String(error['message']).includes('"none"')).toBe(differs('everywhere.errors'))
    await writeFile(path('out'), 'old')
    await rejection(client.get('none', path('out')))
    if (differs('get.failedFile')) expect(await readFile(path('out'), 'utf8')).toBe('old')
    else expect(await rejection(readFile(path('out')))).toMatchObject({ code: 'ENOENT' })
  })

  test('a bucket that does not exist, and a wrong access key', async () => {
    const { client } = subject()
    client.useBucket('no-such-bucket')
    expect(await rejection(client.put('a', content))).toMatchObject({
      name: 'NoSuchBucketError',
      code: 'NoSuchBucket',
      status: 404,
    })
    const stranger = subject().newClient({ accessKeySecret: 'wrong' })
    for (const call of [() => stranger.put('a', content), () => stranger.get('a')]) {
      expect(await rejection(call())).toMatchObject({
        name: 'SignatureDoesNotMatchError',
        code: 'SignatureDoesNotMatch',
        status: 403,
      })
    }
  })

  test('a service that cannot be reached', async () => {
    const { newClient } = { newClient: subject().newClient.bind(subject()) }
    const client = newClient({ endpoint: 'http://localhost:9', retryMax: 0, retry: { maxAttempts: 1 } })
    for (const call of [() => client.put('a', content), () => client.get('a'), () => client.head('a')]) {
      expect(await rejection(call())).toMatchObject({
        name: 'RequestError',
        code: 'RequestError',
        status: -1,
      })
    }
  })

  test('an argument that is neither a target nor options means no target', async () => {
    const { client } = subject()
    await client.put('a', content)
    const options = () => ({ headers: { Range: 'bytes=10-19' } })
    for (const given of [1, true, false, null, undefined, [], () => {}, Symbol('a')]) {
      const { content: got, res } = await client.get('a', given as never, options())
      expect([got, res.status]).toEqual([content.subarray(10, 20), 206])
    }
    expect((await client.get('a', options())).content).toEqual(content.subarray(10, 20))
    expect((await client.get('a', {} as never, options())).content).toEqual(content)
  })

  test('a target that cannot be opened fails only the call, whether the object exists or not', async () => {
    const { client, path } = bound(subject())
    await client.put('a', content)
    for (const name of ['a', 'none']) {
      const target = createWriteStream(path('no directory/file'))
      const closed = new Promise<void>((resolve) => target.once('close', resolve))
      const error = await rejection(client.get(name, target))
      // Either failure may come first. ali-oss loses that of the target if the response came before it.
      if (subject().kind === 'CryptoOSS') {
        expect(error['message']).toMatch(name === 'a' ? /ENOENT/ : /ENOENT|not exist/)
      } else expect(error).toBeInstanceOf(Error)
      await closed
    }
    expect((await client.get('a')).content).toEqual(content)
  })

  test('a target that fails during a write fails the call', async () => {
    const { client } = subject()
    await client.put('a', content)
    const target = new Writable({ write: (_chunk, _encoding, done) => done(new Error('the disk is full')) })
    const error = await rejection(client.get('a', target))
    if (subject().kind === 'CryptoOSS') expect(error).toMatchObject({ message: 'the disk is full' })
    else expect(error).toBeInstanceOf(Error)
  })

  test('a stream that is not read to its end does not block other calls', async () => {
    const { client } = subject()
    await client.put('a', random(5_000_000))
    const { stream } = await client.getStream('a')
    for await (const chunk of stream) {
      expect(chunk).toBeInstanceOf(Buffer)
      break
    }
    expect((await client.head('a')).status).toBe(200)
  })

  test('a plain object', async () => {
    const { client, emulator, differs } = bound(subject())
    await emulator.putStoredObject('demo', 'a', { bytes: content })
    const reads = [
      () => client.get('a'),
      async () => ({ content: await buffer((await client.getStream('a')).stream) }),
    ]
    for (const read of reads) {
      if (differs('get.plain')) {
        expect(await rejection(read())).toMatchObject({ code: 'ERR_CSE_NOT_ENCRYPTED' })
      } else expect((await read()).content).toEqual(content)
    }
    expect((await client.get('a', { onPlainObject: 'passthrough' })).content).toEqual(content)
    const migrating = subject().newClient({ onPlainObject: 'passthrough' })
    expect((await migrating.get('a', { headers: { Range: 'bytes=3-20' } })).content).toEqual(
      content.subarray(3, 21),
    )
    expect((await client.head('a')).status).toBe(200)
  })

  test('process', async () => {
    const { client, differs, requests } = bound(subject())
    await client.put('a', content)
    const before = requests().length
    const process = 'image/resize,w_200'
    for (const call of [
      () => client.get('a', { process }),
      () => client.getStream('a', { process }),
      () => client.get('a', { subres: { 'x-oss-process': process } }),
    ]) {
      const error = await rejection(call())
      if (differs('get.process')) {
        expect({ code: error['code'], sent: requests().length - before }).toEqual({
          code: 'ERR_CSE_OPERATION_REFUSED',
          sent: 0,
        })
      } else expect(requests().length).toBeGreaterThan(before)
    }
  })
}
