import { createTestProvider, type MemoryTransport } from '@oss-cse/crypto-core/testing'
import { describe, expect, test } from 'vitest'
import { broken, pattern } from '../../test/bytes.ts'
import { memoryBucket } from '../../test/memory-bucket.ts'
import { lost } from '../../test/multipart.ts'
import type { CryptoBucketOptions } from '../crypto-bucket.ts'

const Z = 65_536
const code = (value: string) => expect.objectContaining({ code: value })
const data = pattern(3 * Z)

/** A bucket of each format, with the object `a` in it. */
async function stored(format: CryptoBucketOptions['format'], plaintext = data) {
  const provider = createTestProvider()
  const made = memoryBucket({ provider, format })
  const put = await made.bucket.put('a', plaintext, { metadata: { colour: 'red' } })
  made.transport.requests.length = 0
  return { ...made, provider, put }
}

/** Changes one stored byte, and the checksum with it, as somebody does who may write to the bucket. */
async function alter(transport: MemoryTransport, at: number): Promise<void> {
  const object = transport.objects.get('a')
  if (object === undefined) throw new Error('not stored')
  const { headers, bytes } = object
  await transport.plant(
    'a',
    bytes.map((byte, i) => (i === at ? byte ^ 1 : byte)),
    headers,
  )
}

describe('verify', () => {
  test.each([0, 1, Z - 56, Z - 55, data.length])(
    'reads a sealed object of %i bytes in one request, and returns what was verified',
    async (sizeBytes) => {
      const { bucket, transport, put } = await stored('sealed', data.subarray(0, sizeBytes))
      const { headers, ...result } = await bucket.verify('a')
      expect(result).toEqual({
        key: 'a',
        sizeBytes,
        sealed: true,
        commitment: put.commitment,
        verification: 'aead',
        envelope: expect.objectContaining({ cekAlgorithm: 'AES256_GCM_HKDF_64KB' }),
        metadata: { colour: 'red' },
        etag: put.etag,
        crc64: put.crc64,
        lastModified: expect.any(Date),
        contentType: expect.any(String),
      })
      expect(headers).toMatchObject({ etag: put.etag })
      expect(transport.requests.map(({ operation }) => operation)).toEqual(['get'])
    },
  )

  test('compares the checksum of an object that is not sealed, or its length if the service has none', async () => {
    const { bucket, transport } = await stored('aes-ctr')
    const whole = { sizeBytes: data.length, sealed: false, verification: 'crc64' }
    const result = await bucket.verify('a')
    expect(result).toMatchObject(whole)
    expect(result).not.toHaveProperty('commitment')
    transport.alterGet = (response) => {
      const { 'x-oss-hash-crc64ecma': _, ...headers } = response.headers
      return { ...response, headers }
    }
    expect(await bucket.verify('a')).toMatchObject({ ...whole, verification: 'length' })
  })

  test.each([
    ['the first segment', 100, 0, Z - 57],
    ['a segment in the middle', Z + 5, Z - 56, 2 * Z - 73],
    ['the last segment', 3 * Z + 1, 3 * Z - 88, 3 * Z - 1],
  ])('names the bytes that are not authentic, as data: %s', async (_, at, start, end) => {
    const { bucket, transport } = await stored('sealed')
    await alter(transport, at)
    await expect(bucket.verify('a')).rejects.toMatchObject({
      code: 'ERR_CSE_AUTHENTICATION_FAILED',
      objectKey: 'a',
      byteRange: { start, end },
      message: expect.stringContaining(`a: The bytes ${start}-${end} are not`),
    })
  })

  test('notices a bit of an AES-CTR object that was lost in the service', async () => {
    const { bucket, transport } = await stored('aes-ctr')
    const before = transport.objects.get('a')
    await alter(transport, 5)
    const altered = transport.objects.get('a')
    if (before && altered) transport.objects.set('a', { ...altered, crc64: before.crc64 })
    await expect(bucket.verify('a')).rejects.toEqual(code('ERR_CSE_INTEGRITY'))
  })

  test.each(['sealed', 'aes-ctr'] as const)('resumes a broken connection: %s', async (format) => {
    const { bucket, transport } = await stored(format)
    let failures = 0
    transport.alterGet = (response) =>
      failures++ < 2 ? { ...response, body: broken(response.body, 70_000, lost) } : response
    expect(await bucket.verify('a')).toMatchObject({ sizeBytes: data.length })
    expect(transport.requests).toHaveLength(3)
  })

  test('keeps the policies of a get: formats, commitment, context, plain objects and versions', async () => {
    const { bucket, transport, provider, put } = await stored('sealed')
    expect(await bucket.verify('a', { expectCommitment: put.commitment })).toMatchObject({ sealed: true })
    const other = 'A'.repeat(43)
    for (const options of [{ expectCommitment: other }, { context: 'x' }]) {
      const failed = bucket.verify('a', options)
      await expect(failed).rejects.toEqual(code('ERR_CSE_AUTHENTICATION_FAILED'))
    }
    await transport.plant('plain', data.subarray(0, 9), {})
    await expect(bucket.verify('plain')).rejects.toEqual(code('ERR_CSE_NOT_ENCRYPTED'))
    const plain = await bucket.verify('plain', { onPlainObject: 'passthrough' })
    expect(plain).toMatchObject({ sizeBytes: 9, sealed: false })
    expect(plain).not.toHaveProperty('envelope')
    const strict = memoryBucket({ transport, provider, accept: 'sealed' }).bucket
    await expect(strict.verify('plain')).rejects.toEqual(code('ERR_CSE_NOT_SEALED'))
    await strict.verify('a', { versionId: 'v7' })
    expect(transport.requests.at(-1)).toMatchObject({ versionId: 'v7' })
    await expect(bucket.verify('')).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
  })

  test('reports its progress, and ends with the signal', async () => {
    const { bucket } = await stored('sealed')
    const seen: number[] = []
    const abort = new AbortController()
    await bucket.verify('a', { onProgress: ({ transferredBytes }) => seen.push(transferredBytes) })
    expect(seen).toEqual([0, Z - 56, 2 * Z - 72, 3 * Z - 88, 3 * Z])
    const onProgress = (): void => abort.abort(new Error('enough'))
    await expect(bucket.verify('a', { onProgress, signal: abort.signal })).rejects.toThrow('enough')
  })
})
