import { expect, it } from 'vitest'
import { bodyOf, fakeServer, readRequest, rejection, transportOnto } from '../test/fake-server.ts'

/** A server that answers everything with one document, and keeps the bodies. */
async function answering(document: string, headers: Record<string, string> = {}, status = 200) {
  const bodies: string[] = []
  const server = await fakeServer(async (request, response) => {
    bodies.push(String(await readRequest(request)))
    response.writeHead(status, headers).end(document)
  })
  return { server, bodies, transport: transportOnto(server) }
}

const CHUNK = new Uint8Array(1024 * 1024)

const envelope = {
  'x-oss-meta-client-side-encryption-key': 'a2V5',
  'x-oss-meta-client-side-encryption-start': 'c3RhcnQ=',
  'x-oss-meta-client-side-encryption-cek-alg': 'AES/CTR/NoPadding',
}

it('put sends the given headers and type, and answers status and headers', async () => {
  const { server, transport } = await answering('', {
    ETag: '"E"',
    'x-oss-hash-crc64ecma': '18446744073709551615',
  })
  const headers = {
    ...envelope,
    'x-oss-server-side-encryption': 'AES256',
    'content-type': 'text/x-a',
    'content-md5': 'x',
  }
  const answer = await transport.put({ key: 'a b/ä+?.txt', headers, body: bodyOf([Buffer.from('abc')], 3) })
  expect(answer).toMatchObject({
    status: 200,
    headers: { etag: '"E"', 'x-oss-hash-crc64ecma': '18446744073709551615' },
  })
  expect(server.seen).toMatchObject([{ method: 'PUT', url: '/my-bucket/a%20b/%C3%A4%2B%3F.txt', headers }])
})

it('a put without a type gets one from the key’s extension, or none', async () => {
  const { server, transport } = await answering('')
  await transport.put({ key: 'a.html', headers: {}, body: bodyOf([Buffer.from('abc')], 3) })
  await transport.put({ key: 'a', headers: {}, body: bodyOf([Buffer.from('abc')], 3) })
  expect(server.seen.map(({ headers }) => headers['content-type'])).toEqual(['text/html', undefined])
})

it('a put whose callback answered no JSON is a success: the object is stored', async () => {
  const { transport } = await answering('not json')
  const headers = { 'x-oss-callback': 'e30=' }
  const put = transport.put({ key: 'a', headers, body: bodyOf([Buffer.from('abc')], 3) })
  const { status, data } = await put
  expect([status, Buffer.from(data ?? []).toString()]).toEqual([200, 'not json'])
})

it('who pays is said when parts are listed and an upload is aborted too', async () => {
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

it('the location is the endpoint and the bucket, without credentials', async () => {
  const { server, transport } = await answering('')
  expect(transport.location).toBe(`${server.endpoint}/my-bucket`)
})

it('initiate sends every header and answers the answer’s', async () => {
  const { server, transport } = await answering(
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

it('an initiate whose answer names no upload fails', async () => {
  const { transport } = await answering('<InitiateMultipartUploadResult/>')
  expect(await rejection(transport.initiate({ key: 'a', headers: {} }))).toMatchObject({
    code: 'ERR_CSE_SERVICE',
  })
})

it('a part is streamed with its length, its headers as given, and answers its ETag and CRC-64', async () => {
  const { server, bodies, transport } = await answering('', {
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

it('a part without a size or with a bad number is refused', async () => {
  const { server, transport } = await answering('')
  const part = { key: 'a', uploadId: 'u', headers: {} }
  const fails = async (partNumber: number, sizeBytes?: number) =>
    rejection(transport.uploadPart({ ...part, partNumber, body: bodyOf([Buffer.from('abc')], sizeBytes) }))
  expect(await fails(1)).toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
  expect(await fails(0, 3)).toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
  expect(await fails(10_001, 3)).toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
  expect(server.seen).toHaveLength(0)
})

it('complete sends the parts in order and only the given headers', async () => {
  const { server, bodies, transport } = await answering(
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
  const { server, transport } = await answering('')
  const call = transport.complete({ key: 'a', uploadId: 'u', parts, headers: {} })
  expect(await rejection(call)).toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT', objectKey: 'a' })
  expect(server.seen).toHaveLength(0)
})

const PART = (n: number) =>
  `<Part><PartNumber>${n}</PartNumber><LastModified>2024-01-01T00:00:00.000Z</LastModified><ETag>"${n}"</ETag><HashCrc64ecma>${n}${n}</HashCrc64ecma><Size>10${n}</Size></Part>`

it.each([0, 1, 2])('a listing of %s parts is an array, and its end is told', async (count) => {
  const parts = Array.from({ length: count }, (_, i) => PART(i + 6)).join('')
  const { server, transport } = await answering(
    `<ListPartsResult><NextPartNumberMarker>2</NextPartNumberMarker><IsTruncated>false</IsTruncated>${parts}</ListPartsResult>`,
  )
  const page = await transport.listParts({ key: 'a', uploadId: 'u', marker: '5' })
  expect(page).toEqual({
    parts: [6, 7].slice(0, count).map((n) => ({
      partNumber: n,
      etag: `"${n}"`,
      sizeBytes: 100 + n,
      crc64: BigInt(11 * n),
    })),
  })
  expect(server.seen[0]?.url).toBe('/my-bucket/a?max-parts=1000&part-number-marker=5&uploadId=u')
})

it('a truncated listing of parts has a marker', async () => {
  const { transport } = await answering(
    `<ListPartsResult><NextPartNumberMarker>1</NextPartNumberMarker><IsTruncated>true</IsTruncated>${PART(1)}</ListPartsResult>`,
  )
  expect(await transport.listParts({ key: 'a', uploadId: 'u' })).toMatchObject({ nextMarker: '1' })
})

it.each([0, 1, 2])('a listing of %s uploads is an array, with decoded keys', async (count) => {
  const upload =
    '<Upload><Key>a%20b%2Fc</Key><UploadId>u</UploadId><Initiated>2024-01-01T00:00:00.000Z</Initiated></Upload>'
  const { server, transport } = await answering(
    `<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextKeyMarker>x%2By</NextKeyMarker><NextUploadIdMarker>m</NextUploadIdMarker>${upload.repeat(count)}</ListMultipartUploadsResult>`,
  )
  const page = await transport.listUploads({ prefix: 'a b', keyMarker: 'k', uploadIdMarker: 'i' })
  expect(page.uploads).toEqual(
    Array.from({ length: count }, () => ({
      key: 'a b/c',
      uploadId: 'u',
      initiated: new Date('2024-01-01T00:00:00.000Z'),
    })),
  )
  expect(page).toMatchObject({ nextKeyMarker: 'x+y', nextUploadIdMarker: 'm' })
  const query = new URL(server.seen[0]?.url ?? '', 'http://h').searchParams
  expect(Object.fromEntries(query)).toEqual({
    'encoding-type': 'url',
    'max-uploads': '1000',
    prefix: 'a b',
    'key-marker': 'k',
    'upload-id-marker': 'i',
    uploads: '',
  })
})

const CONTENTS = (key: string) =>
  `<Contents><Key>${key}</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified><ETag>"e"</ETag><Type>Normal</Type><Size>5</Size><StorageClass>IA</StorageClass></Contents>`

it('a listing of one object and one prefix is two arrays of one', async () => {
  const { server, transport } = await answering(
    `<ListBucketResult><IsTruncated>true</IsTruncated>${CONTENTS('p/a')}<CommonPrefixes><Prefix>p/q/</Prefix></CommonPrefixes><NextContinuationToken>t+/=</NextContinuationToken></ListBucketResult>`,
  )
  const page = await transport.list({
    prefix: 'p/',
    delimiter: '/',
    startAfter: 'p/0',
    maxKeys: 2,
    continuationToken: 'c+=',
  })
  expect(page).toEqual({
    objects: [
      {
        key: 'p/a',
        sizeBytes: 5,
        etag: '"e"',
        lastModified: new Date('2024-01-01T00:00:00.000Z'),
        storageClass: 'IA',
      },
    ],
    prefixes: ['p/q/'],
    nextContinuationToken: 't+/=',
  })
  const query = new URL(server.seen[0]?.url ?? '', 'http://h').searchParams
  expect(Object.fromEntries(query)).toEqual({
    'list-type': '2',
    'encoding-type': 'url',
    prefix: 'p/',
    delimiter: '/',
    'start-after': 'p/0',
    'max-keys': '2',
    'continuation-token': 'c+=',
  })
})

it('an empty listing is empty, and keys are decoded only when the answer says that they are encoded', async () => {
  const empty = await answering('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>')
  expect(await empty.transport.list({})).toEqual({ objects: [], prefixes: [] })
  const raw = await answering(`<ListBucketResult>${CONTENTS('100%25')}</ListBucketResult>`)
  expect((await raw.transport.list({})).objects[0]?.key).toBe('100%25')
  const encoded = await answering(
    `<ListBucketResult><EncodingType>url</EncodingType>${CONTENTS('100%25+%0A%2B')}</ListBucketResult>`,
  )
  expect((await encoded.transport.list({})).objects[0]?.key).toBe('100% \n+')
})

it.each([0, 1001, 1.5])('a page of %s keys is refused', async (maxKeys) => {
  const { transport } = await answering('')
  expect(await rejection(transport.list({ maxKeys }))).toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
})

it('delete deletes, and one version when it is named', async () => {
  const { server, transport } = await answering('', {}, 204)
  await transport.delete({ key: 'a' })
  await transport.delete({ key: 'a', versionId: 'v' })
  expect(server.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
    'DELETE /my-bucket/a',
    'DELETE /my-bucket/a?versionId=v',
  ])
})

it('deleteMany escapes keys, states its length in bytes, and answers the deleted ones', async () => {
  const { server, bodies, transport } = await answering(
    '<DeleteResult><Deleted><Key>&lt;中&gt; &amp; "\'</Key></Deleted></DeleteResult>',
  )
  const key = '<中> & "\''
  expect(await transport.deleteMany({ keys: [key, 'b'] })).toEqual([key])
  expect(bodies[0]).toContain('<Quiet>false</Quiet>')
  expect(bodies[0]).toContain('<Key>&lt;中&gt; &amp; &quot;&#39;</Key>')
  expect(bodies[0]).toMatch(/<\/Delete>$/)
  expect(server.seen[0]?.headers['content-length']).toBe(String(Buffer.byteLength(bodies[0] ?? '')))
  expect(server.seen[0]?.headers['content-md5']).toBeDefined()
})

it('deleteMany of nothing asks nothing, and of more than 1,000 is refused', async () => {
  const { server, transport } = await answering('')
  expect(await transport.deleteMany({ keys: [] })).toEqual([])
  const keys = Array.from({ length: 1001 }, (_, i) => `k${i}`)
  expect(await rejection(transport.deleteMany({ keys }))).toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
  expect(server.seen).toHaveLength(0)
})

it('a key that XML cannot carry is deleted by a request of its own', async () => {
  const server = await fakeServer((request, response) => {
    if (request.method === 'DELETE') response.writeHead(204).end()
    else response.end('<DeleteResult><Deleted><Key>b</Key></Deleted></DeleteResult>')
  })
  expect(await transportOnto(server).deleteMany({ keys: ['a\r\u0001', 'b'] })).toEqual(['b', 'a\r\u0001'])
  expect(server.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
    'POST /my-bucket/?delete=',
    'DELETE /my-bucket/a%0D%01',
  ])
})

it('copy names its source and sends only the given headers', async () => {
  const { server, transport } = await answering('<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>', {
    'x-a': 'b',
  })
  const headers = Object.freeze({ 'x-oss-copy-source-if-match': '"e"', 'x-oss-storage-class': 'IA' })
  const answer = await transport.copy({ sourceKey: 'a ä/b', sourceBucket: 'other-bucket', key: 'c', headers })
  expect(answer).toMatchObject({ status: 200, headers: { 'x-a': 'b' } })
  const sent = server.seen[0]?.headers ?? {}
  expect(sent).toMatchObject({ ...headers, 'x-oss-copy-source': '/other-bucket/a%20%C3%A4%2Fb' })
  expect(
    Object.keys(sent)
      .filter((name) => name.startsWith('x-oss-copy-source'))
      .sort(),
  ).toEqual(['x-oss-copy-source', 'x-oss-copy-source-if-match'])
  expect(sent['x-oss-metadata-directive']).toBeUndefined()
})

it('a copy that would replace the metadata is refused before any request', async () => {
  const { server, transport } = await answering('')
  const copy = transport.copy({ sourceKey: 'a', key: 'b', headers: { 'content-type': 'text/plain' } })
  expect(await rejection(copy)).toMatchObject({ code: 'ERR_CSE_OPERATION_REFUSED', objectKey: 'b' })
  expect(server.seen).toHaveLength(0)
})

it('createBucket creates the transport’s bucket', async () => {
  const { server, bodies, transport } = await answering('')
  await transport.createBucket()
  await transport.createBucket({ acl: 'private', storageClass: 'IA', dataRedundancyType: 'ZRS' })
  expect(server.seen).toMatchObject([
    { method: 'PUT', url: '/my-bucket/' },
    { method: 'PUT', url: '/my-bucket/', headers: { 'x-oss-acl': 'private' } },
  ])
  expect(bodies[1]).toContain('<StorageClass>IA</StorageClass><DataRedundancyType>ZRS</DataRedundancyType>')
})

it('a copy or a complete whose success is no document of OSS fails', async () => {
  const { transport } = await answering('<html><p>Welcome to this hotel</html>')
  const parts = [{ partNumber: 1, etag: '"a"' }]
  const copy = transport.copy({ sourceKey: 'a', key: 'b', headers: {} })
  expect(await rejection(copy)).toMatchObject({ code: 'ERR_CSE_SERVICE', status: 200 })
  const complete = transport.complete({ key: 'a', uploadId: 'u', parts, headers: {} })
  expect(await rejection(complete)).toMatchObject({ code: 'ERR_CSE_SERVICE', status: 200 })
})

it('an answer without end to anything but a read is refused, not collected', async () => {
  const server = await fakeServer((request, response) => {
    request.resume()
    const more = (): void => {
      while (!response.destroyed && response.write(CHUNK));
    }
    response.on('drain', more)
    more()
  })
  const put = transportOnto(server).put({ key: 'a', headers: {}, body: bodyOf([Buffer.from('abc')], 3) })
  expect(await rejection(put)).toMatchObject({ code: 'ERR_CSE_SERVICE', retryable: false })
})
