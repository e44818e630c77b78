import { createCrc64 } from '@oss-cse/crypto-core/internal'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../../emulator.ts'
import { type AliOssClient, aliOssClient } from '../../testing/ali-oss-client.ts'
import { type RawResponse, signedRequest } from '../../testing/signed-request.ts'

const PART = Buffer.alloc(102_400, 'part')
const SMALL = Buffer.from('small')
let emulator: OssEmulator
let client: AliOssClient

beforeAll(async () => {
  emulator = await startOssEmulator()
  client = aliOssClient(emulator, { authorizationV4: true })
})
afterAll(() => emulator.close())

async function started(key: string, parts: readonly Buffer[]): Promise<{ id: string; etags: string[] }> {
  const { uploadId } = await client.initMultipartUpload(key)
  const etags: string[] = []
  for (const [index, part] of parts.entries()) {
    etags.push((await client.uploadPart(key, uploadId, index + 1, part, 0, part.length)).etag)
  }
  return { id: uploadId, etags }
}

function complete(
  key: string,
  id: string,
  body: string,
  headers: Record<string, string> = {},
): Promise<RawResponse> {
  return signedRequest(emulator, { method: 'POST', key, query: `uploadId=${id}`, body, headers })
}

function partList(parts: readonly (readonly [number, string])[]): string {
  const items = parts.map(
    ([number, etag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`,
  )
  return `<CompleteMultipartUpload>${items.join('')}</CompleteMultipartUpload>`
}

describe('a multipart upload', () => {
  it('joins its parts in the order of their numbers, even with gaps, and has the CRC-64 of the whole', async () => {
    const { uploadId } = await client.initMultipartUpload('joined')
    const last = await client.uploadPart('joined', uploadId, 7, SMALL, 0, SMALL.length)
    const first = await client.uploadPart('joined', uploadId, 2, PART, 0, PART.length)
    const done = await client.completeMultipartUpload('joined', uploadId, [
      { number: 2, etag: first.etag },
      { number: 7, etag: last.etag },
    ])
    const crc64 = createCrc64()
    crc64.update(PART)
    crc64.update(SMALL)
    expect(done.etag).toMatch(/^"[0-9A-F]{32}-2"$/)
    expect(done.res.headers['x-oss-hash-crc64ecma']).toBe(crc64.value().toString())
    const got = await client.get('joined')
    expect(got.content.equals(Buffer.concat([PART, SMALL]))).toBe(true)
    expect(got.res.headers['x-oss-object-type']).toBe('Multipart')
    expect(got.res.headers['content-md5']).toBeUndefined()
    const across = await client.get('joined', { headers: { Range: 'bytes=102398-102402' } })
    expect(across.content.toString()).toBe('rtsma')
  })

  it('of ali-oss itself works', async () => {
    const bytes = Buffer.alloc(350_000, 'whole')
    await client.multipartUpload('whole', bytes, { partSize: 102_400, parallel: 3, meta: { a: '1' } })
    const got = await client.get('whole')
    expect(got.content.equals(bytes)).toBe(true)
    expect(got.res.headers['x-oss-meta-a']).toBe('1')
  })

  it('uses the newer of two parts with the same number', async () => {
    const { id } = await started('twice', [PART])
    const { etag } = await client.uploadPart('twice', id, 1, SMALL, 0, SMALL.length)
    await client.completeMultipartUpload('twice', id, [{ number: 1, etag }])
    expect((await client.get('twice')).content).toEqual(SMALL)
  })

  it('completes with all parts if the request says so and has no list', async () => {
    const { id, etags } = await started('all', [PART, SMALL])
    const all = { 'x-oss-complete-all': 'yes' }
    const both = await complete('all', id, partList([[1, etags[0] ?? '']]), all)
    expect([both.status, both.headers['x-oss-ec']]).toEqual([400, '0042-00000216'])
    expect((await complete('all', id, '', all)).status).toBe(200)
  })

  it.each([
    [
      'parts out of order',
      (a: string, b: string) =>
        partList([
          [2, b],
          [1, a],
        ]),
      'InvalidPartOrder',
      undefined,
    ],
    [
      'an unknown part',
      (a: string) =>
        partList([
          [1, a],
          [9, a],
        ]),
      'InvalidPart',
      undefined,
    ],
    [
      'a wrong ETag',
      (_: string, b: string) =>
        partList([
          [1, b],
          [2, b],
        ]),
      'InvalidPart',
      undefined,
    ],
    ['no part', () => partList([]), 'MalformedXML', '0042-00000205'],
    ['no XML', () => 'parts', 'MalformedXML', '0042-00000205'],
  ] as const)('is not completed with %s', async (_, body, code, ec) => {
    const { id, etags } = await started('bad', [PART, SMALL])
    const response = await complete('bad', id, body(etags[0] ?? '', etags[1] ?? ''))
    expect([response.status, response.element('Code'), response.headers['x-oss-ec']]).toEqual([400, code, ec])
    expect(await emulator.getStoredObject('demo', 'bad')).toBeUndefined()
  })

  it('is not completed if a part other than the last is too small', async () => {
    const { id, etags } = await started('small', [SMALL, PART])
    const response = await complete(
      'small',
      id,
      partList([
        [1, etags[0] ?? ''],
        [2, etags[1] ?? ''],
      ]),
    )
    expect([response.status, response.element('Code'), response.headers['x-oss-ec']]).toEqual([
      400,
      'EntityTooSmall',
      '0042-00000213',
    ])
  })

  it.each([0, 10_001])('cannot have a part %d', async (number) => {
    const { id } = await started('numbers', [])
    await expect(client.uploadPart('numbers', id, number, SMALL, 0, SMALL.length)).rejects.toMatchObject({
      code: 'InvalidArgument',
      message: 'Part number must be an integer between 1 and 10000, inclusive.',
    })
  })

  it('does not exist once it is aborted, with an error number for each operation', async () => {
    const { id } = await started('gone', [PART])
    const abort = (): Promise<RawResponse> =>
      signedRequest(emulator, { method: 'DELETE', key: 'gone', query: `uploadId=${id}` })
    expect((await abort()).status).toBe(204)
    const outcome = (response: RawResponse): readonly unknown[] => [
      response.element('Code'),
      response.headers['x-oss-ec'],
    ]
    const query = `partNumber=1&uploadId=${id}`
    expect(outcome(await abort())).toEqual(['NoSuchUpload', '0042-00000002'])
    expect(outcome(await signedRequest(emulator, { key: 'gone', query: `uploadId=${id}` }))).toEqual([
      'NoSuchUpload',
      '0042-00000002',
    ])
    expect(outcome(await signedRequest(emulator, { method: 'PUT', key: 'gone', query, body: 'x' }))).toEqual([
      'NoSuchUpload',
      '0042-00000104',
    ])
    expect(
      outcome(
        await signedRequest(emulator, {
          method: 'PUT',
          key: 'gone',
          query,
          headers: { 'x-oss-copy-source': '/demo/joined' },
        }),
      ),
    ).toEqual(['NoSuchUpload', '0042-00000311'])
    expect(outcome(await complete('gone', id, partList([[1, 'x']])))[0]).toBe('NoSuchUpload')
  })

  it('can copy a range of an object as a part', async () => {
    await client.put('copied-from', Buffer.concat([SMALL, PART]))
    const { id } = await started('copied-to', [])
    const part = await client.uploadPartCopy('copied-to', id, 1, '5-102404', {
      sourceKey: 'copied-from',
      sourceBucketName: 'demo',
    })
    await client.delete('copied-from')
    await client.completeMultipartUpload('copied-to', id, [{ number: 1, etag: part.etag }])
    expect((await client.get('copied-to')).content.equals(PART)).toBe(true)
  })

  it('is listed in pages, and so are its parts', async () => {
    const { id } = await started('listed/a', [PART, PART, SMALL])
    const page = await client.listParts('listed/a', id, { 'max-parts': 2 })
    expect(page.parts.map((part: { PartNumber: string }) => part.PartNumber)).toEqual(['1', '2'])
    expect([page.isTruncated, page.nextPartNumberMarker]).toEqual(['true', '2'])
    await started('listed/b', [])
    await started('listed/b', [])
    const first = await client.listUploads({ prefix: 'listed/', 'max-uploads': 2 })
    expect(first.uploads.map((upload: { name: string }) => upload.name)).toEqual(['listed/a', 'listed/b'])
    const rest = await client.listUploads({
      prefix: 'listed/',
      'max-uploads': 2,
      'key-marker': first.nextKeyMarker,
      'upload-id-marker': first.nextUploadIdMarker,
    })
    expect(rest.uploads).toHaveLength(1)
  })
})

it('a Complete is checked before it joins parts: its Content-MD5, its ACL and whether there are parts', async () => {
  const { id, etags } = await started('judged', [SMALL])
  const list = partList([[1, etags[0] ?? '']])
  for (const [headers, code] of [
    [{ 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' }, 'InvalidDigest'],
    [{ 'x-oss-object-acl': 'junk' }, 'InvalidArgument'],
  ] as const) {
    const response = await complete('judged', id, list, headers)
    expect([response.status, response.element('Code')]).toEqual([400, code])
  }
  const none = await started('judged', [])
  const response = await complete('judged', none.id, '', { 'x-oss-complete-all': 'yes' })
  expect([response.status, response.element('Code')]).toEqual([400, 'InvalidArgument'])
  expect(await emulator.getStoredObject('demo', 'judged')).toBeUndefined()
})
