import { createHash } from 'node:crypto'
import { CryptoBucket } from '@oss-cse/bucket'
import { Keyring, OSS_HEADERS } from '@oss-cse/crypto-core'
import { describe, expect, test } from 'vitest'
import { allRows, NEW, outcomes, RewriteSite, WHOLE } from '../test/rewrite-site.ts'
import { migrateObject, migrateShard } from './migrate-object.ts'

describe('a migrated object', () => {
  test('is encrypted, and keeps its headers, metadata, ACL and tags', async () => {
    const site = new RewriteSite()
    const bytes = new TextEncoder().encode('text')
    const headers = {
      'content-type': 'text/x',
      'x-oss-meta-mine': 'yes',
      [OSS_HEADERS.objectAcl]: 'private',
      [OSS_HEADERS.tagging]: 'a=1',
    }
    await site.transport.put({ key: 'k', headers, body: { open: () => one(bytes) } })
    expect(await migrateObject('k', site.options())).toMatchObject({ outcome: 'migrated', sizeBytes: 4 })
    expect(await site.read('k', site.reader)).toBe('text')
    expect(await site.reader.head('k')).toMatchObject({ contentType: 'text/x', metadata: { mine: 'yes' } })
    expect(site.transport.objects.get('k')).toMatchObject({
      acl: 'private',
      tags: [{ key: 'a', value: '1' }],
    })
  })

  test.each([0, 1, 16, 65_536, 200_000])(
    'of %i bytes is the same plaintext, in either format',
    async (sizeBytes) => {
      const bytes = Uint8Array.from({ length: sizeBytes }, (_, i) => i * 7)
      for (const format of ['aes-ctr', 'sealed'] as const) {
        const site = new RewriteSite()
        await site.transport.plant('k', bytes)
        expect(await migrateObject('k', { ...site.options(), format })).toMatchObject({ outcome: 'migrated' })
        expect(await site.reader.getBytes('k')).toEqual(bytes)
        expect((await site.reader.head('k')).sealed).toBe(format === 'sealed')
      }
    },
  )
})

test('what is encrypted or damaged already is not touched', async () => {
  const site = new RewriteSite()
  await site.app.put('encrypted', 'text')
  await site.transport.plant('damaged', new Uint8Array(3), { 'x-oss-meta-client-side-encryption-key': 'x' })
  const before = new Map(site.transport.objects)
  const rows = await allRows(migrateShard(WHOLE, site.options()))
  expect(outcomes(rows)).toEqual({ damaged: 'damaged', encrypted: 'already' })
  expect(site.transport.objects).toEqual(before)
})

test('a dry run writes nothing', async () => {
  const site = new RewriteSite()
  await site.putPlain('k', 'text')
  const before = new Map(site.transport.objects)
  const rows = await allRows(migrateShard(WHOLE, { ...site.options(), dryRun: true }))
  expect(outcomes(rows)).toEqual({ k: 'would-migrate' })
  expect(site.transport.objects).toEqual(before)
})

test.each([
  ['checksum', (bytes: Uint8Array) => ({ bytes: bytes.map((byte) => byte ^ 1) })],
  ['MD5', (bytes: Uint8Array) => ({ headers: { 'content-md5': md5(bytes.map((byte) => byte ^ 1)) } })],
])('bytes that do not match the %s of the service are not migrated', async (_what, change) => {
  const site = new RewriteSite()
  const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => i)
  await site.transport.plant('k', bytes)
  const object = site.transport.objects.get('k')
  if (object) site.transport.objects.set('k', { ...object, ...change(bytes) })
  const planted = site.transport.objects.get('k')
  expect(await migrateObject('k', site.options())).toMatchObject({
    outcome: 'altered',
    code: 'ERR_CSE_INTEGRITY',
  })
  expect(site.transport.objects.get('k')).toBe(planted)
})

test('bytes that match the MD5 of the service are', async () => {
  const site = new RewriteSite()
  const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => i)
  await site.transport.plant('k', bytes)
  const object = site.transport.objects.get('k')
  if (object) site.transport.objects.set('k', { ...object, headers: { 'content-md5': md5(bytes) } })
  expect(await migrateObject('k', site.options())).toMatchObject({ outcome: 'migrated' })
})

test('a public key alone migrates', async () => {
  const site = new RewriteSite()
  await site.putPlain('k', 'text')
  const keyring = new Keyring({ encrypting: { ...NEW, canUnwrap: false } })
  expect(await migrateObject('k', { ...site.options(), keyring })).toMatchObject({ outcome: 'migrated' })
  expect(await site.read('k', site.reader)).toBe('text')
})

test('under a sealed-only key, objects are sealed', async () => {
  const site = new RewriteSite()
  await site.putPlain('k', 'text')
  const keyring = new Keyring({ encrypting: NEW, sealedOnly: [NEW] })
  expect(await migrateObject('k', { ...site.options(), keyring })).toMatchObject({ outcome: 'migrated' })
  expect(await site.read('k', new CryptoBucket({ transport: site.transport, keyring }))).toBe('text')
})

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('base64')
}
