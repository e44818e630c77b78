import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../emulator.ts'
import { type AliOssClient, aliOssClient } from '../testing/ali-oss-client.ts'
import { signedRequest } from '../testing/signed-request.ts'

let emulator: OssEmulator
let client: AliOssClient

beforeAll(async () => {
  emulator = await startOssEmulator()
  client = aliOssClient(emulator, { authorizationV4: true })
  await client.putBucketVersioning('demo', 'Enabled')
})
afterAll(() => emulator.close())

async function put(key: string, text: string): Promise<string> {
  return (await client.put(key, Buffer.from(text))).res.headers['x-oss-version-id']
}

describe('in a versioned bucket', () => {
  it('each version stays readable, and a deletion hides them all', async () => {
    const first = await put('v', 'one')
    const second = await put('v', 'two')
    expect((await client.get('v')).content.toString()).toBe('two')
    expect((await client.get('v', { versionId: first })).content.toString()).toBe('one')
    const { res } = await client.delete('v')
    expect(res.headers['x-oss-delete-marker']).toBe('true')
    await expect(client.get('v')).rejects.toMatchObject({ code: 'NoSuchKey' })
    expect((await client.get('v', { versionId: second })).content.toString()).toBe('two')
    expect((await client.list({ prefix: 'v', 'max-keys': 10 })).objects ?? []).toEqual([])
    expect((await client.listV2({ prefix: 'v', 'max-keys': '10' })).objects).toEqual([])
    await client.delete('v', { versionId: res.headers['x-oss-version-id'] })
    expect((await client.get('v')).content.toString()).toBe('two')
  })

  it('all versions and delete markers are listed', async () => {
    await put('list', 'one')
    await put('list', 'two')
    await client.delete('list')
    const page = await client.getBucketVersions({ prefix: 'list', 'max-keys': 10 })
    expect(page.objects).toHaveLength(2)
    expect(page.deleteMarker).toHaveLength(1)
    const { nextKeyMarker, nextVersionIdMarker } = await client.getBucketVersions({
      prefix: 'list',
      'max-keys': 1,
    })
    const rest = await client.getBucketVersions({
      prefix: 'list',
      'max-keys': 10,
      keyMarker: nextKeyMarker,
      versionIdMarker: nextVersionIdMarker,
    })
    expect(rest.objects).toHaveLength(2)
  })

  it('an older version can be copied over the newest', async () => {
    const first = await put('c', 'one')
    await put('c', 'two')
    await client.copy('c', 'c', { versionId: first })
    expect((await client.get('c')).content.toString()).toBe('one')
  })

  it('forbid-overwrite has no effect', async () => {
    await put('f', 'one')
    await client.put('f', Buffer.from('two'), { headers: { 'x-oss-forbid-overwrite': 'true' } })
    expect((await client.get('f')).content.toString()).toBe('two')
  })

  it('a delete marker has no content, and neither an ACL nor tags', async () => {
    await put('m', 'one')
    const { res } = await client.delete('m')
    const versionId = res.headers['x-oss-version-id']
    for (const [method, query, status, code] of [
      ['GET', '', 405, 'MethodNotAllowed'],
      ['GET', 'acl&', 404, 'NoSuchKey'],
      ['GET', 'tagging&', 404, 'NoSuchKey'],
      ['DELETE', 'tagging&', 404, 'NoSuchKey'],
    ] as const) {
      const request = { method, key: 'm', query: `${query}versionId=${versionId}` }
      const response = await signedRequest(emulator, request)
      expect([response.status, response.element('Code')]).toEqual([status, code])
    }
    const plain = await signedRequest(emulator, { key: 'm' })
    expect([plain.status, plain.headers['x-oss-delete-marker']]).toEqual([404, 'true'])
  })

  it('tags and ACL belong to one version', async () => {
    const first = (await client.put('s', Buffer.from('1'), { headers: { 'x-oss-tagging': 'a=1' } })).res
    await put('s', 'two')
    const { 'x-oss-version-id': versionId } = first.headers
    await client.putACL('s', 'public-read', { versionId })
    expect((await client.getObjectTagging('s', { versionId })).tag).toEqual({ a: '1' })
    expect((await client.getACL('s', { versionId })).acl).toBe('public-read')
    expect((await client.getObjectTagging('s')).tag).toEqual({})
    expect((await client.getACL('s')).acl).toBe('default')
    expect((await client.head('s', { versionId })).res.headers['x-oss-tagging-count']).toBe('1')
    expect((await client.head('s')).res.headers['x-oss-tagging-count']).toBeUndefined()
  })
})
