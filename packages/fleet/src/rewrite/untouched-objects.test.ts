import { Keyring, OSS_HEADERS } from '@oss-cse/crypto-core'
import { createTestProvider } from '@oss-cse/crypto-core/testing'
import { describe, expect, test } from 'vitest'
import { allRows, OLD, outcomes, RewriteSite, WHOLE, writesOf } from '../../test/rewrite-site.ts'
import { rotateObject, rotateShard } from '../rotate-object.ts'

describe('what is not written', () => {
  test('plain, damaged, altered, linked, archived, retained and appendable objects', async () => {
    const site = new RewriteSite()
    await site.putPlain('plain', 'text')
    for (const key of ['damaged', 'short', 'archived', 'retained', 'appendable', 'link'])
      await site.app.put(key, 'text')
    const change = (key: string, headers: Record<string, string | undefined>, bytes?: Uint8Array) => {
      const object = site.transport.objects.get(key)
      if (object === undefined) throw new Error(key)
      const all = Object.entries({ ...object.headers, ...headers }).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value]],
      )
      site.transport.objects.set(key, {
        ...object,
        ...(bytes && { bytes }),
        headers: Object.fromEntries(all),
      })
    }
    change('damaged', { 'x-oss-meta-client-side-encryption-start': undefined })
    change('short', {}, new Uint8Array(3))
    change('archived', { [OSS_HEADERS.storageClass]: 'Archive' })
    change('retained', { [OSS_HEADERS.retentionMode]: 'COMPLIANCE' })
    change('appendable', { [OSS_HEADERS.objectType]: 'Appendable' })
    change('link', { [OSS_HEADERS.objectType]: 'Symlink' })
    site.transport.requests.length = 0
    const rows = await allRows(rotateShard(WHOLE, site.options()))
    expect(outcomes(rows)).toEqual({
      plain: 'plain',
      damaged: 'damaged',
      short: 'altered',
      archived: 'needs-restore',
      retained: 'retained',
      appendable: 'appendable',
      link: 'link',
    })
    expect(writesOf(site.transport)).toEqual([])
  })

  test('an object whose bytes do not match the checksum of the service', async () => {
    const site = new RewriteSite()
    await site.app.put('k', 'text')
    const object = site.transport.objects.get('k')
    if (object) site.transport.objects.set('k', { ...object, bytes: new Uint8Array(4) })
    const planted = site.transport.objects.get('k')
    expect(await rotateObject('k', site.options())).toMatchObject({
      outcome: 'altered',
      code: 'ERR_CSE_INTEGRITY',
    })
    expect(site.transport.objects.get('k')).toBe(planted)
  })

  test('an object whose metadata would be too large with the new envelope', async () => {
    const site = new RewriteSite()
    await site.app.put('k', 'text', { metadata: { big: 'x'.repeat(7600) } })
    const keyring = new Keyring({
      encrypting: createTestProvider({ seed: 2, materialDescription: { key: 'n'.repeat(600) } }),
      decrypting: [OLD],
    })
    const row = await rotateObject('k', { ...site.options(), keyring })
    expect(row).toMatchObject({ outcome: 'failed', code: 'ERR_CSE_METADATA_TOO_LARGE' })
    expect(site.transport.requests.filter(({ operation }) => operation === 'put')).toHaveLength(1)
  })

  test('anything in a dry run, or beyond the limit', async () => {
    const site = new RewriteSite()
    for (const key of ['a', 'b', 'c']) await site.app.put(key, key)
    site.transport.requests.length = 0
    const dry = await allRows(rotateShard(WHOLE, { ...site.options(), dryRun: true }))
    expect(outcomes(dry)).toEqual({ a: 'would-rotate', b: 'would-rotate', c: 'would-rotate' })
    expect(writesOf(site.transport)).toEqual([])
    const limited = await allRows(rotateShard(WHOLE, { ...site.options(), limit: 2, parallel: 1 }))
    expect(outcomes(limited)).toEqual({ a: 'rotated', b: 'rotated', c: 'would-rotate' })
  })
})
