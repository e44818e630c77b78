import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../emulator.ts'
import { type AliOssClient, aliOssClient } from '../testing/ali-oss-client.ts'
import { signedRequest } from '../testing/signed-request.ts'
import { DiskBlobs } from './disk-blobs.ts'

const PART = Buffer.alloc(2_500_000, 'part')
let dataDirectory: string
let emulator: OssEmulator
let client: AliOssClient

beforeEach(async () => {
  dataDirectory = mkdtempSync(join(tmpdir(), 'oss-emulator-'))
  await restart()
})
afterEach(async () => {
  await emulator.close()
  rmSync(dataDirectory, { recursive: true })
})

async function restart(): Promise<void> {
  await emulator?.close()
  emulator = await startOssEmulator({ dataDirectory })
  client = aliOssClient(emulator)
}

function blobs(): readonly string[] {
  return readdirSync(join(dataDirectory, 'blobs'))
}

describe('with a data directory', () => {
  it('objects, tags, buckets and open uploads survive a restart', async () => {
    await client.put('kept ü', PART, { meta: { a: '1' }, headers: { 'x-oss-tagging': 't=1' } })
    await client.putBucket('second')
    const { uploadId } = await client.initMultipartUpload('mp', { meta: { b: '2' } })
    const first = await client.uploadPart('mp', uploadId, 1, PART, 0, PART.length)
    await restart()
    expect(emulator.buckets).toEqual(['demo', 'second'])
    const got = await client.get('kept ü')
    expect(got.content.equals(PART)).toBe(true)
    expect(got.res.headers).toMatchObject({ 'x-oss-meta-a': '1', 'x-oss-tagging-count': '1' })
    const second = await client.uploadPart('mp', uploadId, 2, PART, 0, PART.length)
    await client.completeMultipartUpload('mp', uploadId, [
      { number: 1, etag: first.etag },
      { number: 2, etag: second.etag },
    ])
    await restart()
    const whole = await client.get('mp')
    expect(whole.content.equals(Buffer.concat([PART, PART]))).toBe(true)
    expect(whole.res.headers['x-oss-meta-b']).toBe('2')
    expect((await client.listUploads({ 'max-uploads': 10 })).uploads ?? []).toEqual([])
    expect(blobs()).toHaveLength(3)
  })

  it('an upload that breaks keeps the old object unchanged and leaves no bytes behind', async () => {
    await client.put('o', Buffer.from('old'))
    emulator.injectFault({ kind: 'reset-during-request', method: 'PUT', afterBytes: 1_000_000 })
    await expect(signedRequest(emulator, { method: 'PUT', key: 'o', body: PART })).rejects.toThrow()
    await emulator.close()
    expect(blobs()).toHaveLength(1)
    await restart()
    expect((await client.get('o')).content.toString()).toBe('old')
  })

  it('an upload that its client aborts keeps the old object unchanged', async () => {
    await client.put('o', Buffer.from('old'))
    const url = new URL(client.signatureUrl('o', { method: 'PUT' }))
    await new Promise<void>((resolve) => {
      const outgoing = request(url, { method: 'PUT', headers: { 'content-length': 10_000_000 } })
      outgoing.on('error', () => resolve())
      outgoing.write(PART, () => outgoing.destroy())
      outgoing.on('close', () => resolve())
    })
    await emulator.close()
    expect(blobs()).toHaveLength(1)
    await restart()
    expect((await client.get('o')).content.toString()).toBe('old')
  })

  it('bytes are removed with the last object that uses them', async () => {
    await client.put('a', PART)
    await client.copy('b', 'a')
    expect(blobs()).toHaveLength(1)
    await client.delete('a')
    expect((await client.get('b')).content.equals(PART)).toBe(true)
    await client.delete('b')
    await emulator.close()
    expect(blobs()).toEqual([])
  })

  it('a download continues while the object is overwritten', async () => {
    await client.put('o', PART)
    const { stream } = await client.getStream('o')
    await client.put('o', Buffer.from('new'))
    const chunks: Buffer[] = []
    for await (const chunk of stream) chunks.push(chunk)
    expect(Buffer.concat(chunks).equals(PART)).toBe(true)
  })

  it('leftovers of a crash are removed at the start', async () => {
    await emulator.close()
    writeFileSync(join(dataDirectory, 'blobs', 'leftover'), 'x')
    await restart()
    expect(blobs()).toEqual([])
  })
})

describe('a data directory', () => {
  it('belongs to one emulator at a time', async () => {
    await expect(startOssEmulator({ dataDirectory })).rejects.toThrow(/uses/)
    await restart()
  })

  it('is usable after a process was killed while it created a bucket', async () => {
    await emulator.close()
    mkdirSync(join(dataDirectory, 'buckets', 'half', 'keys'), { recursive: true })
    await restart()
    expect(emulator.buckets).toEqual(['demo'])
  })

  it('stores each byte of a body that arrives byte by byte', async () => {
    const bytes = Buffer.from(Array.from({ length: 5000 }, (_, i) => i & 0xff))
    const blobs = new DiskBlobs(join(dataDirectory, 'small'))
    const writer = await blobs.create()
    for (const byte of bytes) await writer.write(Uint8Array.of(byte))
    await writer.write(new Uint8Array())
    const blob = await writer.finish()
    const read: Uint8Array[] = []
    for await (const chunk of blobs.read({ blob, start: 0, sizeBytes: bytes.length }))
      read.push(Uint8Array.from(chunk))
    expect(Buffer.concat(read).equals(bytes)).toBe(true)
  })

  it('can be used again at once after its emulator was killed', async () => {
    await emulator.close()
    const gone = spawnSync(process.execPath, ['-e', '']).pid
    writeFileSync(join(dataDirectory, 'lock'), String(gone))
    await restart()
  })

  it('is unlocked if the emulator could not start', async () => {
    await emulator.close()
    await expect(startOssEmulator({ dataDirectory, buckets: ['BAD'] })).rejects.toThrow()
    const other = await startOssEmulator()
    await expect(startOssEmulator({ dataDirectory, port: other.port })).rejects.toThrow('EADDRINUSE')
    await other.close()
    await restart()
  })
})
