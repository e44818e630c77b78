import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../../emulator.ts'
import {
  envelope,
  md5Hex,
  type RawRequest,
  type RawResponse,
  signedRequest,
} from '../../testing/signed-request.ts'

const CONTENT = 'what the link leads to'
const EARLY = new Date('2026-01-01T00:00:00.000Z')
const LATE = new Date('2026-01-01T00:05:00.000Z')

let emulator: OssEmulator
let now = EARLY

beforeAll(async () => {
  emulator = await startOssEmulator({ buckets: ['demo', 'versioned'], clock: () => now })
  await send({
    method: 'PUT',
    bucket: 'versioned',
    query: 'versioning',
    body: '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>',
  })
})
afterAll(() => emulator.close())

function send(request: RawRequest): Promise<RawResponse> {
  return signedRequest(emulator, { date: now, ...request })
}

function put(key: string, headers: Record<string, string> = {}, bucket = 'demo'): Promise<RawResponse> {
  return send({ method: 'PUT', bucket, key, headers, body: CONTENT })
}

function link(
  key: string,
  target: string,
  headers: Record<string, string> = {},
  bucket = 'demo',
): Promise<RawResponse> {
  const named = { 'x-oss-symlink-target': encodeURIComponent(target), ...headers }
  return send({ method: 'PUT', bucket, key, query: 'symlink', headers: named })
}

describe.each(['GET', 'HEAD'])('%s of a symbolic link', (method) => {
  it('has the length, ETag and MD5 of the target, and all else of the link', async () => {
    await put('target', {
      ...envelope(),
      'content-type': 'text/plain',
      'cache-control': 'no-cache',
      'x-oss-meta-of': 'target',
      'x-oss-meta-target': '1',
      'x-oss-tagging': 'a=1&b=2',
      'x-oss-storage-class': 'IA',
    })
    await link('link', 'target', {
      'content-type': 'image/png',
      'x-oss-meta-of': 'link',
      'x-oss-tagging': 'c=3',
    })
    const { status, headers, body } = await send({ method, key: 'link' })
    expect(status).toBe(200)
    expect(body.toString()).toBe(method === 'GET' ? CONTENT : '')
    expect(headers).toMatchObject({
      'content-length': String(CONTENT.length),
      etag: `"${md5Hex(CONTENT)}"`,
      'content-md5': Buffer.from(md5Hex(CONTENT), 'hex').toString('base64'),
      'content-type': 'image/png',
      'x-oss-meta-of': 'link',
      'x-oss-object-type': 'Symlink',
      'x-oss-storage-class': 'Standard',
      'x-oss-tagging-count': '1',
    })
    for (const name of ['cache-control', 'x-oss-meta-target', 'x-oss-hash-crc64ecma']) {
      expect(headers[name], name).toBeUndefined()
    }
    expect(Object.keys(headers).filter((name) => name.includes('client-side-encryption'))).toEqual([])
  })

  it('has the later of both modification times, and conditions use it', async () => {
    await put('timed')
    now = LATE
    await link('younger', 'timed')
    now = EARLY
    await link('older', 'timed')
    now = LATE
    await put('timed')
    const timed = async (key: string, headers: Record<string, string> = {}) => send({ method, key, headers })
    expect((await timed('younger')).headers['last-modified']).toBe(LATE.toUTCString())
    expect((await timed('older')).headers['last-modified']).toBe(LATE.toUTCString())
    expect((await timed('older', { 'if-unmodified-since': EARLY.toUTCString() })).status).toBe(412)
    expect((await timed('older', { 'if-match': `"${md5Hex(CONTENT)}"` })).status).toBe(200)
    now = EARLY
  })

  it('has the version id of the link and the current version of the target', async () => {
    await put('target', {}, 'versioned')
    const { headers: first } = await link('link', 'target', {}, 'versioned')
    await link('link', 'other', {}, 'versioned')
    const current = await send({ method: 'PUT', bucket: 'versioned', key: 'target', body: 'newer' })
    const query = `versionId=${first['x-oss-version-id']}`
    const old = await send({ method, bucket: 'versioned', key: 'link', query })
    expect([old.status, old.headers.etag]).toEqual([200, current.headers.etag])
    expect(old.headers['x-oss-version-id']).toBe(first['x-oss-version-id'])
    await send({ method: 'DELETE', bucket: 'versioned', key: 'target' })
    expect((await send({ method, bucket: 'versioned', key: 'link', query })).status).toBe(404)
  })

  it('with ?objectMeta describes the link', async () => {
    await put('described')
    const { headers: made } = await link('describing', 'described')
    const { headers } = await send({ method, key: 'describing', query: 'objectMeta' })
    expect([headers.etag, headers['content-length']]).toEqual([made.etag, '0'])
  })
})

it('a range of a link is a range of its target', async () => {
  await put('ranged')
  await link('ranging', 'ranged')
  const { status, headers, body } = await send({ key: 'ranging', headers: { range: 'bytes=5-7' } })
  expect([status, headers['content-range'], body.toString()]).toEqual([
    206,
    `bytes 5-7/${CONTENT.length}`,
    CONTENT.slice(5, 8),
  ])
})

it('a link to a missing object or to another link can be created but not read', async () => {
  await link('dangling', 'nowhere')
  await link('chained', 'dangling')
  const outcome = async (key: string) => {
    const response = await send({ key })
    return [response.status, response.element('Code')]
  }
  expect(await outcome('dangling')).toEqual([404, 'SymlinkTargetNotExist'])
  expect(await outcome('chained')).toEqual([400, 'InvalidTargetType'])
})

it('GetSymlink returns the target URL-encoded, with the metadata, ETag and version of the link', async () => {
  await link('dir/söme link', 'dir/ä target', { 'x-oss-meta-a': '1', 'content-type': 'image/png' })
  const { headers: made } = await link('versioned link', 'x', {}, 'versioned')
  const { status, headers, body } = await send({ key: 'dir/söme link', query: 'symlink' })
  expect([status, body.length]).toEqual([200, 0])
  expect(headers).toMatchObject({
    'x-oss-symlink-target': encodeURIComponent('dir/ä target'),
    'x-oss-meta-a': '1',
    'content-type': 'image/png',
  })
  const versioned = await send({ bucket: 'versioned', key: 'versioned link', query: 'symlink' })
  expect([versioned.headers.etag, versioned.headers['x-oss-version-id']]).toEqual([
    made.etag,
    made['x-oss-version-id'],
  ])
})

it('GetSymlink of an object that is not a link is refused', async () => {
  await put('no-link')
  const response = await send({ key: 'no-link', query: 'symlink' })
  expect([response.status, response.element('Code'), response.headers['x-oss-ec']]).toEqual([
    400,
    'NotSymlink',
    '0043-00000101',
  ])
})

it('PutSymlink does not overwrite if it forbids that, except in a versioned bucket', async () => {
  const forbidding = { 'x-oss-forbid-overwrite': 'true' }
  await put('taken')
  await put('taken', {}, 'versioned')
  const refused = await link('taken', 'target', forbidding)
  expect([refused.status, refused.element('Code')]).toEqual([409, 'FileAlreadyExists'])
  expect((await link('taken', 'target', forbidding, 'versioned')).status).toBe(200)
})

it.each([undefined, '', '%'])('PutSymlink with the target %j is refused', async (target) => {
  const headers: Record<string, string> = target === undefined ? {} : { 'x-oss-symlink-target': target }
  const response = await send({ method: 'PUT', key: 'bad-link', query: 'symlink', headers })
  expect([response.status, response.element('Code')]).toEqual([400, 'InvalidArgument'])
})

it('a copy of a link is a link without content', async () => {
  await put('copied-target')
  await link('copied-link', 'copied-target', { 'x-oss-meta-of': 'link' })
  const headers = { 'x-oss-copy-source': '/demo/copied-link' }
  expect((await send({ method: 'PUT', key: 'link-copy', headers })).status).toBe(200)
  const { headers: copy } = await send({ key: 'link-copy', query: 'symlink' })
  expect([copy['x-oss-symlink-target'], copy['x-oss-meta-of']]).toEqual(['copied-target', 'link'])
})

it('a part cannot be copied from a link', async () => {
  await put('part-target')
  await link('part-link', 'part-target')
  const started = await send({ method: 'POST', key: 'parts', query: 'uploads' })
  const response = await send({
    method: 'PUT',
    key: 'parts',
    query: `partNumber=1&uploadId=${started.element('UploadId')}`,
    headers: { 'x-oss-copy-source': '/demo/part-link' },
  })
  expect([response.status, response.headers['x-oss-ec']]).toEqual([400, '0042-00000308'])
})
