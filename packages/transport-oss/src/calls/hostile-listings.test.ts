import { describe, expect, it } from 'vitest'
import { fakeServer, rejection, transportOnto } from '../../test/fake-server.ts'
import type { OssTransport } from '../index.ts'

const unusable = (problem: RegExp) => ({
  code: 'ERR_CSE_SERVICE',
  status: 200,
  retryable: false,
  message: expect.stringMatching(problem),
})

async function respondingWith(document: string): Promise<OssTransport> {
  return transportOnto(await fakeServer((_, response) => response.end(document)))
}

const DATE = '<LastModified>2024-01-01T00:00:00.000Z</LastModified>'
const OBJECT = `<Key>k</Key>${DATE}<ETag>"e"</ETag><Size>5</Size>`
const PART = '<PartNumber>6</PartNumber><ETag>"e"</ETag><Size>5</Size>'
const UPLOAD = '<Key>k</Key><UploadId>u</UploadId><Initiated>2024-01-01T00:00:00.000Z</Initiated>'
const TRUNCATED = '<IsTruncated>true</IsTruncated>'
const NUMBERS = ['1e400', '1e2', '-1', '1.5', '0x5', '99999999999999999', 'NaN', '', '<a>5</a>']

const objects = (content: string) => `<ListBucketResult>${content}</ListBucketResult>`
const parts = (content: string) => `<ListPartsResult>${content}</ListPartsResult>`
const uploads = (content: string) => `<ListMultipartUploadsResult>${content}</ListMultipartUploadsResult>`

describe('a listing of objects is refused', () => {
  it.each([
    ['that is truncated without a token', `${TRUNCATED}<Contents>${OBJECT}</Contents>`],
    ['whose token is empty', `${TRUNCATED}<NextContinuationToken></NextContinuationToken>`],
    ['whose token is repeated', `${TRUNCATED}<NextContinuationToken>c</NextContinuationToken>`],
    ['of more objects than were requested', `<Contents>${OBJECT}</Contents>`.repeat(3)],
    ['of an object without a key', `<Contents>${OBJECT.replace('<Key>k</Key>', '')}</Contents>`],
    ['of an object with two keys', `<Contents><Key>a</Key>${OBJECT}</Contents>`],
    ['of an object without an ETag', `<Contents>${OBJECT.replace('<ETag>"e"</ETag>', '')}</Contents>`],
    ['of an object without a size', `<Contents>${OBJECT.replace('<Size>5</Size>', '')}</Contents>`],
    ...['', 'yesterday', '1', '2024-13-01T00:00:00.000Z', '+275760-09-13T00:00:00.001Z'].map((date) => [
      `with the date ${JSON.stringify(date)}`,
      `<Contents>${OBJECT.replace(DATE, `<LastModified>${date}</LastModified>`)}</Contents>`,
    ]),
    ...['1e400', '-1', '1.5', '99999999999999999', 'NaN', '<a>5</a>'].map((size) => [
      `with the size ${size}`,
      `<Contents>${OBJECT.replace('>5<', `>${size}<`)}</Contents>`,
    ]),
  ])('%s', async (_what, content) => {
    const transport = await respondingWith(objects(content as string))
    expect(await rejection(transport.list({ maxKeys: 2, continuationToken: 'c' }))).toMatchObject(
      unusable(/not a response of OSS/),
    )
  })
})

describe('a listing of parts is refused', () => {
  it.each([
    ['that is truncated without a marker', `${TRUNCATED}<Part>${PART}</Part>`],
    ...['', '5', '4', '1e9', 'x'].map((marker) => [
      `with the marker ${JSON.stringify(marker)}`,
      `${TRUNCATED}<NextPartNumberMarker>${marker}</NextPartNumberMarker><Part>${PART}</Part>`,
    ]),
    ['that is truncated without a part', `${TRUNCATED}<NextPartNumberMarker>6</NextPartNumberMarker>`],
    ['of parts that were listed before', `<Part>${PART.replace('6', '5')}</Part>`],
    ['of more than 1,000 parts', `<Part>${PART}</Part>`.repeat(2000)],
    ['of a part twice', `<Part>${PART}</Part>`.repeat(2)],
    ['of a part without an ETag', `<Part>${PART.replace('<ETag>"e"</ETag>', '')}</Part>`],
    ...[...NUMBERS, '0', '10001'].map((number) => [
      `with the part number ${number}`,
      `<Part>${PART.replace('>6<', `>${number}<`)}</Part>`,
    ]),
    ...NUMBERS.map((size) => [`with the size ${size}`, `<Part>${PART.replace('>5<', `>${size}<`)}</Part>`]),
  ])('%s', async (_what, content) => {
    const transport = await respondingWith(parts(content as string))
    expect(await rejection(transport.listParts({ key: 'a', uploadId: 'u', marker: '5' }))).toMatchObject({
      ...unusable(/not a response of OSS/),
      objectKey: 'a',
    })
  })
})

describe('a listing of uploads is refused', () => {
  const markers = (key: string, id: string) =>
    `${TRUNCATED}<NextKeyMarker>${key}</NextKeyMarker><NextUploadIdMarker>${id}</NextUploadIdMarker>`

  it.each([
    ['that is truncated without a marker', `${TRUNCATED}<Upload>${UPLOAD}</Upload>`],
    ['whose markers are empty', markers('', '')],
    ['whose markers are repeated', markers('k', 'm')],
    ['whose key marker goes back', markers('a', 'z')],
    ['whose upload id marker goes back', markers('k', 'a')],
    ['of more than 1,000 uploads', `<Upload>${UPLOAD}</Upload>`.repeat(1001)],
    ['of an upload without an id', '<Upload><Key>k</Key></Upload>'],
    ['of an upload without a key', '<Upload><UploadId>u</UploadId></Upload>'],
    ['with a bad date', `<Upload>${UPLOAD.replace('2024', '20x4')}</Upload>`],
  ])('%s', async (_what, content) => {
    const transport = await respondingWith(uploads(content))
    const page = transport.listUploads({ keyMarker: 'k', uploadIdMarker: 'm' })
    expect(await rejection(page)).toMatchObject(unusable(/not a response of OSS/))
  })
})

describe('a listing of versions is refused', () => {
  const MARKER = `<Key>k</Key><VersionId>v</VersionId><IsLatest>false</IsLatest>${DATE}`
  const VERSION = `${MARKER}<ETag>"e"</ETag><Size>5</Size>`
  const entry = `<Version>${VERSION}</Version>`
  const markers = (key: string, id: string) =>
    `${TRUNCATED}<NextKeyMarker>${key}</NextKeyMarker><NextVersionIdMarker>${id}</NextVersionIdMarker>`

  it.each([
    ['that is truncated without a marker', `${TRUNCATED}${entry}`],
    ['whose markers are repeated', markers('k', 'w')],
    ['whose key marker goes back', markers('a', 'z')],
    ['of more versions than were requested', entry.repeat(3)],
    ['of a version without an id', entry.replace('<VersionId>v</VersionId>', '')],
    ['of a version with two ids', entry.replace('<VersionId>', '<VersionId>u</VersionId><VersionId>')],
    ['of a version without a key', entry.replace('<Key>k</Key>', '')],
    ['of a key before the marker', entry.replace('>k<', '>a<')],
    ['of an entry that is not known to be the latest', entry.replace('false', 'maybe')],
    ['of an empty entry', '<Version/>'],
    ['whose order is hidden', `<Version>${VERSION}<Version></Version></Version>`],
    ['whose order is a comment', `<DeleteMarker>${MARKER}</DeleteMarker><!-- <Version> -->`],
    ...NUMBERS.map((size) => [`with the size ${size}`, entry.replace('>5<', `>${size}<`)]),
  ])('%s', async (_what, content) => {
    const transport = await respondingWith(`<ListVersionsResult>${content}</ListVersionsResult>`)
    const page = transport.listVersions({ maxKeys: 2, keyMarker: 'k', versionIdMarker: 'w' })
    expect(await rejection(page)).toMatchObject(unusable(/not a response of OSS/))
  })
})

describe('a document is not parsed', () => {
  it.each([
    [
      'with an entity of every object',
      `<Contents>${OBJECT.replace('k', '&constructor;')}</Contents>`,
      /entity/,
    ],
    ['with the entity __proto__', `<Contents>${OBJECT.replace('k', '&__proto__;')}</Contents>`, /entity/],
    ['with an element of every object', '<constructor>x</constructor>', /constructor/],
    ['with the element __proto__', '<__proto__><Contents/></__proto__>', /malformed/],
    ['with a document type', `<!DOCTYPE a>${OBJECT}`, /document type/],
    ['that nests without end', `${'<a>'.repeat(500_000)}${'</a>'.repeat(500_000)}`, /nests/],
    ['with an attribute that the parser cannot handle', '<a hasOwnProperty="x" b="y"/>', /read/],
  ])('%s', async (_what, content, problem) => {
    const transport = await respondingWith(objects(content))
    expect(await rejection(transport.list({}))).toMatchObject(unusable(problem))
  })
})

it('keys named like properties of every JavaScript object are listed unchanged', async () => {
  const names = ['__proto__', 'constructor', 'prototype', 'toString']
  const transport = await respondingWith(
    objects(names.map((name) => `<Contents>${OBJECT.replace('k', name)}</Contents>`).join('')),
  )
  expect((await transport.list({})).objects.map(({ key }) => key)).toEqual(names)
})

it('deleted keys that were not requested are not returned', async () => {
  const reported = ['a', 'a', 'other', '__proto__']
    .map((key) => `<Deleted><Key>${key}</Key></Deleted>`)
    .join('')
  const transport = await respondingWith(`<DeleteResult>${reported}</DeleteResult>`)
  expect(await transport.deleteMany({ keys: ['a', 'b'] })).toEqual(['a'])
})
