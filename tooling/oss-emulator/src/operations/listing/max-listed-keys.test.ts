import { expect, it } from 'vitest'
import { startOssEmulator } from '../../emulator.ts'
import { aliOssClient } from '../../testing/ali-oss-client.ts'

it('a page has no more than maxListedKeys entries, and the pages lose none', async () => {
  const emulator = await startOssEmulator({ maxListedKeys: 2 })
  try {
    const keys = ['a', 'b', 'c', 'd', 'e']
    for (const key of keys) await emulator.putStoredObject('demo', key, { bytes: Buffer.from(key) })
    const client = aliOssClient(emulator)
    const pages: string[][] = []
    let token: string | undefined
    do {
      const query = { 'max-keys': '1000', ...(token !== undefined && { 'continuation-token': token }) }
      const { objects, nextContinuationToken } = await client.listV2(query)
      pages.push(objects.map(({ name }: { readonly name: string }) => name))
      token = nextContinuationToken
    } while (token)
    expect(pages).toEqual([['a', 'b'], ['c', 'd'], ['e']])
    expect((await client.list({ 'max-keys': 1 })).objects).toHaveLength(1)
    expect((await client.getBucketVersions({ 'max-keys': 1000 })).objects).toHaveLength(2)
  } finally {
    await emulator.close()
  }
})
