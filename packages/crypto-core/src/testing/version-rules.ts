import { OSS_HEADERS } from '../headers.ts'
import { versionPageProblem } from '../listing-pages.ts'
import { hasVersionCatalog } from '../optional-ports.ts'
import type { DeleteMarker, HeaderMap, ObjectVersion, VersionCatalog } from '../ports.ts'
import { bodyOf, collected, envelopeHeaders, multipartHeaders, pattern } from './contract-bytes.ts'
import { type ContractCase, expectBytes, expectCode, expectThat } from './expect.ts'
import type { TransportContractOptions, TransportUnderTest } from './transport-contract.ts'

type VersionedTransport = TransportUnderTest & VersionCatalog

/** The rules for transports of buckets that keep versions. */
export function versionRules(
  create: TransportContractOptions['create'],
  setVersioning: NonNullable<TransportContractOptions['setVersioning']>,
): readonly ContractCase[] {
  const unversioned = async (): Promise<VersionedTransport> => {
    const transport = await create()
    expectThat(hasVersionCatalog(transport), 'a transport whose versioning can be set lists versions')
    return transport as VersionedTransport
  }
  const versioned = async (): Promise<VersionedTransport> => {
    const transport = await unversioned()
    await setVersioning('Enabled')
    return transport
  }
  return [
    {
      name: 'tells whether the bucket keeps versions',
      async run() {
        const transport = await unversioned()
        expectThat((await transport.getVersioning()) === 'Unversioned', 'a new bucket keeps none')
        await setVersioning('Enabled')
        expectThat((await transport.getVersioning()) === 'Enabled', 'a bucket that keeps versions')
        await setVersioning('Suspended')
        expectThat((await transport.getVersioning()) === 'Suspended', 'a bucket that keeps no more')
      },
    },
    {
      name: 'returns the id of each version that a put, a copy or a completion makes, and reads each by its id',
      async run() {
        const transport = await versioned()
        const first = await put(transport, 'v', 10)
        const second = await put(transport, 'v', 20)
        const copied = idOf(
          await transport.copy({ sourceKey: 'v', key: 'v', headers: {}, sourceVersionId: first }),
        )
        const headers = { ...envelopeHeaders, ...multipartHeaders(30, 102_400) }
        const { uploadId } = await transport.initiate({ key: 'v', headers })
        const part = { key: 'v', uploadId, partNumber: 1, headers, body: bodyOf([pattern(30)], 30) }
        const parts = [await transport.uploadPart(part)]
        const joined = idOf(await transport.complete({ key: 'v', uploadId, parts, headers: {} }))
        expectThat(new Set([first, second, copied, joined]).size === 4, 'each version has another id')
        for (const [versionId, size] of [
          [first, 10],
          [second, 20],
          [copied, 10],
          [joined, 30],
          [undefined, 30],
        ] as const) {
          const request = { key: 'v', headers: {}, versionId }
          const head = await transport.head(request)
          const read = await transport.get(request)
          expectBytes(await collected(read.body), pattern(size), `the version of ${size} bytes`)
          for (const response of [head, read]) {
            expectThat(idOf(response) === (versionId ?? joined), 'a read tells which version it read')
          }
        }
      },
    },
    {
      name: 'lists versions and delete markers in byte order of their keys, the newest first, page by page, each once',
      async run() {
        const transport = await versioned()
        const expected = new Map<string, string[]>()
        // A page that ends anywhere, in a key or between two, must not lose an entry.
        for (const key of ['o/\u{1f600}', 'o/a', 'o/a b+c%2F', 'o/\uff61']) {
          const before = await put(transport, key, 1)
          await transport.delete({ key })
          const after = await put(transport, key, 2)
          await transport.delete({ key })
          expected.set(key, [after, before])
        }
        await put(transport, 'p', 1)
        const whole = await transport.listVersions({ prefix: 'o/', maxKeys: 1000 })
        expectThat(whole.nextKeyMarker === undefined, 'the last page has no marker')
        for (const maxKeys of [1, 2, 3, 5]) {
          const listed = await allVersions(transport, 'o/', maxKeys)
          expectThat(JSON.stringify(listed) === JSON.stringify(whole.versions), `pages of ${maxKeys}`)
        }
        const keys = [...new Set(whole.versions.map(({ key }) => key))]
        expectThat(keys.join() === 'o/a,o/a b+c%2F,o/\uff61,o/\u{1f600}', 'the keys in byte order')
        for (const key of keys) {
          const entries = whole.versions.filter((entry) => entry.key === key)
          const kinds = entries.map(({ isDeleteMarker }) => (isDeleteMarker ? 'marker' : 'version'))
          expectThat(kinds.join() === 'marker,version,marker,version', `markers among versions of ${key}`)
          expectThat(
            entries.map(({ isLatest }) => isLatest).join() === 'true,false,false,false',
            'the latest',
          )
          const versions = entries.filter((entry) => !entry.isDeleteMarker)
          expectThat(
            versions.map(({ versionId }) => versionId).join() === expected.get(key)?.join(),
            'the ids',
          )
          expectThat(versions.map(({ sizeBytes }) => sizeBytes).join() === '2,1', 'the sizes')
        }
        await expectNoPage(transport)
      },
    },
    {
      name: 'hides an object behind a delete marker, which is neither read nor copied, until the marker is deleted',
      async run() {
        const transport = await versioned()
        const kept = await put(transport, 'd', 10)
        await transport.delete({ key: 'd' })
        await expectCode(transport.get({ key: 'd', headers: {} }), 'ERR_CSE_NOT_FOUND', 'a deleted object')
        const [marker] = (await transport.listVersions({ prefix: 'd' })).versions
        const versionId = marker?.versionId ?? ''
        const error = await expectCode(
          transport.head({ key: 'd', headers: {}, versionId }),
          'ERR_CSE_SERVICE',
          'the marker itself',
        )
        expectThat('status' in error && error.status === 405, 'the status 405')
        expectThat((await transport.list({})).objects.length === 0, 'no object is listed')
        await transport.delete({ key: 'd', versionId })
        const { headers } = await transport.head({ key: 'd', headers: {} })
        expectThat(headers[OSS_HEADERS.versionId] === kept, 'the object is back')
      },
    },
    {
      name: 'deletes one version for good, and the one before it becomes the latest',
      async run() {
        const transport = await versioned()
        const first = await put(transport, 'g', 10)
        const second = await put(transport, 'g', 20)
        await transport.delete({ key: 'g', versionId: second })
        const gone = transport.get({ key: 'g', headers: {}, versionId: second })
        await expectCode(gone, 'ERR_CSE_NOT_FOUND', 'the deleted version')
        const { versions } = await transport.listVersions({ prefix: 'g' })
        expectThat(versions.length === 1 && versions[0]?.isLatest === true, 'one version is left')
        expectThat(versions[0]?.versionId === first, 'it is the first')
      },
    },
    {
      name: 'keeps what was stored without versioning as version null; while versioning is suspended, only it is overwritten',
      async run() {
        const transport = await unversioned()
        await transport.put({ key: 'n', headers: {}, body: bodyOf([pattern(1)], 1) })
        await setVersioning('Enabled')
        const kept = await put(transport, 'n', 2)
        const old = await transport.get({ key: 'n', headers: {}, versionId: 'null' })
        expectBytes(await collected(old.body), pattern(1), 'the object from before')
        await setVersioning('Suspended')
        expectThat((await put(transport, 'n', 3)) === 'null', 'the new version is version null')
        const ids = async () => (await transport.listVersions({ prefix: 'n' })).versions
        expectThat(
          (await ids()).map(({ versionId }) => versionId).join() === `null,${kept}`,
          'one version null',
        )
        await transport.delete({ key: 'n' })
        const [marker, version] = await ids()
        expectThat(marker?.versionId === 'null' && marker.isDeleteMarker, 'the marker replaces version null')
        expectThat(version?.versionId === kept, 'the other version stays')
      },
    },
    {
      name: 'ignores x-oss-forbid-overwrite in a bucket that keeps versions, or did',
      async run() {
        const transport = await versioned()
        for (const versioning of ['Enabled', 'Suspended'] as const) {
          await setVersioning(versioning)
          for (const size of [10, 20])
            await put(transport, 'f', size, { [OSS_HEADERS.forbidOverwrite]: 'true' })
          const { body } = await transport.get({ key: 'f', headers: {} })
          expectBytes(await collected(body), pattern(20), versioning)
        }
      },
    },
  ]
}

async function put(
  transport: TransportUnderTest,
  key: string,
  size: number,
  headers: HeaderMap = {},
): Promise<string> {
  return idOf(await transport.put({ key, headers, body: bodyOf([pattern(size)], size) }))
}

function idOf({ headers }: { readonly headers: HeaderMap }): string {
  const { [OSS_HEADERS.versionId]: id = '' } = headers
  expectThat(id !== '', 'the response has a version id')
  return id
}

async function allVersions(
  transport: VersionCatalog,
  prefix: string,
  maxKeys: number,
): Promise<readonly (ObjectVersion | DeleteMarker)[]> {
  const listed: (ObjectVersion | DeleteMarker)[] = []
  let position: { readonly keyMarker?: string | undefined; readonly versionIdMarker?: string | undefined } =
    {}
  do {
    const page = await transport.listVersions({ prefix, maxKeys, ...position })
    const problem = versionPageProblem(page, { maxKeys, ...position })
    expectThat(problem === undefined, `a page that can be followed: ${problem}`)
    listed.push(...page.versions)
    position = { keyMarker: page.nextKeyMarker, versionIdMarker: page.nextVersionIdMarker }
  } while (position.keyMarker !== undefined)
  return listed
}

async function expectNoPage(transport: VersionCatalog): Promise<void> {
  const behind = await transport.listVersions({ keyMarker: 'o/\u{1f600}' })
  expectThat(behind.versions.map(({ key }) => key).join() === 'p', 'a page behind all versions of a key')
  const none = await transport.listVersions({ prefix: 'nothing' })
  expectThat(none.versions.length === 0 && none.nextKeyMarker === undefined, 'an empty listing')
}
