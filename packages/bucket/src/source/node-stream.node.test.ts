import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex, PassThrough, Readable, Stream, Writable } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { impatientTransport } from '../../test/impatient-transport.ts'
import { memoryBucket } from '../../test/memory-bucket.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

async function ended<S extends Writable>(stream: S): Promise<S> {
  stream.end()
  await once(stream, 'finish')
  return stream
}

const sink = () => new Writable({ write: (_chunk, _encoding, done) => done() })

test.each([
  [
    'one that was read',
    async () => {
      const stream = Readable.from(['abc'])
      for await (const _ of stream);
      return stream
    },
  ],
  [
    'one from which a chunk was read',
    async () => {
      const stream = Readable.from(['abc', 'def'])
      await stream[Symbol.asyncIterator]().next()
      return stream
    },
  ],
  [
    'one that was destroyed',
    async () => {
      const stream = Readable.from(['abc'])
      stream.destroy()
      return stream
    },
  ],
  ['an open Writable', async () => sink()],
  ['a Writable that has ended', async () => ended(sink())],
  [
    'a file that is being written',
    async () => {
      const directory = await mkdtemp(join(tmpdir(), 'node-stream-'))
      const stream = createWriteStream(join(directory, 'file'))
      onTestFinished(async () => {
        await ended(stream)
        await rm(directory, { recursive: true })
      })
      return stream
    },
  ],
  ['a Duplex with nothing to read', async () => new Duplex({ readable: false, write: () => {} } as object)],
  ['an old-style stream', async () => Object.assign(new Stream(), { readable: true })],
])('a stream that cannot be read to its end is refused before any request: %s', async (_, make) => {
  const { bucket, transport } = memoryBucket()
  await bucket.put('a', 'good')
  transport.requests.length = 0
  await expect(bucket.put('a', (await make()) as never)).rejects.toMatchObject({
    code: 'ERR_CSE_INVALID_ARGUMENT',
  })
  expect(transport.requests).toEqual([])
  expect(await bucket.getBytes('a')).toEqual(bytes('good'))
})

test.each([
  ['an object', [{ a: 1 }]],
  ['an object after text', ['abc', { a: 1 }, 'def']],
  ['a number', [1]],
  ['an array', [['abc']]],
])('a stream in object mode that yields %s fails the upload and nothing else', async (_, chunks) => {
  const { bucket } = memoryBucket()
  await bucket.put('a', 'good')
  const stream = Readable.from(chunks)
  await expect(bucket.put('a', stream as never)).rejects.toMatchObject({ code: 'ERR_CSE_SOURCE' })
  expect(stream.destroyed).toBe(true)
  expect(await bucket.getBytes('a')).toEqual(bytes('good'))
})

test.each([
  ['bytes', () => Readable.from([bytes('ab'), bytes('cä')])],
  ['text in object mode', () => Readable.from(['ab', 'cä'])],
  ['text of its encoding', () => new PassThrough({ encoding: 'utf8' }).end('abcä')],
  ['nothing', () => Readable.from([])],
])('a stream of %s is uploaded unchanged', async (what, make) => {
  const { bucket } = memoryBucket()
  await bucket.put('a', make())
  expect(await bucket.getBytes('a')).toEqual(bytes(what === 'nothing' ? '' : 'abcä'))
})

test('a stream that is already flowing, to a listener or a pipe, is uploaded whole, and they receive all of it too', async () => {
  const { bucket } = memoryBucket()
  for (const listen of [
    (stream: Readable, hear: (chunk: Uint8Array) => void) => void stream.on('data', hear),
    (stream: Readable, hear: (chunk: Uint8Array) => void) =>
      void stream.pipe(
        new Writable({
          write(chunk: Uint8Array, _encoding, done) {
            hear(chunk)
            done()
          },
        }),
      ),
  ]) {
    const chunks = Array.from({ length: 50 }, (_, n) => new Uint8Array(1000).fill(n))
    const heard: Uint8Array[] = []
    const stream = Readable.from(chunks, { objectMode: false })
    listen(stream, (chunk) => heard.push(chunk))
    await bucket.put('a', stream)
    expect(Buffer.from(await bucket.getBytes('a')).equals(Buffer.concat(chunks))).toBe(true)
    expect(Buffer.concat(heard).equals(Buffer.concat(chunks))).toBe(true)
  }
})

test('a stream that is read elsewhere before the upload reads it is a source failure', async () => {
  const { bucket, transport } = memoryBucket()
  const stream = Readable.from(['abc', 'def'])
  transport.intercept = async () => {
    for await (const _ of stream);
  }
  await expect(bucket.put('a', stream)).rejects.toMatchObject({ code: 'ERR_CSE_SOURCE' })
  expect(transport.objects.size).toBe(0)
})

test('a stream that fails before it is read fails the upload with its error as the cause, and does not end the process', async () => {
  const { bucket, transport } = memoryBucket()
  const broken = new Error('the disk is gone')
  const stream = new PassThrough()
  transport.intercept = async () => {
    stream.destroy(broken)
    await new Promise((resolve) => stream.once('close', resolve))
  }
  await expect(bucket.put('a', stream)).rejects.toMatchObject({ code: 'ERR_CSE_SOURCE', cause: broken })
})

test('a stream is closed when its upload is refused before it is read, by the service or before any request', async () => {
  const { bucket, transport } = memoryBucket()
  transport.intercept = () => {
    throw new Error('no')
  }
  const reason = new Error('stop')
  for (const options of [{}, { headers: { range: 'bytes=0-1' } }, { signal: AbortSignal.abort(reason) }]) {
    const stream = new PassThrough()
    await expect(bucket.put('a', stream, options)).rejects.toThrow(/no|range|stop/)
    expect(stream.destroyed).toBe(true)
  }
})

test('a stalled stream is closed when its upload is aborted: as a whole body and as a part', async () => {
  const { bucket } = memoryBucket({ transport: impatientTransport() })
  const upload = await bucket.initiateMultipartUpload('parts', { sizeBytes: 200_000 })
  for (const send of [
    (stream: PassThrough, signal: AbortSignal) => bucket.put('a', stream, { signal }),
    (stream: PassThrough, signal: AbortSignal) => upload.uploadPart(1, stream, { signal }),
  ]) {
    for (const beginning of ['', 'abc']) {
      const controller = new AbortController()
      const reason = new Error('stop')
      const stream = new PassThrough()
      if (beginning) stream.write(beginning)
      const sent = send(stream, controller.signal)
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
      controller.abort(reason)
      await expect(sent).rejects.toBe(reason)
      expect(stream.destroyed).toBe(true)
    }
  }
  await upload.close()
})

test('a Duplex that was read to its end can still be written to', async () => {
  const { bucket } = memoryBucket()
  const written: unknown[] = []
  const socket = new Duplex({
    read() {
      this.push('question')
      this.push(null)
    },
    write(chunk, _encoding, done) {
      written.push(String(chunk))
      done()
    },
  })
  await bucket.put('a', socket)
  expect(socket.destroyed).toBe(false)
  await new Promise((resolve) => socket.end('answer', () => resolve(undefined)))
  expect(written).toEqual(['answer'])
})
