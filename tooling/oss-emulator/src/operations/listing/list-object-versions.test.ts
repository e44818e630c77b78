import { afterAll, beforeAll, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../../emulator.ts'
import { signedRequest } from '../../testing/signed-request.ts'

let emulator: OssEmulator

beforeAll(async () => {
  emulator = await startOssEmulator()
  await emulator.putStoredObject('demo', 'b', { bytes: Buffer.from('unversioned') })
  emulator.setVersioning('demo', 'Enabled')
  for (const key of ['b', 'a']) {
    for (const method of ['PUT', 'DELETE', 'PUT', 'DELETE']) {
      await signedRequest(emulator, { method, key, ...(method === 'PUT' && { body: 'x' }) })
    }
  }
})
afterAll(() => emulator.close())

async function listed(query: string): Promise<{
  readonly entries: string[]
  readonly next: string | undefined
}> {
  const response = await signedRequest(emulator, { query: `versions&${query}` })
  const rows = response.body
    .toString()
    .matchAll(/<(Version|DeleteMarker)><Key>(.)<\/Key><VersionId>(\w+)<\/VersionId><IsLatest>(true|false)/g)
  const entries = [...rows].map(([, kind, key, id, latest]) =>
    [key, kind, id === 'null' && id, latest === 'true' && 'latest'].filter(Boolean).join(' '),
  )
  const [key, id] = [response.element('NextKeyMarker'), response.element('NextVersionIdMarker')]
  return { entries, next: key && `key-marker=${key}&version-id-marker=${id}` }
}

const ALL = [
  'a DeleteMarker latest',
  'a Version',
  'a DeleteMarker',
  'a Version',
  'b DeleteMarker latest',
  'b Version',
  'b DeleteMarker',
  'b Version',
  'b Version null',
]

it('versions and delete markers stand in one sequence: keys in byte order, and the newest of a key first', async () => {
  expect(await listed('')).toEqual({ entries: ALL, next: undefined })
})

it.each([1, 2, 4, 5, 9])('pages of %d lose and repeat no entry', async (size) => {
  const entries: string[] = []
  let position = ''
  do {
    const page = await listed(`max-keys=${size}&${position}`)
    expect(page.entries.length).toBeLessThanOrEqual(size)
    entries.push(...page.entries)
    position = page.next ?? ''
  } while (position !== '' && entries.length <= ALL.length)
  expect(entries).toEqual(ALL)
})

it('a key marker alone skips all versions of its key', async () => {
  expect((await listed('key-marker=a')).entries).toEqual(ALL.slice(4))
})

it('a version marker without a key marker is refused', async () => {
  const response = await signedRequest(emulator, { query: 'versions&version-id-marker=v' })
  expect([response.status, response.element('Code'), response.element('EC')]).toEqual([
    400,
    'InvalidArgument',
    '0012-00000106',
  ])
})
