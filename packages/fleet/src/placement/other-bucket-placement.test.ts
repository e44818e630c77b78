import { CryptoBucket } from '@oss-cse/bucket'
import { type HeaderMap, Keyring, OSS_HEADERS } from '@oss-cse/crypto-core'
import { MemoryTransport } from '@oss-cse/crypto-core/testing'
import { describe, expect, test } from 'vitest'
import { brokenConnection, MortalWorker } from '../../test/mortal-worker.ts'
import { allRows, NEW, outcomes, RewriteSite, WHOLE } from '../../test/rewrite-site.ts'
import { migrateShard } from '../migrate-object.ts'
import { rotateShard } from '../rotate-object.ts'

const code = (value: string) => expect.objectContaining({ code: value })

/** A bucket, and another one that its objects are written into. */
function twoBuckets() {
  const site = new RewriteSite('Unversioned')
  const target = new MemoryTransport()
  const options = { ...site.options(), placement: { mode: 'into' as const, transport: target } }
  const reader = new CryptoBucket({ transport: target, provider: NEW })
  return { site, target, options, reader }
}

const COMMANDS = {
  rotate: {
    put: (site: RewriteSite, key: string) => site.app.put(key, `text of ${key}`),
    run: rotateShard,
    done: 'rotated',
  },
  'rotate with a new content key': {
    put: (site: RewriteSite, key: string) => site.app.put(key, `text of ${key}`),
    run: ((shard, options) => rotateShard(shard, { ...options, newContentKey: true })) as typeof rotateShard,
    done: 'rotated',
  },
  migrate: {
    put: (site: RewriteSite, key: string) => site.putPlain(key, `text of ${key}`),
    run: migrateShard,
    done: 'migrated',
  },
}

describe.each(Object.entries(COMMANDS))('%s into another bucket', (_name, { put, run, done }) => {
  test('writes nothing into the source, and overwrites nothing in the target', async () => {
    const { site, target, options, reader } = twoBuckets()
    for (const key of ['a', 'b', 'c']) await put(site, key)
    await new CryptoBucket({ transport: target, keyring: site.keyring }).put('b', 'somebody else’s')
    const before = new Map(site.transport.objects)
    expect(outcomes(await allRows(run(WHOLE, options)))).toEqual({ a: done, b: 'conflict', c: done })
    expect(site.transport.objects).toEqual(before)
    expect(await site.read('a', reader)).toBe('text of a')
    expect(await site.read('b', reader)).toBe('somebody else’s')
    target.requests.length = 0
    expect(outcomes(await allRows(run(WHOLE, options)))).toEqual({
      a: 'already',
      b: 'conflict',
      c: 'already',
    })
    expect(target.requests.map(({ operation }) => operation)).not.toContain('put')
  })

  test('an object without a checksum of the service is compared all the same', async () => {
    const { site, target, options } = twoBuckets()
    for (const key of ['a', 'b']) await put(site, key)
    const { transport } = site
    const without = (headers: HeaderMap): HeaderMap =>
      Object.fromEntries(Object.entries(headers).filter(([name]) => name !== OSS_HEADERS.crc64))
    const head = transport.head.bind(transport)
    transport.head = async (request) => {
      const response = await head(request)
      return { ...response, headers: without(response.headers) }
    }
    transport.alterGet = (response) => ({ ...response, headers: without(response.headers) })
    expect(outcomes(await allRows(run(WHOLE, options)))).toEqual({ a: done, b: done })
    await new CryptoBucket({ transport: target, keyring: site.keyring }).put('b', 'Text of b')
    expect(outcomes(await allRows(run(WHOLE, options)))).toEqual({ a: 'already', b: 'conflict' })
  })

  test('killed at any call, the redo completes the target', async () => {
    const count = async (): Promise<number> => {
      const { site, options } = twoBuckets()
      await put(site, 'k')
      const worker = new MortalWorker()
      const placement = { mode: 'into' as const, transport: worker.port(options.placement.transport) }
      await allRows(run(WHOLE, { ...options, transport: worker.port(site.transport), placement }))
      return worker.calls
    }
    const calls = await count()
    expect(calls).toBeGreaterThan(5)
    for (let killedAt = 1; killedAt <= calls; killedAt += 1) {
      for (const effect of [false, true]) {
        const { site, options, reader } = twoBuckets()
        await put(site, 'k')
        const worker: MortalWorker = new MortalWorker({
          before: (call) => (call === killedAt && !effect ? worker.die() : undefined),
          after: (call) => (call === killedAt && effect ? worker.die() : undefined),
        })
        const placement = { mode: 'into' as const, transport: worker.port(options.placement.transport) }
        await allRows(run(WHOLE, { ...options, transport: worker.port(site.transport), placement })).catch(
          () => {},
        )
        const rows = await allRows(run(WHOLE, options))
        expect(rows.map(({ outcome }) => outcome)).toEqual([
          expect.stringMatching(/^(rotated|migrated|already)$/),
        ])
        expect(await site.read('k', reader)).toBe('text of k')
      }
    }
  })

  test('an object that is stored while its response is lost is recognized', async () => {
    const { site, target, options } = twoBuckets()
    await put(site, 'k')
    const put0 = target.put.bind(target)
    let lost = false
    target.put = async (request) => {
      const response = await put0(request)
      if (lost) return response
      lost = true
      throw brokenConnection()
    }
    expect(outcomes(await allRows(run(WHOLE, options)))).toEqual({ k: 'already' })
  })

  test('an object that somebody stores there meanwhile is not overwritten', async () => {
    const { site, target, options } = twoBuckets()
    await put(site, 'k')
    let raced = false
    target.intercept = async ({ operation }) => {
      if (operation !== 'put' || raced) return
      raced = true
      await new CryptoBucket({ transport: target, keyring: site.keyring }).put('k', 'newer')
    }
    expect(outcomes(await allRows(run(WHOLE, options)))).toEqual({ k: 'conflict' })
  })
})

test('what is as it should be already is copied, so that the target is complete', async () => {
  const { site, target, options, reader } = twoBuckets()
  await site.app.put('old', 'one')
  await new CryptoBucket({ transport: site.transport, provider: NEW }).put('new', 'two')
  await site.putPlain('plain', 'three')
  expect(outcomes(await allRows(rotateShard(WHOLE, { ...options, dryRun: true })))).toEqual({
    new: 'would-copy',
    old: 'would-rotate',
    plain: 'plain',
  })
  expect(target.objects.size).toBe(0)
  expect(outcomes(await allRows(rotateShard(WHOLE, options)))).toEqual({
    new: 'copied',
    old: 'rotated',
    plain: 'plain',
  })
  expect(target.objects.get('new')?.bytes).toEqual(site.transport.objects.get('new')?.bytes)
  expect(await site.read('new', reader)).toBe('two')
  expect(outcomes(await allRows(rotateShard(WHOLE, options)))).toEqual({
    new: 'already',
    old: 'already',
    plain: 'plain',
  })
})

test('a migration copies encrypted objects of any key as they are', async () => {
  const { site, options, target } = twoBuckets()
  await site.app.put('old', 'one')
  await site.putPlain('plain', 'two')
  expect(outcomes(await allRows(migrateShard(WHOLE, options)))).toEqual({ old: 'copied', plain: 'migrated' })
  const both = new CryptoBucket({ transport: target, keyring: site.keyring })
  expect([await site.read('old', both), await site.read('plain', both)]).toEqual(['one', 'two'])
  expect(outcomes(await allRows(migrateShard(WHOLE, options)))).toEqual({ old: 'already', plain: 'already' })
})

test.each(['Enabled', 'Suspended'] as const)(
  'a target whose versioning is %s is refused',
  async (versioning) => {
    const { target, options } = twoBuckets()
    target.versioning = versioning
    await expect(allRows(rotateShard(WHOLE, options))).rejects.toEqual(code('ERR_CSE_OPERATION_REFUSED'))
  },
)

test('a key that cannot read what is there already is refused', async () => {
  const { options } = twoBuckets()
  const keyring = new Keyring({ encrypting: { ...NEW, canUnwrap: false } })
  await expect(allRows(migrateShard(WHOLE, { ...options, keyring }))).rejects.toEqual(
    code('ERR_CSE_OPERATION_REFUSED'),
  )
})
