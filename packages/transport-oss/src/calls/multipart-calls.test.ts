import { expect, it } from 'vitest'
import { bodyOf, fakeServer, rejection, respondingWith, transportOnto } from '../../test/fake-server.ts'

const envelope = {
  'x-oss-meta-client-side-encryption-key': 'a2V5',
  'x-oss-meta-client-side-encryption-start': 'c3RhcnQ=',
  'x-oss-meta-client-side-encryption-cek-alg': 'AES/CTR/NoPadding',
}

it('initiate sends all headers and returns those of the response', async () => {
  const { server, transport } = await respondingWith(
    '<InitiateMultipartUploadResult><UploadId>the id</UploadId></InitiateMultipartUploadResult>',
  )
  const headers = Object.freeze({
    ...envelope,
    'x-oss-storage-class': 'IA',
    'x-oss-forbid-overwrite': 'true',
  })
  expect(await transport.initiate({ key: 'a', headers })).toEqual({
    uploadId: 'the id',
    headers: expect.objectContaining({ connection: 'keep-alive' }),
  })
  expect(server.seen).toMatchObject([{ method: 'POST', url: '/my-bucket/a?uploads=', headers }])
})

it('initiate fails when the response has no upload id', async () => {
  const { transport } = await respondingWith('<InitiateMultipartUploadResult/>')
  expect(await rejection(transport.initiate({ key: 'a', headers: {} }))).toMatchObject({
    code: 'ERR_CSE_SERVICE',
  })
})

it('a part is streamed with its length and the given headers, and returns its ETag and CRC-64', async () => {
  const { server, bodies, transport } = await respondingWith('', {
    ETag: '"P"',
    'x-oss-hash-crc64ecma': '9295109441310095770',
  })
  const part = { key: 'a', uploadId: 'u', headers: Object.freeze({ ...envelope }) }
  const body = bodyOf([Buffer.from('ab'), Buffer.from('c')], 3)
  expect(await transport.uploadPart({ ...part, partNumber: 7, body })).toEqual({
    partNumber: 7,
    etag: '"P"',
    sizeBytes: 3,
    crc64: 9295109441310095770n,
    headers: expect.objectContaining({ etag: '"P"' }),
  })
  await transport.uploadPart({ ...part, partNumber: 8, body: bodyOf([], 0) })
  expect(bodies).toEqual(['abc', ''])
  expect(server.seen).toMatchObject([
    {
      method: 'PUT',
      url: '/my-bucket/a?partNumber=7&uploadId=u',
      headers: { ...envelope, 'content-length': '3' },
    },
    { headers: { 'content-length': '0' } },
  ])
})

it('a part without a size or with an invalid number is refused', async () => {
  const { server, transport } = await respondingWith('')
  const part = { key: 'a', uploadId: 'u', headers: {} }
  const fails = async (partNumber: number, sizeBytes?: number) =>
    rejection(transport.uploadPart({ ...part, partNumber, body: bodyOf([Buffer.from('abc')], sizeBytes) }))
  expect(await fails(1)).toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
  expect(await fails(0, 3)).toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
  expect(await fails(10_001, 3)).toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
  expect(server.seen).toHaveLength(0)
})

it('complete sends the parts in order and only the given headers', async () => {
  const { server, bodies, transport } = await respondingWith(
    '<CompleteMultipartUploadResult><ETag>"w"</ETag></CompleteMultipartUploadResult>',
    { ETag: '"w-2"' },
  )
  const parts = [
    { partNumber: 2, etag: '"b"' },
    { partNumber: 1, etag: '"a"' },
  ]
  const headers = Object.freeze({ 'x-oss-forbid-overwrite': 'true' })
  const done = await transport.complete({ key: 'a', uploadId: 'u', parts, headers })
  expect(done).toMatchObject({ status: 200, headers: { etag: '"w-2"' } })
  expect(bodies[0]).toMatch(/<PartNumber>1<.*"a".*<PartNumber>2<.*"b"/s)
  const sent = server.seen[0]?.headers ?? {}
  expect(sent['x-oss-forbid-overwrite']).toBe('true')
  expect(Object.keys(sent).filter((name) => name.startsWith('x-oss-meta-'))).toEqual([])
})

it.each([
  ['no parts', []],
  [
    'a part twice',
    [
      { partNumber: 1, etag: '"a"' },
      { partNumber: 1, etag: '"b"' },
    ],
  ],
  ['an ETag that is markup', [{ partNumber: 1, etag: '</ETag>' }]],
])('complete with %s is refused', async (_, parts) => {
  const { server, transport } = await respondingWith('')
  const call = transport.complete({ key: 'a', uploadId: 'u', parts, headers: {} })
  expect(await rejection(call)).toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT', objectKey: 'a' })
  expect(server.seen).toHaveLength(0)
})

it('listing parts and aborting an upload send the header that says who pays', async () => {
  const server = await fakeServer((request, response) => {
    const listing = '<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>'
    response.writeHead(request.method === 'GET' ? 200 : 204).end(request.method === 'GET' ? listing : '')
  })
  const transport = transportOnto(server)
  const headers = { 'x-oss-request-payer': 'requester' }
  await transport.listParts({ key: 'a', uploadId: 'u', headers })
  await transport.abort({ key: 'a', uploadId: 'u', headers })
  expect(server.seen).toMatchObject([
    { method: 'GET', headers },
    { method: 'DELETE', headers },
  ])
})

it('a completion with a callback returns what the callback server said', async () => {
  const { transport } = await respondingWith('{"Status":"OK"}', { ETag: '"E"' })
  const headers = { 'x-oss-callback': 'e30=' }
  const parts = [{ partNumber: 1, etag: '"P"' }]
  const { data } = await transport.complete({ key: 'a', uploadId: 'u', parts, headers })
  expect(Buffer.from(data ?? []).toString()).toBe('{"Status":"OK"}')
})
