import { expect, it } from 'vitest'
import { rejection, respondingWith } from '../../test/fake-server.ts'

const DATE = '<LastModified>2024-01-01T00:00:00.000Z</LastModified>'
const common = (id: string, latest = false) =>
  `<Key>a%20b</Key><VersionId>${id}</VersionId><IsLatest>${latest}</IsLatest>${DATE}`
const version = (id: string, latest?: boolean) =>
  `<Version>${common(id, latest)}<ETag>"e"</ETag><Size>5</Size><StorageClass>IA</StorageClass></Version>`
const marker = (id: string, latest?: boolean) =>
  `<DeleteMarker>${common(id, latest)}<Owner><ID>1</ID></Owner></DeleteMarker>`

it.each([
  ['no entry', '', []],
  ['one version', version('1', true), ['version 1 latest']],
  ['one marker', marker('1', true), ['marker 1 latest']],
  [
    'versions between markers',
    `${marker('4', true)}\n${version('3')}${marker('2')}${version('1')}`,
    ['marker 4 latest', 'version 3', 'marker 2', 'version 1'],
  ],
])('a listing of %s keeps the order of the document', async (_what, entries, expected) => {
  const { server, transport } = await respondingWith(
    `<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextKeyMarker>x%2By</NextKeyMarker><NextVersionIdMarker>m</NextVersionIdMarker>${entries}</ListVersionsResult>`,
  )
  const page = await transport.listVersions({
    prefix: 'a b',
    keyMarker: 'a',
    versionIdMarker: 'i',
    maxKeys: 7,
  })
  expect(
    page.versions.map(
      ({ isDeleteMarker, versionId, isLatest }) =>
        `${isDeleteMarker ? 'marker' : 'version'} ${versionId}${isLatest ? ' latest' : ''}`,
    ),
  ).toEqual(expected)
  expect(page).toMatchObject({ nextKeyMarker: 'x+y', nextVersionIdMarker: 'm' })
  const query = new URL(server.seen[0]?.url ?? '', 'http://h').searchParams
  expect(Object.fromEntries(query)).toEqual({
    'encoding-type': 'url',
    prefix: 'a b',
    'key-marker': 'a',
    'version-id-marker': 'i',
    'max-keys': '7',
    versions: '',
  })
})

it('an entry has all that the listing says about it', async () => {
  const { transport } = await respondingWith(
    `<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>${marker('2')}${version('1')}</ListVersionsResult>`,
  )
  const shared = { key: 'a b', isLatest: false, lastModified: new Date('2024-01-01T00:00:00.000Z') }
  expect(await transport.listVersions({})).toEqual({
    versions: [
      { ...shared, versionId: '2', isDeleteMarker: true },
      { ...shared, versionId: '1', isDeleteMarker: false, sizeBytes: 5, etag: '"e"', storageClass: 'IA' },
    ],
  })
})

it.each([{ maxKeys: 0 }, { maxKeys: 1001 }, { maxKeys: 1.5 }, { versionIdMarker: 'v' }])(
  'a listing with %j is refused before any request',
  async (request) => {
    const { server, transport } = await respondingWith('')
    expect(await rejection(transport.listVersions(request))).toMatchObject({
      code: 'ERR_CSE_INVALID_ARGUMENT',
    })
    expect(server.seen).toHaveLength(0)
  },
)

it.each([
  ['<VersioningConfiguration/>', 'Unversioned'],
  ['<VersioningConfiguration></VersioningConfiguration>', 'Unversioned'],
  [
    '<VersioningConfiguration xmlns="http://doc.oss-cn-hangzhou.aliyuncs.com">\n</VersioningConfiguration>',
    'Unversioned',
  ],
  ['<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>', 'Enabled'],
  ['<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>', 'Suspended'],
])('the document %s is of a bucket that is %s', async (document, versioning) => {
  const { server, transport } = await respondingWith(document)
  expect(await transport.getVersioning()).toBe(versioning)
  expect(server.seen[0]).toMatchObject({ method: 'GET', url: '/my-bucket/?versioning=' })
})

it.each(['', 'Off', 'enabled', '<a>Enabled</a>', 'Enabled</Status><Status>Suspended'])(
  'the versioning %j is not taken for one that is known',
  async (status) => {
    const { transport } = await respondingWith(
      `<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>`,
    )
    expect(await rejection(transport.getVersioning())).toMatchObject({ code: 'ERR_CSE_SERVICE', status: 200 })
  },
)
