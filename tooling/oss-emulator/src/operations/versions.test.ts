import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../emulator.ts'
import { type AliOssClient, aliOssClient } from '../testing/ali-oss-client.ts'

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
})
