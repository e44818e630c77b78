import { OSS_HEADERS } from '@oss-cse/crypto-core'
import { describe, expect, test } from 'vitest'
import { MortalWorker } from '../../test/mortal-worker.ts'
import { allRows, outcomes, RewriteSite, WHOLE } from '../../test/rewrite-site.ts'
import { migrateShard } from '../migrate-object.ts'
import { type RotateShardOptions, rotateShard } from '../rotate-object.ts'

const TEMPORARY = '.tmp/'
const code = (value: string) => expect.objectContaining({ code: value })

/** A bucket without versions, whose writers are paused. */
function pausedSite() {
  const site = new RewriteSite('Unversioned')
  const placement = {
    mode: 'unversioned' as const,
    writersArePaused: true as const,
    temporaryPrefix: TEMPORARY,
  }
  return { site, options: { ...site.options(), placement } }
}

const temporaryKeys = ({ transport }: RewriteSite) =>
  [...transport.objects.keys()].filter((key) => key.startsWith(TEMPORARY))

const COMMANDS = {
  rotate: {
    put: (site: RewriteSite, key: string) => site.app.put(key, 'text'),
    run: rotateShard,
    done: 'rotated',
  },
  'rotate with a new content key': {
    put: (site: RewriteSite, key: string) => site.app.put(key, 'text'),
    run: ((shard, options) => rotateShard(shard, { ...options, newContentKey: true })) as typeof rotateShard,
    done: 'rotated',
  },
  migrate: {
    put: (site: RewriteSite, key: string) => site.putPlain(key, 'text'),
    run: migrateShard,
    done: 'migrated',
  },
}

describe.each(Object.entries(COMMANDS))('%s in a bucket without versions', (_name, { put, run, done }) => {
  test('leaves the new content, and no temporary object', async () => {
    const { site, options } = pausedSite()
    for (const key of ['a', 'b']) await put(site, key)
    expect(outcomes(await allRows(run(WHOLE, options)))).toEqual({ a: done, b: done })
    expect(await site.read('a', site.reader)).toBe('text')
    expect(temporaryKeys(site)).toEqual([])
    expect(outcomes(await allRows(run(WHOLE, options)))).toEqual({ a: 'already', b: 'already' })
  })

  test('an archived object that was restored is replaced, and stays in its storage class', async () => {
    const { site, options } = pausedSite()
    await put(site, 'k')
    const { objects } = site.transport
    const object = objects.get('k')
    const archived = {
      [OSS_HEADERS.storageClass]: 'Archive',
      [OSS_HEADERS.restore]: 'ongoing-request="false", expiry-date="Sun, 16 Apr 2028 08:12:33 GMT"',
    }
    if (object) objects.set('k', { ...object, headers: { ...object.headers, ...archived } })
    expect(outcomes(await allRows(run(WHOLE, options)))).toEqual({ k: done })
    expect(objects.get('k')?.headers[OSS_HEADERS.storageClass]).toBe('Archive')
  })

  test('killed at any call, the key always has the old or the new content, and the redo removes temporary objects', async () => {
    const worker0 = new MortalWorker()
    const first = pausedSite()
    await put(first.site, 'k')
    const ports = (
      worker: MortalWorker,
      { site, options }: ReturnType<typeof pausedSite>,
    ): RotateShardOptions => ({
      ...options,
      transport: worker.port(site.transport),
      intents: worker.port(site.intents),
    })
    await allRows(run(WHOLE, ports(worker0, first)))
    for (let killedAt = 1; killedAt <= worker0.calls; killedAt += 1) {
      for (const effect of [false, true]) {
        const paused = pausedSite()
        const { site, options } = paused
        await put(site, 'k')
        const worker: MortalWorker = new MortalWorker({
          before: (call) => (call === killedAt && !effect ? worker.die() : undefined),
          after: (call) => (call === killedAt && effect ? worker.die() : undefined),
        })
        await allRows(run(WHOLE, ports(worker, paused))).catch(() => {})
        expect(await site.read('k')).toBe('text')
        const rows = await allRows(run(WHOLE, options))
        expect(rows.map(({ key, outcome }) => [key, outcome])).toEqual([
          ['k', expect.stringMatching(/^(rotated|migrated|already)$/)],
        ])
        expect(await site.read('k', site.reader)).toBe('text')
        expect(temporaryKeys(site)).toEqual([])
      }
    }
  })

  test('a write of somebody before the last look at the key is kept', async () => {
    const { site, options } = pausedSite()
    await put(site, 'k')
    let raced = false
    site.transport.intercept = async ({ operation, key }) => {
      if (operation !== 'put' || !key.startsWith(TEMPORARY) || raced) return
      raced = true
      await site.app.put('k', 'newer')
    }
    const [row] = await allRows(run(WHOLE, options))
    expect(row).toMatchObject({ races: 1 })
    expect(await site.read('k')).toBe('newer')
    expect(temporaryKeys(site)).toEqual([])
  })
})

test('the ACL, the tags and the metadata are those of the source', async () => {
  const { site, options } = pausedSite()
  const headers = {
    [OSS_HEADERS.objectAcl]: 'public-read',
    [OSS_HEADERS.tagging]: 'a=1',
    [OSS_HEADERS.storageClass]: 'IA',
  }
  await site.app.put('k', 'text', { metadata: { mine: 'yes' }, headers })
  await allRows(rotateShard(WHOLE, options))
  const { acl, tags, headers: kept } = site.transport.objects.get('k') ?? {}
  expect({ acl, tags }).toEqual({ acl: 'public-read', tags: [{ key: 'a', value: '1' }] })
  expect(kept).toMatchObject({ 'x-oss-meta-mine': 'yes', [OSS_HEADERS.storageClass]: 'IA' })
})

test('a wrong copy stops the run and keeps the temporary object, also in the redo', async () => {
  const { site, options } = pausedSite()
  await site.app.put('k', 'text')
  const { transport } = site
  let copied = false
  transport.intercept = ({ operation, key }) => {
    copied ||= operation === 'copy'
    const object = transport.objects.get('k')
    if (copied && operation === 'head' && key === 'k' && object)
      transport.objects.set('k', { ...object, crc64: 1n })
  }
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    await expect(allRows(rotateShard(WHOLE, options))).rejects.toEqual(code('ERR_CSE_INTEGRITY'))
    expect(temporaryKeys(site)).toHaveLength(1)
  }
})

test.each(['Enabled', 'Suspended'] as const)(
  'a bucket whose versioning is %s is refused',
  async (versioning) => {
    const { site, options } = pausedSite()
    site.transport.versioning = versioning
    await expect(allRows(rotateShard(WHOLE, options))).rejects.toEqual(code('ERR_CSE_OPERATION_REFUSED'))
  },
)
