import type { ObjectPage } from '@oss-cse/crypto-core'
import { compareCodePoints } from '@oss-cse/crypto-core/internal'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { drained, fleetBench, isIn, oneByteEach, RUN } from '../test/fleet-bench.ts'
import { shardObjects } from './ordered-listing.ts'
import { planShards } from './plan-shards.ts'

/** Keys whose order in bytes differs from that of JavaScript. */
const keyPart = fc.constantFrom('a', 'b', '/', 'ｚ', '\u{1f600}')
const keys = fc.uniqueArray(
  fc.array(keyPart, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('')),
  {
    maxLength: 40,
  },
)
const maxKeys = fc.integer({ min: 1, max: 7 })

describe('the shards of a plan', () => {
  test('hold each key once: those that exist, and those that do not', async () => {
    await fc.assert(
      fc.asyncProperty(keys, keys, maxKeys, async (existing, others, maxKeys) => {
        const { catalog, queue } = await fleetBench(oneByteEach(existing))
        const plan = await planShards({ queue, runId: RUN.id, catalog, maxKeys })
        const shards = await drained(queue)
        expect(plan).toMatchObject({ complete: true, listedKeys: existing.length, shards: shards.length })
        for (const key of [...existing, ...others]) {
          expect(shards.filter((shard) => isIn(shard, key))).toHaveLength(1)
        }
      }),
    )
  })

  test('list what is in them, under the prefix alone', async () => {
    await fc.assert(
      fc.asyncProperty(keys, maxKeys, keyPart, async (existing, maxKeys, prefix) => {
        const { catalog, queue } = await fleetBench(oneByteEach(existing))
        const listing = { catalog, prefix, maxKeys }
        await planShards({ queue, runId: RUN.id, ...listing })
        const listed: string[] = []
        for (const shard of await drained(queue)) {
          for await (const { key } of shardObjects(shard, listing)) listed.push(key)
        }
        const expected = existing.filter((key) => key.startsWith(prefix)).sort(compareCodePoints)
        expect(listed).toEqual(expected)
      }),
    )
  })

  test('leave out temporary keys, and still hold each other key once', async () => {
    const prefixes = fc.array(keyPart, { minLength: 1, maxLength: 2 }).map((parts) => parts.join(''))
    await fc.assert(
      fc.asyncProperty(keys, maxKeys, prefixes, async (existing, maxKeys, temporaryPrefix) => {
        const { catalog, queue } = await fleetBench(oneByteEach(existing))
        const listing = { catalog, temporaryPrefix, maxKeys }
        const plan = await planShards({ queue, runId: RUN.id, ...listing })
        const shards = await drained(queue)
        const listed: string[] = []
        for (const shard of shards) {
          for await (const { key } of shardObjects(shard, listing)) listed.push(key)
        }
        const expected = existing.filter((key) => !key.startsWith(temporaryPrefix)).sort(compareCodePoints)
        expect(listed).toEqual(expected)
        expect(plan).toMatchObject({ complete: true, listedKeys: expected.length })
        for (const key of existing) expect(shards.filter((shard) => isIn(shard, key))).toHaveLength(1)
      }),
    )
  })

  test('have at most maxBytes, unless they are one object', async () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(sizes, maxKeys, fc.integer({ min: 1, max: 20 }), async (sizes, maxKeys, maxBytes) => {
        const { catalog, queue } = await fleetBench(
          Object.fromEntries(sizes.map((sizeBytes, i) => [String(i).padStart(3, '0'), sizeBytes])),
        )
        await planShards({ queue, runId: RUN.id, catalog, maxKeys, maxBytes })
        let count = 0
        for (const shard of await drained(queue)) {
          const inside: number[] = []
          for await (const { sizeBytes } of shardObjects(shard, { catalog })) inside.push(sizeBytes)
          expect(inside.length <= 1 || inside.reduce((sum, bytes) => sum + bytes) <= maxBytes).toBe(true)
          count += inside.length
        }
        expect(count).toBe(sizes.length)
      }),
    )
  })

  test('an empty bucket has one', async () => {
    const { catalog, queue } = await fleetBench({})
    expect(await planShards({ queue, runId: RUN.id, catalog })).toMatchObject({ shards: 1, complete: true })
    expect(await drained(queue)).toEqual([{ index: 0 }])
  })
})

describe('a planner', () => {
  const thirty = oneByteEach(Array.from({ length: 30 }, (_, i) => String(i).padStart(2, '0')))

  test('continues at the stored cursor, and lists nothing twice', async () => {
    const { catalog, queue } = await fleetBench(thirty)
    let calls = 0
    queue.intercept = (operation) => {
      if (operation === 'addShards' && ++calls > 6) throw new Error('killed')
    }
    const options = { queue, runId: RUN.id, catalog, maxKeys: 5 }
    await expect(planShards(options)).rejects.toThrow('killed')
    queue.intercept = undefined
    expect((await queue.getRun(RUN.id)).plan.listedKeys).toBe(15)
    catalog.requests.length = 0
    expect(await planShards(options)).toMatchObject({ listedKeys: 30, shards: 6 })
    expect(catalog.requests).toHaveLength(3)
    await planShards(options)
    expect(catalog.requests).toHaveLength(3)
  })

  test('stops when the run is cancelled', async () => {
    const { catalog, queue } = await fleetBench(thirty)
    catalog.intercept = async () => {
      if (catalog.requests.length === 2) await queue.cancel(RUN.id)
    }
    expect(await planShards({ queue, runId: RUN.id, catalog, maxKeys: 5 })).toMatchObject({
      shards: 1,
      complete: false,
    })
    expect(catalog.requests).toHaveLength(2)
  })

  test('stops when its signal aborts', async () => {
    const { catalog, queue } = await fleetBench(thirty)
    const controller = new AbortController()
    const reason = new Error('enough')
    catalog.intercept = () => {
      if (catalog.requests.length === 2) controller.abort(reason)
    }
    await expect(
      planShards({ queue, runId: RUN.id, catalog, maxKeys: 5, signal: controller.signal }),
    ).rejects.toBe(reason)
    expect((await queue.getRun(RUN.id)).plan.shards).toBe(1)
  })

  test.each<[string, string[][]]>([
    ['in a page', [['a', 'c', 'b']]],
    ['in a page, twice the same', [['a', 'b', 'b']]],
    ['across pages', [['a', 'c'], ['b']]],
    ['in the order of JavaScript', [['\u{1f600}', 'ｚ']]],
    ['outside the prefix', [['a', 'x']]],
  ])('refuses keys that do not ascend: %s', async (what, pages) => {
    const { catalog, queue } = await fleetBench({})
    const prefix = what === 'outside the prefix' ? 'a' : ''
    let count = 0
    catalog.list = async (): Promise<ObjectPage> => {
      const page = pages[count++] ?? []
      const objects = page.map((key) => ({ key, sizeBytes: 1, etag: 'e', lastModified: new Date(0) }))
      return { objects, prefixes: [], ...(count < pages.length && { nextContinuationToken: `t${count}` }) }
    }
    await expect(planShards({ queue, runId: RUN.id, catalog, prefix })).rejects.toMatchObject({
      code: 'ERR_CSE_SERVICE',
      retryable: false,
    })
    expect((await queue.getRun(RUN.id)).plan.complete).toBe(false)
  })

  test.each([
    { maxKeys: 0 },
    { maxKeys: 1001 },
    { maxKeys: 1.5 },
    { maxBytes: 0 },
    { retry: { maxAttempts: 0 } },
  ])('refuses %o before any request', async (options) => {
    const { catalog, queue } = await fleetBench({})
    await expect(planShards({ queue, runId: RUN.id, catalog, ...options })).rejects.toMatchObject({
      code: 'ERR_CSE_INVALID_ARGUMENT',
    })
    expect(catalog.requests).toEqual([])
  })
})
