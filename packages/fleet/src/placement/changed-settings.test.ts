import { OSS_HEADERS, TransportError } from '@oss-cse/crypto-core'
import { expect, test } from 'vitest'
import { RewriteSite, withoutHeader } from '../../test/rewrite-site.ts'
import { rotateObject } from '../rotate-object.ts'

test.each([
  ['ACL', { acl: 'private' as const }],
  [
    'tags',
    {
      tags: [
        { key: 'b', value: '' },
        { key: 'a', value: '1' },
      ],
    },
  ],
])('a change of the %s while the object is rotated is kept', async (_what, change) => {
  const site = new RewriteSite()
  await site.app.put('k', 'text')
  const { transport } = site
  let changed = false
  transport.intercept = ({ operation }) => {
    const object = transport.objects.get('k')
    if (operation !== 'put' || changed || object === undefined) return
    changed = true
    transport.objects.set('k', { ...object, ...change })
  }
  expect(await rotateObject('k', site.options())).toMatchObject({ outcome: 'rotated', races: 1 })
  const { acl, tags = [] } = transport.objects.get('k') ?? {}
  const byKey = [...tags].sort((a, b) => (a.key < b.key ? -1 : 1))
  const { tags: wanted = [] } = { ...change } as { tags?: typeof tags }
  expect(byKey).toEqual([...wanted].sort((a, b) => (a.key < b.key ? -1 : 1)))
  expect(acl).toBe('acl' in change ? change.acl : 'default')
})

test('a change of the ACL is kept, also if the check for it has to be repeated', async () => {
  const site = new RewriteSite()
  await site.app.put('k', 'text')
  const { transport } = site
  let reads = 0
  transport.intercept = ({ operation }) => {
    const object = transport.objects.get('k')
    if (operation === 'put' && reads === 1 && object !== undefined)
      transport.objects.set('k', { ...object, acl: 'private' })
    if (operation !== 'getObjectAcl') return
    reads += 1
    if (reads === 2) throw new TransportError('ERR_CSE_NETWORK', 'Broken.', { retryable: true })
  }
  expect(await rotateObject('k', site.options())).toMatchObject({ outcome: 'rotated', races: 1 })
  expect(transport.objects.get('k')?.acl).toBe('private')
})

test('a change of the ACL of an object from before the bucket kept versions is kept', async () => {
  const site = new RewriteSite('Unversioned')
  await site.app.put('k', 'text')
  const { transport } = site
  transport.versioning = 'Enabled'
  withoutHeader(transport, OSS_HEADERS.versionId, 'null')
  let changed = false
  transport.intercept = ({ operation }) => {
    const object = transport.objects.get('k')
    if (operation !== 'put' || changed || object === undefined) return
    changed = true
    transport.objects.set('k', { ...object, acl: 'private' })
  }
  expect(await rotateObject('k', site.options())).toMatchObject({ outcome: 'rotated', races: 1 })
  expect(transport.objects.get('k')?.acl).toBe('private')
})
