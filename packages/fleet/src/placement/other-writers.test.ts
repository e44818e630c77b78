import { OSS_HEADERS, TransportError } from '@oss-cse/crypto-core'
import { expect, test } from 'vitest'
import { allRows, denied, outcomes, RewriteSite, WHOLE } from '../../test/rewrite-site.ts'
import { rotateObject, rotateShard } from '../rotate-object.ts'

test.each(['overwrites', 'deletes'])(
  'where versions must not be deleted, what a user %s is put on top again',
  async (what) => {
    const site = new RewriteSite()
    await site.app.put('k', 'text', { headers: { [OSS_HEADERS.objectAcl]: 'private' } })
    const { transport } = site
    let raced = false
    transport.intercept = async ({ operation, versionId }) => {
      if (operation === 'delete' && versionId !== undefined) throw denied()
      if (operation !== 'put' || raced) return
      raced = true
      if (what === 'deletes') await site.app.delete('k')
      else await site.app.put('k', 'newer', { headers: { [OSS_HEADERS.objectAcl]: 'public-read' } })
    }
    const rows = await allRows(rotateShard(WHOLE, site.options()))
    expect(outcomes(rows)).toEqual({ k: what === 'deletes' ? 'gone' : 'rotated' })
    expect(await site.read('k')).toBe(what === 'deletes' ? undefined : 'newer')
    if (what === 'overwrites') expect(transport.objects.get('k')?.acl).toBe('public-read')
  },
)

test('what a user writes just before a delete is repeated is not hidden by that', async () => {
  const site = new RewriteSite()
  await site.app.put('k', 'text')
  const acts = [() => site.app.delete('k'), () => site.app.put('k', 'newest')]
  let acting = false
  site.transport.intercept = async ({ operation, versionId }) => {
    if (acting) return
    if (operation === 'delete' && versionId !== undefined) throw denied()
    if (operation !== (acts.length === 2 ? 'put' : 'delete')) return
    acting = true
    await acts.shift()?.()
    acting = false
  }
  expect(outcomes(await allRows(rotateShard(WHOLE, site.options())))).toEqual({ k: 'rotated' })
  expect(acts).toEqual([])
  expect(await site.read('k', site.reader)).toBe('newest')
})

test('a key that is written again and again fails in the end, and hides nothing', async () => {
  const site = new RewriteSite()
  await site.app.put('k', '0')
  let writes = 0
  site.transport.intercept = async ({ operation, headers }) => {
    const byWorker = operation === 'put' && JSON.stringify(headers).includes('new')
    if (!byWorker) return
    writes += 1
    await site.app.put('k', String(writes))
  }
  expect(await rotateObject('k', site.options())).toMatchObject({
    outcome: 'failed',
    code: 'ERR_CSE_SOURCE_CHANGED',
    races: 6,
  })
  expect(await site.read('k')).toBe('6')
})

test('however often somebody else wrote meanwhile, the newest content is on top', async () => {
  const site = new RewriteSite()
  await site.app.put('k', 'text')
  await site.app.put('k2', 'another key with the same prefix')
  let raced = false
  site.transport.intercept = async ({ operation }) => {
    if (operation !== 'put' || raced) return
    raced = true
    for (let i = 0; i < 25; i += 1) await site.app.put('k', `newer ${i}`)
  }
  expect(await rotateObject('k', site.options())).toMatchObject({ outcome: 'rotated', races: 1 })
  expect(await site.read('k', site.reader)).toBe('newer 24')
})

test('where a race could not be repaired, the row says so, and a retry in the same run repairs it', async () => {
  const site = new RewriteSite()
  await site.app.put('k', 'text')
  let broken = true
  let raced = false
  site.transport.intercept = async ({ operation }) => {
    if (operation === 'listVersions' && broken)
      throw new TransportError('ERR_CSE_SERVICE', 'No.', { retryable: false })
    if (operation !== 'put' || raced) return
    raced = true
    await site.app.put('k', 'newer')
  }
  const [row] = await allRows(rotateShard(WHOLE, site.options()))
  expect(row).toMatchObject({ outcome: 'failed', unsettled: true })
  expect(await site.intents.readIntents('0000000000')).toHaveLength(1)
  broken = false
  expect(outcomes(await allRows(rotateShard(WHOLE, site.options())))).toEqual({ k: 'rotated' })
  expect(await site.read('k', site.reader)).toBe('newer')
  expect(await site.intents.readIntents('0000000000')).toEqual([])
})

test('what a killed worker hid is shown again, also if the key was deleted and restored', async () => {
  const site = new RewriteSite()
  await site.app.put('k', 'text')
  let dead = false
  site.transport.intercept = async ({ operation, headers }) => {
    if (dead) throw new TransportError('ERR_CSE_NETWORK', 'dead', { retryable: false })
    if (operation !== 'put' || !JSON.stringify(headers).includes('new')) return
    await site.app.put('k', 'newer')
    dead = true
  }
  await allRows(rotateShard(WHOLE, site.options())).catch(() => {})
  site.transport.intercept = undefined
  expect(await site.read('k')).toBe('text')
  await site.app.delete('k')
  const { versions } = await site.transport.listVersions({ prefix: 'k' })
  expect(await allRows(rotateShard(WHOLE, site.options()))).toEqual([])
  await site.app.delete('k', { versionId: versions[0]?.versionId })
  expect(await site.read('k')).toBe('newer')
})

test('what a user wrote in place of a source that they removed for good is not hidden', async () => {
  const site = new RewriteSite()
  await site.app.put('k', 'text')
  const { transport } = site
  const versionId = transport.objects.get('k')?.versionId
  let newer: string | undefined
  transport.intercept = async ({ operation }) => {
    if (operation !== 'put' || newer !== undefined) return
    newer = ''
    await site.app.put('k', 'newer')
    newer = transport.objects.get('k')?.versionId
    await site.app.delete('k', { versionId })
  }
  const listVersions = transport.listVersions.bind(transport)
  transport.listVersions = async (request) => {
    const { versions, ...page } = await listVersions(request)
    const dated = versions.map((version) =>
      version.versionId === newer ? { ...version, lastModified: new Date(1000) } : version,
    )
    return { ...page, versions: dated }
  }
  expect(await rotateObject('k', site.options())).toMatchObject({ outcome: 'rotated', races: 1 })
  expect(await site.read('k', site.reader)).toBe('newer')
})

test('a source that was removed for good while it was rotated leaves its content under the new key', async () => {
  const site = new RewriteSite()
  await site.app.put('k', 'older')
  await site.app.put('k', 'text')
  const versionId = site.transport.objects.get('k')?.versionId
  site.transport.intercept = ({ operation }) =>
    operation === 'listVersions' ? site.app.delete('k', { versionId }) : undefined
  expect(await rotateObject('k', site.options())).toMatchObject({ outcome: 'rotated' })
  expect(await site.read('k', site.reader)).toBe('text')
})

test('an abort after the write still removes what hides a newer version', async () => {
  const site = new RewriteSite()
  await site.app.put('k', 'text')
  const controller = new AbortController()
  let raced = false
  site.transport.intercept = async ({ operation }) => {
    if (operation === 'listVersions') controller.abort(new Error('cancelled'))
    if (operation !== 'put' || raced) return
    raced = true
    await site.app.put('k', 'newer')
  }
  const { signal } = controller
  await expect(allRows(rotateShard(WHOLE, { ...site.options(), signal }))).rejects.toThrow('cancelled')
  expect(await site.read('k')).toBe('newer')
})
