import { describe, expect, test } from 'vitest'
import { initiatedUploadId, listedObjects, listedParts, listedUploads } from './listing-documents.ts'

const bytes = (xml: string): Uint8Array => new TextEncoder().encode(xml)

describe('a listing of objects', () => {
  test('has decoded keys, prefixes and the token of the next page', () => {
    const xml = `<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult><Name>demo</Name><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>
<Contents><Key>a%2Fb+c%F0%9F%98%80</Key><LastModified>2026-11-30T01:02:03.000Z</LastModified><ETag>&quot;E&quot;</ETag>
<Size>12</Size><StorageClass>Standard</StorageClass><Owner><ID>1</ID></Owner></Contents>
<CommonPrefixes><Prefix>d%2F</Prefix></CommonPrefixes><NextContinuationToken>CgJ%2B+</NextContinuationToken></ListBucketResult>`
    expect(listedObjects(bytes(xml))).toEqual({
      objects: [
        {
          key: 'a/b c😀',
          lastModified: new Date('2026-11-30T01:02:03.000Z'),
          etag: '"E"',
          sizeBytes: 12,
          storageClass: 'Standard',
        },
      ],
      prefixes: ['d/'],
      nextContinuationToken: 'CgJ++',
    })
  })

  test('leaves keys as they are if the service did not encode them', () => {
    const xml = '<ListBucketResult><Contents><Key>a%2Fb+c</Key></Contents></ListBucketResult>'
    expect(listedObjects(bytes(xml)).objects[0]?.key).toBe('a%2Fb+c')
  })

  test('has values that the check of pages refuses where the document has none', () => {
    const { objects } = listedObjects(bytes('<ListBucketResult><Contents/></ListBucketResult>'))
    expect(objects).toEqual([
      { key: '', sizeBytes: Number.NaN, etag: '', lastModified: new Date(Number.NaN) },
    ])
  })

  test.each([
    ['another root', '<ListPartsResult/>'],
    ['no XML', '{}'],
    [
      'a key that is there twice',
      '<ListBucketResult><Contents><Key>a</Key><Key>b</Key></Contents></ListBucketResult>',
    ],
    [
      'a key that cannot be decoded',
      '<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>%</Key></Contents></ListBucketResult>',
    ],
  ])('is refused with %s', (_what, xml) => {
    expect(() => listedObjects(bytes(xml))).toThrow()
  })
})

test('a listing of parts has their numbers, sizes, ETags and checksums', () => {
  const xml = `<ListPartsResult><Part><PartNumber>3</PartNumber><ETag>"E"</ETag><Size>7</Size>
<HashCrc64ecma>18446744073709551615</HashCrc64ecma></Part><IsTruncated>true</IsTruncated>
<NextPartNumberMarker>3</NextPartNumberMarker></ListPartsResult>`
  expect(listedParts(bytes(xml))).toEqual({
    parts: [{ partNumber: 3, etag: '"E"', sizeBytes: 7, crc64: 2n ** 64n - 1n }],
    nextMarker: '3',
  })
})

test('a listing of uploads has their keys, ids and times', () => {
  const xml = `<ListMultipartUploadsResult><EncodingType>url</EncodingType><Upload><Key>a+b</Key><UploadId>u</UploadId>
<Initiated>2026-11-30T01:02:03.000Z</Initiated></Upload><IsTruncated>true</IsTruncated><NextKeyMarker>a+b</NextKeyMarker>
<NextUploadIdMarker>u</NextUploadIdMarker></ListMultipartUploadsResult>`
  expect(listedUploads(bytes(xml))).toEqual({
    uploads: [{ key: 'a b', uploadId: 'u', initiated: new Date('2026-11-30T01:02:03.000Z') }],
    nextKeyMarker: 'a b',
    nextUploadIdMarker: 'u',
  })
})

test('the id of an upload is read beside a key with references to characters', () => {
  const xml =
    '<InitiateMultipartUploadResult><Key>a&#13;&amp;b</Key><UploadId>u</UploadId></InitiateMultipartUploadResult>'
  expect(initiatedUploadId(bytes(xml))).toBe('u')
  for (const other of ['', '<html>', xml.replaceAll('Initiate', 'Other'), xml.replace('>u<', '><')]) {
    expect(initiatedUploadId(bytes(other))).toBeUndefined()
  }
})
