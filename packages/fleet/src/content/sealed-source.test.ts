import { CryptoBucket } from '@oss-cse/bucket'
import type { GetObjectResponse } from '@oss-cse/crypto-core'
import { describe, expect, test } from 'vitest'
import { NEW, OLD, RewriteSite } from '../../test/rewrite-site.ts'
import { rotateObject } from '../rotate-object.ts'

describe('a sealed object', () => {
  const sealing = (site: RewriteSite, context?: (key: string) => string) =>
    new CryptoBucket({ transport: site.transport, provider: OLD, format: 'sealed', context })

  test('keeps its commitment, and is read under its context', async () => {
    const site = new RewriteSite()
    const context = (key: string) => `context of ${key}`
    const bytes = new Uint8Array(200_000).fill(9)
    const { commitment } = await sealing(site, context).put('k', bytes)
    expect(await rotateObject('k', { ...site.options(), context })).toMatchObject({ outcome: 'rotated' })
    const read = new CryptoBucket({ transport: site.transport, provider: NEW, context, accept: 'sealed' })
    expect(await read.getBytes('k', { expectCommitment: commitment })).toEqual(bytes)
  })

  test.each([0, 1, 2, 3])(
    'that was altered in segment %i is not written, although its checksum is right',
    async (segment) => {
      const site = new RewriteSite()
      await sealing(site).put('k', new Uint8Array(200_000).fill(9))
      const object = site.transport.objects.get('k')
      const bytes = Uint8Array.from(object?.bytes ?? [])
      const at = segment * 65_536 + 60
      bytes[at] = (bytes[at] ?? 0) ^ 1
      await site.transport.plant('k', bytes, object?.headers)
      const planted = site.transport.objects.get('k')
      expect(await rotateObject('k', site.options())).toMatchObject({
        outcome: 'altered',
        code: 'ERR_CSE_AUTHENTICATION_FAILED',
      })
      expect(site.transport.objects.get('k')).toEqual(planted)
    },
  )

  test('whose connection breaks is read once more as a whole', async () => {
    const site = new RewriteSite()
    const bytes = new Uint8Array(200_000).fill(9)
    await sealing(site).put('k', bytes)
    let gets = 0
    site.transport.alterGet = (response: GetObjectResponse) => {
      gets += 1
      return gets === 1 ? { ...response, body: cutAt(response.body, 70_000) } : response
    }
    expect(await rotateObject('k', site.options())).toMatchObject({ outcome: 'rotated' })
    expect(await site.reader.getBytes('k')).toEqual(bytes)
  })

  test('that was altered on its way is read once more', async () => {
    const site = new RewriteSite()
    const bytes = new Uint8Array(200_000).fill(9)
    await sealing(site).put('k', bytes)
    let gets = 0
    site.transport.alterGet = (response: GetObjectResponse) => {
      gets += 1
      return gets === 1 ? { ...response, body: flippedAt(response.body, 70_000) } : response
    }
    expect(await rotateObject('k', site.options())).toMatchObject({ outcome: 'rotated' })
    expect(await site.reader.getBytes('k')).toEqual(bytes)
  })
})

async function* cutAt(body: AsyncIterable<Uint8Array>, at: number): AsyncGenerator<Uint8Array> {
  let left = at
  for await (const chunk of body) {
    yield chunk.subarray(0, left)
    left -= chunk.length
    if (left <= 0) throw new Error('socket hang up')
  }
}

async function* flippedAt(body: AsyncIterable<Uint8Array>, at: number): AsyncGenerator<Uint8Array> {
  let offset = 0
  for await (const chunk of body) {
    const index = at - offset
    if (index >= 0 && index < chunk.length) chunk[index] = (chunk[index] ?? 0) ^ 1
    offset += chunk.length
    yield chunk
  }
}
