import { readFile, utimes, writeFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import type { Checkpoint } from '../../src/upload-checkpoint.ts'
import { random, rejection, type Subject } from '../subject.ts'
import { bound } from './objects.ts'

const PART = 102_400
const content = random(3 * PART + 1000)
/** Returns the checkpoint as a caller who stores it as JSON gets it back. */
const kept = (checkpoint: Checkpoint | null | undefined): Checkpoint => JSON.parse(JSON.stringify(checkpoint))

/** Uploads in parts, with `multipartUpload` and step by step. */
export function parts(subject: () => Subject): void {
  test('a file and a Buffer are uploaded in parts, and small content in one request', async () => {
    const { client, path, requests } = bound(subject())
    for (const size of [0, 1, PART - 1, PART, PART + 1, content.length]) {
      const bytes = content.subarray(0, size)
      await writeFile(path('in.txt'), bytes)
      const before = requests().length
      const byPath = await client.multipartUpload('a', path('in.txt'), { partSize: PART })
      const inParts = requests()
        .slice(before)
        .some((request) => request.includes('partNumber'))
      expect({ size, inParts }).toEqual({ size, inParts: size >= PART })
      const byBuffer = await client.multipartUpload('b', bytes, { partSize: PART, parallel: 2 })
      for (const { res, name, bucket, etag } of [byPath, byBuffer]) {
        expect({ status: res.status, bucket, etag }).toEqual({
          status: 200,
          bucket: 'demo',
          etag: res.headers['etag'],
        })
        expect((await client.get(name)).content).toEqual(bytes)
      }
      expect((await client.head('a')).res.headers['content-type']).toBe('text/plain')
    }
  })

  test('meta, mime and headers are stored with the object', async () => {
    const { client } = subject()
    const headers = { 'Cache-Control': 'no-store' }
    await client.multipartUpload('a', content, { meta: { owner: 'ops' }, mime: 'text/x-test', headers })
    const { meta, res } = await client.head('a')
    expect({ meta, ...res.headers }).toMatchObject({
      meta: { owner: 'ops' },
      'content-type': 'text/x-test',
      'cache-control': 'no-store',
    })
  })

  test('progress receives the fraction, the checkpoint and the response, and is awaited', async () => {
    const { client, differs } = bound(subject())
    const calls: { fraction: number; done: number | undefined; requestId: string | undefined }[] = []
    let waiting = 0
    await client.multipartUpload('a', content, {
      partSize: PART,
      parallel: 1,
      async progress(fraction, checkpoint, response) {
        waiting += 1
        expect(waiting).toBe(1)
        await Promise.resolve()
        waiting -= 1
        const done = checkpoint?.doneParts.length
        calls.push({ fraction, done, requestId: response?.headers['x-oss-request-id'] })
      },
    })
    const distinct = calls.filter((call, index) => call.fraction !== calls[index - 1]?.fraction)
    expect(distinct.map(({ fraction, done }) => [fraction, done])).toEqual([
      [0, 0],
      [0.2, 1],
      [0.4, 2],
      [0.6, 3],
      [0.8, 4],
      [1, undefined],
    ])
    expect(calls.length > distinct.length).toBe(differs('multipartUpload.progress'))
    expect(new Set(distinct.map(({ requestId }) => requestId)).size).toBe(6)
    expect(calls.every(({ requestId }) => requestId !== undefined)).toBe(true)
  })

  test('progress of a small file is 1', async () => {
    const { client } = subject()
    const calls: unknown[][] = []
    await client.multipartUpload('a', content.subarray(0, 5), { progress: (...all) => calls.push(all) })
    expect(calls).toEqual([[1]])
  })

  test('the checkpoint names the upload, and survives JSON', async () => {
    const { client, path } = bound(subject())
    await writeFile(path('in'), content)
    let checkpoint: Checkpoint | undefined
    const progress = (_: number, given?: Checkpoint | null) => {
      if (given) checkpoint = kept(given)
    }
    await client.multipartUpload('a', path('in'), { partSize: PART, progress })
    expect(checkpoint).toMatchObject({
      file: path('in'),
      name: 'a',
      fileSize: content.length,
      partSize: PART,
      uploadId: expect.any(String),
    })
    expect(checkpoint?.doneParts.map(({ number }) => number).sort()).toEqual([1, 2, 3, 4])
    for (const { etag } of checkpoint?.doneParts ?? []) expect(etag).toMatch(/^"[0-9A-F]{32}"$/)
  })

  test('the part size need not be a multiple of 16', async () => {
    const { client, requests, differs } = bound(subject())
    const partSize = PART + 1
    let used: number | undefined
    await client.multipartUpload('a', content, {
      partSize,
      progress: (_, checkpoint) => {
        used ??= checkpoint?.partSize
      },
    })
    expect(used).toBe(differs('multipartUpload.partSize') ? PART + 16 : PART + 1)
    expect(requests().filter((request) => request.includes('partNumber'))).toHaveLength(3 + 1)
    expect((await client.get('a')).content).toEqual(content)
  })

  test('a part size that is too small, or not a whole number, is refused before any request', async () => {
    const { client, requests } = bound(subject())
    for (const partSize of [PART - 1, PART + 0.5]) {
      await rejection(client.multipartUpload('a', content, { partSize }))
    }
    expect(requests()).toEqual([])
  })

  test('an error of progress fails the upload', async () => {
    const { client } = subject()
    const progress = () => {
      throw new Error('the display is gone')
    }
    expect(await rejection(client.multipartUpload('a', content, { progress }))).toMatchObject({
      message: expect.stringContaining('the display is gone'),
    })
    expect(await rejection(client.head('a'))).toMatchObject({ code: 'NoSuchKey' })
  })

  /** Runs an upload that fails permanently at part 3, and returns its last checkpoint. */
  async function interrupted(file: string | Buffer): Promise<Checkpoint> {
    const { client, emulator } = subject()
    emulator.injectFault({ kind: 'status-500', method: 'PUT', partNumber: 3, count: 100 })
    let checkpoint: Checkpoint | undefined
    const upload = client.multipartUpload('a', file, {
      partSize: PART,
      parallel: 1,
      progress(_, given) {
        if (given) checkpoint = kept(given)
      },
    })
    expect(await rejection(upload)).toMatchObject({ status: 500 })
    emulator.clearFaults()
    if (checkpoint === undefined) throw new Error('There was no checkpoint.')
    return checkpoint
  }

  test('an interrupted upload resumes from its checkpoint, and sends only the missing parts', async () => {
    const { client, path, requests } = bound(subject())
    await writeFile(path('in'), content)
    const checkpoint = await interrupted(path('in'))
    expect(checkpoint.doneParts.map(({ number }) => number)).toEqual([1, 2])
    const before = requests().length
    const other = subject().newClient()
    const fractions: number[] = []
    const progress = (fraction: number) => fractions.push(fraction)
    await other.multipartUpload('a', path('in'), { checkpoint, parallel: 1, progress })
    const sent = requests().slice(before)
    expect(sent.filter((request) => request.includes('partNumber='))).toHaveLength(2)
    expect(sent.some((request) => request.endsWith('?uploads'))).toBe(false)
    expect([...new Set(fractions)].filter((fraction) => fraction > 0.4)).toEqual([0.6, 0.8, 1])
    expect((await client.get('a')).content).toEqual(content)
  })

  test('the file and the name default to those of the checkpoint', async () => {
    const { client, path } = bound(subject())
    await writeFile(path('in'), content)
    const checkpoint = await interrupted(path('in'))
    await client.multipartUpload(undefined, undefined, { checkpoint })
    expect((await client.get('a')).content).toEqual(content)
  })

  test('an upload of a Buffer resumes too', async () => {
    const { client, requests, differs } = bound(subject())
    const checkpoint = await interrupted(content)
    const hasContent = JSON.stringify(checkpoint).length > content.length
    expect(hasContent).toBe(!differs('multipartUpload.content'))
    const before = requests().length
    await client.multipartUpload('a', content, { checkpoint: { ...checkpoint, file: content as never } })
    expect(
      requests()
        .slice(before)
        .filter((request) => request.includes('partNumber=')),
    ).toHaveLength(2)
    expect((await client.get('a')).content).toEqual(content)
  })

  test('a file that changed, even if its size and times are the same', async () => {
    const { client, path, differs } = bound(subject())
    await writeFile(path('in'), content)
    const time = new Date(1_700_000_000_000)
    await utimes(path('in'), time, time)
    const checkpoint = await interrupted(path('in'))
    const changed = random(content.length)
    await writeFile(path('in'), changed)
    await utimes(path('in'), time, time)
    const before = structuredClone(checkpoint)
    await client.multipartUpload('a', path('in'), { checkpoint, partSize: PART })
    const stored = (await client.get('a')).content
    if (differs('multipartUpload.changedFile')) {
      expect(stored).toEqual(changed)
      // The parts of the old file are freed.
      expect((await client.listUploads({})).uploads).toEqual([])
      expect(checkpoint).toEqual(before)
    } else {
      expect(stored).toEqual(Buffer.concat([content.subarray(0, 2 * PART), changed.subarray(2 * PART)]))
    }
  })

  test('a checkpoint whose upload no longer exists', async () => {
    const { client, path, differs } = bound(subject())
    await writeFile(path('in'), content)
    const checkpoint = await interrupted(path('in'))
    await client.abortMultipartUpload('a', checkpoint.uploadId)
    const upload = subject().newClient().multipartUpload('a', path('in'), { checkpoint })
    if (differs('multipartUpload.goneUpload')) {
      await upload
      expect((await client.get('a')).content).toEqual(await readFile(path('in')))
    } else expect(await rejection(upload)).toMatchObject({ name: 'abort', status: 0 })
  })

  test('what a failed upload leaves behind if no checkpoint is kept', async () => {
    const { client, emulator, differs } = bound(subject())
    emulator.injectFault({ kind: 'status-500', method: 'PUT', partNumber: 2, count: 100 })
    await rejection(client.multipartUpload('a', content, { partSize: PART }))
    const { uploads } = await client.listUploads({})
    expect(uploads).toHaveLength(differs('multipartUpload.leftovers') ? 0 : 1)
  })

  /** Starts an upload that waits after its first part until it is released. */
  function waiting(client: Subject['client'], name: string) {
    const begun = Promise.withResolvers<Checkpoint>()
    const release = Promise.withResolvers<void>()
    const upload = client.multipartUpload(name, content, {
      partSize: PART,
      parallel: 1,
      async progress(_, checkpoint) {
        if (checkpoint?.doneParts.length !== 1) return
        begun.resolve(kept({ ...checkpoint, file: '' }))
        await release.promise
      },
    })
    return {
      ended: rejection(upload).catch(() => 'completed' as const),
      begun: begun.promise,
      release: release.resolve,
    }
  }

  test('cancel stops all running uploads of the client, and they can resume', async () => {
    const { client, differs } = bound(subject())
    const uploads = [waiting(client, 'a'), waiting(client, 'b')]
    const checkpoints = await Promise.all(uploads.map(({ begun }) => begun))
    expect(client.isCancel()).toBeFalsy()
    client.cancel()
    expect(client.isCancel()).toBe(true)
    for (const { release } of uploads) release()
    for (const { ended } of uploads) {
      const error = await ended
      expect(error).toMatchObject({ name: 'cancel', status: 0 })
      expect(error instanceof Error).toBe(differs('multipartUpload.stopped'))
    }
    for (const checkpoint of checkpoints) {
      await client.multipartUpload(checkpoint.name, content, {
        checkpoint: { ...checkpoint, file: content as never },
      })
      expect((await client.get(checkpoint.name)).content).toEqual(content)
    }
    expect(client.isCancel()).toBe(false)
  })

  test('cancel with an argument stops one upload and frees its parts', async () => {
    const { client, differs } = bound(subject())
    const [cancelled, other] = [waiting(client, 'a'), waiting(client, 'b')]
    const [{ name, uploadId }] = await Promise.all([cancelled.begun, other.begun])
    client.cancel({ name, uploadId })
    cancelled.release()
    other.release()
    expect(await cancelled.ended).toMatchObject({ name: 'cancel' })
    const ended = await other.ended
    if (differs('cancel.one')) expect(ended).toBe('completed')
    else expect(ended).toMatchObject({ name: 'cancel' })
    await expect
      .poll(async () => (await client.listUploads({})).uploads.map((upload) => upload.name))
      .not.toContain('a')
  })

  test('abortMultipartUpload stops one upload', async () => {
    const { client, differs } = bound(subject())
    const [aborted, other] = [waiting(client, 'a'), waiting(client, 'b')]
    const [{ name, uploadId }] = await Promise.all([aborted.begun, other.begun])
    const { res } = (await client.abortMultipartUpload(name, uploadId)) as unknown as {
      res: { status: number }
    }
    expect(res.status).toBe(204)
    aborted.release()
    other.release()
    const [mine, others] = await Promise.all([aborted.ended, other.ended])
    if (differs('abortMultipartUpload.one')) {
      expect([mine, others]).toEqual([expect.objectContaining({ name: 'abort', status: 0 }), 'completed'])
    } else
      expect([mine, others]).toEqual([
        expect.objectContaining({ name: 'cancel' }),
        expect.objectContaining({ name: 'cancel' }),
      ])
  })

  test('an upload that another client aborted rejects with abort', async () => {
    const { client } = subject()
    const upload = waiting(client, 'a')
    const { name, uploadId } = await upload.begun
    await subject().newClient().abortMultipartUpload(name, uploadId)
    upload.release()
    expect(await upload.ended).toMatchObject({ name: 'abort', status: 0 })
  })

  test('aborting an upload that does not exist throws', async () => {
    const { client } = subject()
    expect(await rejection(client.abortMultipartUpload('a', 'none'))).toMatchObject({
      code: 'NoSuchUpload',
      status: 404,
    })
  })

  test('parts are sent one by one in any order, from bytes, a file and a stream', async () => {
    const { client, path } = bound(subject())
    await writeFile(path('in'), content)
    const options = { dataSize: content.length, partSize: PART, meta: { owner: 'ops' }, mime: 'text/x-test' }
    const { uploadId, bucket, name, res } = await client.initMultipartUpload('a', options)
    expect({ bucket, name, status: res.status }).toEqual({ bucket: 'demo', name: 'a', status: 200 })
    const files = [
      content,
      path('in'),
      Readable.from([content.subarray(2 * PART, 3 * PART)]),
      content,
    ] as const
    const done: { number: number; etag: string }[] = []
    for (const number of [4, 1, 3, 2]) {
      const [start, end] = [(number - 1) * PART, Math.min(number * PART, content.length)]
      const part = await client.uploadPart('a', uploadId, number, files[number - 1] ?? '', start, end)
      expect(part).toMatchObject({ name: 'a', etag: part.res.headers['etag'], res: { status: 200 } })
      done.push({ number, etag: part.etag })
    }
    const listed = await client.listParts('a', uploadId)
    expect(listed.parts.map(({ PartNumber, ETag }) => [Number(PartNumber), ETag])).toEqual(
      [...done].sort((a, b) => a.number - b.number).map(({ number, etag }) => [number, etag]),
    )
    const result = await client.completeMultipartUpload('a', uploadId, done)
    expect(result).toMatchObject({ bucket: 'demo', name: 'a', etag: result.res.headers['etag'] })
    expect((await client.get('a')).content).toEqual(content)
    expect(await client.head('a')).toMatchObject({ meta: { owner: 'ops' } })
  })

  test('a part and a completion send headers and return their own duration', async () => {
    const { client, emulator } = subject()
    const { uploadId } = await client.initMultipartUpload('a', { dataSize: PART, partSize: PART })
    // The durations of the two requests do not include the time before them.
    await new Promise((resolve) => setTimeout(resolve, 50))
    const begun = performance.now()
    const headers = { 'x-oss-traffic-limit': '819200' }
    const part = await client.uploadPart('a', uploadId, 1, content, 0, PART, { headers })
    expect(emulator.requests.at(-1)?.headers).toMatchObject({ 'x-oss-traffic-limit': '819200' })
    const done = [{ number: 1, etag: part.etag }]
    // The headers of the upload, which an app may reuse here.
    const ofObject = { 'Content-Length': '5', 'x-oss-object-acl': 'private' }
    const { res } = await client.completeMultipartUpload('a', uploadId, done, { headers: ofObject })
    expect(emulator.requests.at(-1)?.headers).toMatchObject({ 'x-oss-object-acl': 'private' })
    expect(part.res.rt + res.rt).toBeLessThanOrEqual(Math.ceil(performance.now() - begun) + 1)
  })

  test('parallel is a number or a string of any size', async () => {
    const { client } = subject()
    for (const parallel of ['3' as never, 1000]) {
      await client.multipartUpload('a', content, { partSize: PART, parallel })
      expect((await client.get('a')).content).toEqual(content)
    }
  })

  test('listParts of one part', async () => {
    const { client, differs } = bound(subject())
    const { uploadId } = await client.initMultipartUpload('a', { dataSize: content.length, partSize: PART })
    await client.uploadPart('a', uploadId, 2, content, PART, 2 * PART)
    expect(Array.isArray((await client.listParts('a', uploadId)).parts)).toBe(differs('listParts.array'))
  })

  test('an upload without its sizes', async () => {
    const { client, differs, requests } = bound(subject())
    for (const options of [undefined, {}, { dataSize: 5 }, { partSize: PART }]) {
      const begun = client.initMultipartUpload('a', options as never)
      if (differs('initMultipartUpload.sizes')) {
        expect(await rejection(begun)).toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
      } else await begun
    }
    expect(requests()).toHaveLength(differs('initMultipartUpload.sizes') ? 0 : 4)
  })

  test('parts of another length, other bytes, and uploads of other clients', async () => {
    const { client, differs } = bound(subject())
    const { uploadId } = await client.initMultipartUpload('a', { dataSize: content.length, partSize: PART })
    const strict = ['uploadPart.begun', 'uploadPart.length', 'uploadPart.again'].map(differs).includes(true)
    const short = client.uploadPart('a', uploadId, 1, content, 0, PART - 16)
    if (strict) expect(await rejection(short)).toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
    else await short
    await client.uploadPart('a', uploadId, 2, content, PART, 2 * PART)
    await client.uploadPart('a', uploadId, 2, content, PART, 2 * PART)
    const other = client.uploadPart('a', uploadId, 2, random(content.length), PART, 2 * PART)
    if (strict) expect(await rejection(other)).toMatchObject({ code: 'ERR_CSE_SOURCE_CHANGED' })
    else await other
    const strangers = subject().newClient().uploadPart('a', uploadId, 1, content, 0, PART)
    if (strict) expect(await rejection(strangers)).toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
    else await strangers
  })

  test('a completion that lists only some parts', async () => {
    const { client, differs } = bound(subject())
    const { uploadId } = await client.initMultipartUpload('a', { dataSize: 2 * PART, partSize: PART })
    const first = await client.uploadPart('a', uploadId, 1, content, 0, PART)
    const second = await client.uploadPart('a', uploadId, 2, content, PART, 2 * PART)
    const some = client.completeMultipartUpload('a', uploadId, [{ number: 1, etag: first.etag }])
    if (differs('completeMultipartUpload.list')) {
      expect(await rejection(some)).toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
      const all = [first, second].map(({ etag }, index) => ({ number: index + 1, etag }))
      const swapped = all.map(({ etag }, index) => ({ number: 2 - index, etag }))
      const wrong = client.completeMultipartUpload('a', uploadId, swapped)
      expect(await rejection(wrong)).toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
      await client.completeMultipartUpload('a', uploadId, all)
      expect((await client.get('a')).content).toEqual(content.subarray(0, 2 * PART))
    } else {
      await some
      expect((await client.get('a')).content).toEqual(content.subarray(0, PART))
    }
  })
}
