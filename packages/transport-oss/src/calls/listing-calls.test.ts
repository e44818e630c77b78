import { expect, it } from 'vitest'
import { rejection, respondingWith } from '../../test/fake-server.ts'

const PART = (n: number) =>
  `<Part><PartNumber>${n}</PartNumber><LastModified>2024-01-01T00:00:00.000Z</LastModified><ETag>"${n}"</ETag><HashCrc64ecma>${n}${n}</HashCrc64ecma><Size>10${n}</Size></Part>`

it.each([0, 1, 2])('a listing of %s parts is an array, and has no marker at its end', async (count) => {
  const parts = Array.from({ length: count }, (_, i) => PART(i + 6)).join('')
  const { server, transport } = await respondingWith(
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
  const { transport } = await respondingWith(
    `<ListPartsResult><NextPartNumberMarker>1</NextPartNumberMarker><IsTruncated>true</IsTruncated>${PART(1)}</ListPartsResult>`,
  )
  expect(await transport.listParts({ key: 'a', uploadId: 'u' })).toMatchObject({ nextMarker: '1' })
})

it.each([0, 1, 2])('a listing of %s uploads is an array, with decoded keys', async (count) => {
  const upload =
    '<Upload><Key>a%20b%2Fc</Key><UploadId>u</UploadId><Initiated>2024-01-01T00:00:00.000Z</Initiated></Upload>'
  const { server, transport } = await respondingWith(
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

it('a listing of one object and one prefix has two arrays of length one', async () => {
  const { server, transport } = await respondingWith(
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

it('an empty listing is empty, and keys are decoded only if the response says that they are encoded', async () => {
  const empty = await respondingWith('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>')
  expect(await empty.transport.list({})).toEqual({ objects: [], prefixes: [] })
  const raw = await respondingWith(`<ListBucketResult>${CONTENTS('100%25')}</ListBucketResult>`)
  expect((await raw.transport.list({})).objects[0]?.key).toBe('100%25')
  const encoded = await respondingWith(
    `<ListBucketResult><EncodingType>url</EncodingType>${CONTENTS('100%25+%0A%2B')}</ListBucketResult>`,
  )
  expect((await encoded.transport.list({})).objects[0]?.key).toBe('100% \n+')
})

it.each([0, 1001, 1.5])('a page of %s keys is refused', async (maxKeys) => {
  const { transport } = await respondingWith('')
  expect(await rejection(transport.list({ maxKeys }))).toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
})
