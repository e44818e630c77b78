import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { CseError } from '@oss-cse/crypto-core'
import { compareCodePoints } from '@oss-cse/crypto-core/internal'
import { MemoryTransport } from '@oss-cse/crypto-core/testing'
import {
  INVENTORY_MANIFEST,
  type InventoryContent,
  type InventoryEntry,
  inventoryFiles,
  MemoryJobQueue,
} from '@oss-cse/fleet/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { drained, isIn, RUN } from '../../test/fleet-bench.ts'
import { networkError, QUICK } from '../../test/mixed-bucket.ts'
import { shardObjects } from '../ordered-listing.ts'
import { planShards } from '../plan-shards.ts'
import { runWorker } from '../run-worker.ts'
import { checkInventory, planFromInventory } from './plan-from-inventory.ts'

const PREFIX = 'reports/demo/daily/'
const MANIFEST_KEY = PREFIX + INVENTORY_MANIFEST

/** A bucket with an inventory, a queue with a run, and the options of a plan. */
async function inventoryBench(files: InventoryContent['files'], more: Partial<InventoryContent> = {}) {
  const transport = new MemoryTransport()
  for (const [key, bytes] of await inventoryFiles(PREFIX, { sourceBucket: 'demo', files, ...more })) {
    await transport.plant(key, bytes)
  }
  const queue = new MemoryJobQueue({ maxFailures: 3 })
  await queue.createRun(RUN)
  const options = {
    queue,
    runId: RUN.id,
    transport,
    manifestKey: MANIFEST_KEY,
    sourceBucket: 'demo',
    retry: QUICK,
  }
  return { transport, queue, options }
}

const FILE_KEY = `${PREFIX}data/inventory-0.csv.gz`

/** A bench whose file is another one. The manifest knows its MD5. */
async function benchWith(file: Uint8Array, more: Partial<InventoryContent> = {}) {
  const bench = await inventoryBench([[]], more)
  const { transport } = bench
  const { bytes } = transport.objects.get(MANIFEST_KEY) ?? { bytes: new Uint8Array() }
  const md5 = createHash('md5').update(file).digest('hex')
  const manifest = new TextDecoder().decode(bytes).replace(/(?<="MD5checksum":")\w+/, md5)
  await transport.plant(MANIFEST_KEY, new TextEncoder().encode(manifest))
  await transport.plant(FILE_KEY, file)
  return bench
}

const entries = (keys: readonly string[]): InventoryEntry[] => keys.map((key) => ({ key }))
const numbered = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => String(i).padStart(4, '0'))

/** Any characters that a key can have, many of them in an order that differs from that of JavaScript. */
const key = fc
  .array(
    fc.oneof(
      fc.constantFrom('a', 'b', '/', ' ', '+', '%', '"', ',', '\n', '\r', 'ä', 'ｚ', '\u{1f600}'),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 2 }),
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((parts) => parts.join(''))
const keys = fc.uniqueArray(key, { maxLength: 60 })

/** Divides items among up to four files. */
function split<Item>(items: readonly Item[], places: readonly number[]): Item[][] {
  const files: Item[][] = [[], [], [], []]
  for (const [position, item] of items.entries())
    files[(places[position % places.length] ?? 0) % 4]?.push(item)
  return files
}
const places = fc.array(fc.nat(3), { minLength: 1, maxLength: 60 })
const maxKeys = fc.integer({ min: 1, max: 9 })

describe('the shards of an inventory', () => {
  test('hold each key once: those in the inventory, and all others', async () => {
    await fc.assert(
      fc.asyncProperty(keys, keys, places, maxKeys, async (listed, others, places, maxKeys) => {
        const { queue, options } = await inventoryBench(split(entries(listed), places))
        const plan = await planFromInventory({ ...options, maxKeys })
        const shards = await drained(queue)
        expect(plan).toMatchObject({ complete: true, listedKeys: listed.length, shards: shards.length })
        for (const key of [...listed, ...others]) {
          expect(shards.filter((shard) => isIn(shard, key))).toHaveLength(1)
        }
      }),
      { numRuns: 60 },
    )
  })

  test('are as full as they can be, up to maxKeys', async () => {
    await fc.assert(
      fc.asyncProperty(keys, places, maxKeys, async (listed, places, maxKeys) => {
        const { queue, options } = await inventoryBench(split(entries(listed), places))
        await planFromInventory({ ...options, maxKeys })
        const counts = (await drained(queue)).map((shard) => listed.filter((key) => isIn(shard, key)).length)
        expect(counts.slice(0, -1).every((count) => count === maxKeys)).toBe(true)
        expect(counts.at(-1)).toBeLessThanOrEqual(maxKeys)
      }),
      { numRuns: 60 },
    )
  })

  test('have at most maxBytes, unless they are one object', async () => {
    const objects = fc.uniqueArray(fc.record({ key, sizeBytes: fc.nat(40) }), {
      selector: (object) => object.key,
      maxLength: 40,
    })
    const maxBytes = fc.integer({ min: 1, max: 60 })
    await fc.assert(
      fc.asyncProperty(objects, places, maxBytes, async (listed, places, maxBytes) => {
        const { queue, options } = await inventoryBench(split(listed, places))
        await planFromInventory({ ...options, maxBytes })
        for (const shard of await drained(queue)) {
          const inside = listed.filter(({ key }) => isIn(shard, key))
          const bytes = inside.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
          expect(inside.length <= 1 || bytes <= maxBytes).toBe(true)
        }
      }),
      { numRuns: 60 },
    )
  })

  test('of an object that is far larger than maxBytes are one', async () => {
    const { options } = await inventoryBench([[{ key: 'a' }, { key: 'b', sizeBytes: 2 ** 50 }, { key: 'c' }]])
    expect(await planFromInventory({ ...options, maxBytes: 2 })).toMatchObject({ shards: 3, cursor: 'b' })
  })

  test('count no old versions, no delete markers and no other prefixes', async () => {
    const state = fc.constantFrom<Partial<InventoryEntry>>(
      {},
      { isLatest: false },
      { isDeleteMarker: true },
      { isLatest: false, isDeleteMarker: true },
    )
    const versions = fc.array(fc.tuple(key, state), { maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(versions, places, fc.constantFrom('', 'a', 'ä/'), async (versions, places, prefix) => {
        const rows = versions.map(([key, state]) => ({ key, ...state }))
        const { queue, options } = await inventoryBench(split(rows, places), { allVersions: true })
        const plan = await planFromInventory({ ...options, prefix, maxKeys: 1 })
        const current = versions.filter(
          ([key, state]) =>
            state.isLatest === undefined && state.isDeleteMarker === undefined && key.startsWith(prefix),
        )
        const distinct = [...new Set(current.map(([key]) => key))].sort(compareCodePoints)
        expect(plan.listedKeys).toBe(current.length)
        expect((await drained(queue)).map(({ until }) => until)).toEqual([
          ...distinct.slice(0, -1),
          undefined,
        ])
      }),
      { numRuns: 60 },
    )
  })

  test('count versions that an inventory marks with capitals', async () => {
    const rows = ['True,False', 'False,False', 'True,True'].map((marks) => `demo,k,v,${marks},1,E\n`)
    const { options } = await benchWith(gzipSync(rows.join('')), { allVersions: true })
    expect(await planFromInventory(options)).toMatchObject({ listedKeys: 1 })
  })

  test('are the same if a file is gzip of several members, cut anywhere', async () => {
    const text = Buffer.from(
      numbered(40)
        .map((key) => `demo,${key},1,E\n`)
        .join(''),
    )
    const cuts = fc.array(fc.nat(text.length), { maxLength: 4 }).map((list) => list.sort((a, b) => a - b))
    await fc.assert(
      fc.asyncProperty(cuts, fc.integer({ min: 1, max: 200 }), async (cuts, chunkBytes) => {
        const ends = [...cuts, text.length]
        const members = ends.map((end, i) => gzipSync(text.subarray(ends[i - 1] ?? 0, end)))
        const { queue, options, transport } = await benchWith(Buffer.concat(members))
        transport.chunkBytes = chunkBytes
        expect(await planFromInventory({ ...options, maxKeys: 1 })).toMatchObject({
          listedKeys: 40,
          complete: true,
        })
        expect((await drained(queue)).map(({ until }) => until)).toEqual([
          ...numbered(40).slice(0, -1),
          undefined,
        ])
      }),
      { numRuns: 60 },
    )
  })

  test.each([
    ['without files', []],
    ['with an empty file', [[]]],
  ])('an inventory %s has one', async (_, files) => {
    const { queue, options } = await inventoryBench(files)
    expect(await planFromInventory(options)).toEqual({ shards: 1, listedKeys: 0, complete: true })
    expect(await drained(queue)).toEqual([{ index: 0 }])
  })
})

describe('a planner', () => {
  /** Killed after so many steps. */
  async function killed(count: number, killAfter: number) {
    const { queue, options, transport } = await inventoryBench([entries(numbered(count))])
    let steps = 0
    queue.intercept = (operation) => {
      // It is called before and after the change.
      if (operation === 'addShards' && ++steps > 2 * killAfter) throw new Error('killed')
    }
    await expect(planFromInventory({ ...options, maxKeys: 1 })).rejects.toThrow('killed')
    queue.intercept = undefined
    return { queue, options: { ...options, maxKeys: 1 }, transport }
  }

  test('that was killed continues after the last step, with the same shards', async () => {
    const { queue, options } = await killed(2500, 1)
    expect((await queue.getRun(RUN.id)).plan).toMatchObject({ shards: 1000, listedKeys: 1000 })
    expect(await planFromInventory(options)).toEqual({
      shards: 2500,
      cursor: '2498',
      listedKeys: 2500,
      complete: true,
    })
  })

  test('refuses to continue the plan of another inventory, or with other options', async () => {
    const { queue, options, transport } = await killed(2500, 1)
    const refusal = { code: 'ERR_CSE_INVALID_ARGUMENT', message: expect.stringContaining('another run') }
    await expect(planFromInventory({ ...options, maxKeys: 2 })).rejects.toMatchObject(refusal)
    const files = [entries(['0000+', ...numbered(2500)])]
    for (const [key, bytes] of await inventoryFiles(PREFIX, { sourceBucket: 'demo', files })) {
      await transport.plant(key, bytes)
    }
    await expect(planFromInventory(options)).rejects.toMatchObject(refusal)
    expect((await queue.getRun(RUN.id)).plan.shards).toBe(1000)
  })

  test('refuses to continue a plan that was begun by listing', async () => {
    const { queue, options, transport: catalog } = await inventoryBench([entries(numbered(9))])
    let steps = 0
    queue.intercept = (operation) => {
      if (operation === 'addShards' && ++steps > 2) throw new Error('killed')
    }
    await expect(planShards({ queue, runId: RUN.id, catalog, maxKeys: 1 })).rejects.toThrow('killed')
    await expect(planFromInventory(options)).rejects.toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
    expect((await queue.getRun(RUN.id)).plan.shards).toBe(1)
  })

  test('works with others at the same time', async () => {
    const { queue, options } = await inventoryBench([entries(numbered(2500))])
    const planners = Array.from({ length: 3 }, () => planFromInventory({ ...options, maxKeys: 1 }))
    for (const plan of await Promise.all(planners)) {
      expect(plan).toMatchObject({ shards: 2500, listedKeys: 2500, complete: true })
    }
    expect(await drained(queue)).toHaveLength(2500)
  })

  test('reads no further file when another one has completed the plan', async () => {
    const { queue, options, transport } = await inventoryBench([
      entries(['a']),
      entries(['b']),
      entries(['c']),
    ])
    transport.intercept = async ({ key }) => {
      if (!key.endsWith('-1.csv.gz')) return
      await queue.addShards(RUN.id, { expectedShards: 0, shards: [{ index: 0 }], listedKeys: 7 })
    }
    expect(await planFromInventory(options)).toMatchObject({ listedKeys: 7, complete: true })
    expect(transport.requests.some(({ key }) => key.endsWith('-2.csv.gz'))).toBe(false)
  })

  test('reads a file again from the byte at which the connection broke', async () => {
    const { options, transport } = await inventoryBench([entries(numbered(300))])
    transport.chunkBytes = 64
    let breaks = 2
    transport.alterGet = (response, { key }) => {
      if (!key.endsWith('.csv.gz') || breaks-- <= 0) return response
      return { ...response, body: brokenAfterOne(response.body) }
    }
    expect(await planFromInventory(options)).toMatchObject({ listedKeys: 300, complete: true })
    const ranges = transport.requests.map(({ headers }) => headers['range']?.replace(/-.*/, ''))
    expect(ranges).toEqual([undefined, undefined, 'bytes=64', 'bytes=128'])
  })

  test('throws what the transport throws, as it is', async () => {
    const { options, transport } = await inventoryBench([entries(['a'])])
    const error = new Error('a fault of the transport')
    transport.alterGet = (response, { key }) =>
      key.endsWith('.csv.gz') ? { ...response, body: brokenAfterOne(response.body, error) } : response
    await expect(planFromInventory(options)).rejects.toBe(error)
  })

  test('stops when its signal aborts, and adds nothing', async () => {
    const { queue, options, transport } = await inventoryBench([entries(numbered(9)), entries(['x'])])
    const controller = new AbortController()
    const reason = new Error('enough')
    transport.intercept = ({ key }) => {
      if (key.endsWith('-1.csv.gz')) controller.abort(reason)
    }
    await expect(planFromInventory({ ...options, signal: controller.signal })).rejects.toBe(reason)
    expect((await queue.getRun(RUN.id)).plan.shards).toBe(0)
  })

  test.each([{ maxKeys: 0 }, { maxKeys: 1.5 }, { maxBytes: 0 }, { retry: { maxAttempts: 0 } }])(
    'refuses %o before any request',
    async (wrong) => {
      const { options, transport } = await inventoryBench([[]])
      await expect(planFromInventory({ ...options, ...wrong })).rejects.toMatchObject({
        code: 'ERR_CSE_INVALID_ARGUMENT',
      })
      expect(transport.requests).toEqual([])
    },
  )
})

test('a worker plans by an inventory, reads it once, and does also what is not in it', async () => {
  const { queue, options, transport } = await inventoryBench([entries(['b', 'd']), entries(['gone'])])
  const catalog = new MemoryTransport()
  for (const key of ['a', 'b', 'c', 'd', 'x']) await catalog.plant(key, new Uint8Array(1))
  let failures = 3
  queue.intercept = (operation, moment) => {
    if (operation === 'addShards' && moment === 'before' && failures-- > 0) {
      throw new CseError('ERR_CSE_QUEUE', 'The database does not respond.')
    }
  }
  const done: string[] = []
  const { manifestKey, sourceBucket } = options
  const status = await runWorker({
    queue,
    runId: RUN.id,
    plan: { transport, manifestKey, sourceBucket, maxKeys: 1 },
    queueRetry: { minDelayMs: 0, maxDelayMs: 0 },
    async doShard(shard) {
      for await (const { key } of shardObjects(shard, { catalog })) done.push(key)
      return { objects: 0 }
    },
  })
  expect(status).toMatchObject({ plan: { shards: 3, listedKeys: 3 }, shards: { completed: 3 } })
  expect(done.sort()).toEqual(['a', 'b', 'c', 'd', 'x'])
  expect(transport.requests).toHaveLength(3)
})

async function* brokenAfterOne(
  chunks: AsyncIterable<Uint8Array>,
  error: Error = networkError(),
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    yield chunk
    throw error
  }
}

describe('an inventory that cannot be used is refused, and no shard is added:', () => {
  type Manifest = Record<string, unknown> & { files: Record<string, unknown>[] }
  const manifests: [string, (manifest: Manifest) => unknown, RegExp][] = [
    ['that of another bucket', (manifest) => ({ ...manifest, sourceBucket: 'other' }), /bucket other/],
    ['ORC', (manifest) => ({ ...manifest, fileFormat: 'ORC' }), /format is ORC/],
    ['Parquet', (manifest) => ({ ...manifest, fileFormat: 'Parquet' }), /format is Parquet/],
    ['without keys', (manifest) => ({ ...manifest, fileSchema: 'Bucket, Size' }), /no column Key/],
    ['an incremental one', (manifest) => ({ ...manifest, endTimestamp: '1759320600' }), /incremental/],
    ['without MD5', (manifest) => ({ ...manifest, files: [{ key: 'a' }] }), /not the manifest/],
    ['another JSON document', () => [], /not the manifest/],
  ]
  test.each(manifests)('%s', async (_, change, message) => {
    const { queue, options, transport } = await inventoryBench([entries(['a'])])
    const { bytes } = transport.objects.get(MANIFEST_KEY) ?? { bytes: new Uint8Array() }
    const changed = JSON.stringify(change(JSON.parse(new TextDecoder().decode(bytes))))
    await transport.plant(MANIFEST_KEY, new TextEncoder().encode(changed))
    const refusal = { code: 'ERR_CSE_INVALID_ARGUMENT', message: expect.stringMatching(message) }
    await expect(planFromInventory(options)).rejects.toMatchObject(refusal)
    await expect(checkInventory(options)).rejects.toMatchObject(refusal)
    expect((await queue.getRun(RUN.id)).plan.shards).toBe(0)
    expect(transport.requests.every(({ key }) => key === MANIFEST_KEY)).toBe(true)
  })

  test('an object that is no text', async () => {
    const { options, transport } = await inventoryBench([])
    await transport.plant(MANIFEST_KEY, new Uint8Array([0x7b, 0xff]))
    await expect(planFromInventory(options)).rejects.toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
  })

  test('a manifest or a file that does not exist', async () => {
    const { options, transport } = await inventoryBench([entries(['a'])])
    await expect(planFromInventory({ ...options, manifestKey: 'x' })).rejects.toMatchObject({
      code: 'ERR_CSE_NOT_FOUND',
    })
    transport.objects.delete(`${PREFIX}data/inventory-0.csv.gz`)
    await expect(planFromInventory(options)).rejects.toMatchObject({ code: 'ERR_CSE_NOT_FOUND' })
  })
})

describe('a file that is damaged is refused, and no shard is added:', () => {
  const row = 'demo,k,1,E\n'
  const whole = gzipSync(row.repeat(50))
  const flipped = Uint8Array.from(whole, (byte, i) => (i === whole.length - 1 ? byte ^ 1 : byte))
  const files: [string, Uint8Array][] = [
    ['the end is missing', whole.subarray(0, -9)],
    ['a byte is another one', flipped],
    ['there is more after the end', Buffer.concat([whole, Buffer.from('x')])],
    ['there is more after the second member', Buffer.concat([whole, whole, Buffer.from('garbage')])],
    ['there are zeros after the end', Buffer.concat([whole, new Uint8Array(512)])],
    ['there are zeros between members', Buffer.concat([whole, new Uint8Array(1), whole])],
    ['a second member begins, and has no more', Buffer.concat([whole, Buffer.from([0x1f, 0x8b])])],
    ['the end of the second member is missing', Buffer.concat([whole, whole.subarray(0, -1)])],
    ['it is not compressed', Buffer.from(row)],
    ['a field has no end', gzipSync(`${row}demo,"k`)],
    ['a field is too long', gzipSync(`demo,${'k'.repeat(100_000)},1,E\n`)],
    ['a row is too short', gzipSync(`${row}demo,k,1\n`)],
    ['all rows are too short', gzipSync('demo,k,1\n')],
    ['a row is about another bucket', gzipSync(`${row}other,k,1,E\n`)],
    ['a key is not encoded', gzipSync('demo,100%,1,E\n')],
    ['a key is no UTF-8', gzipSync('demo,%ff,1,E\n')],
    ['a key is empty', gzipSync('demo,,1,E\n')],
    ['a size is no number', gzipSync('demo,k,1e3,E\n')],
  ]
  test.each(files)('%s', async (_, file) => {
    for (const chunkBytes of [1, 64 * 1024]) {
      const { queue, options, transport } = await benchWith(file)
      transport.chunkBytes = chunkBytes
      await expect(planFromInventory(options)).rejects.toMatchObject({
        code: 'ERR_CSE_INTEGRITY',
        objectKey: FILE_KEY,
      })
      expect((await queue.getRun(RUN.id)).plan.shards).toBe(0)
    }
  })

  test('it says of a version neither that it is the latest, nor that it is not', async () => {
    const { options } = await benchWith(gzipSync('demo,k,v,maybe,false,1,E\n'), { allVersions: true })
    await expect(planFromInventory(options)).rejects.toMatchObject({ code: 'ERR_CSE_INTEGRITY' })
  })

  test('its MD5 is another one', async () => {
    const { options, transport } = await benchWith(whole)
    expect(await checkInventory(options)).toBeUndefined()
    await transport.plant(FILE_KEY, gzipSync(row.repeat(51)))
    await expect(planFromInventory(options)).rejects.toMatchObject({
      code: 'ERR_CSE_INTEGRITY',
      message: expect.stringContaining('MD5'),
    })
  })

  test('its connection is closed', async () => {
    const { options, transport } = await benchWith(gzipSync(`other,k,1,E\n${row.repeat(200_000)}`))
    transport.chunkBytes = 16
    let closed = 0
    transport.alterGet = (response, { key }) =>
      key === FILE_KEY ? { ...response, body: closing(response.body, () => closed++) } : response
    await expect(planFromInventory(options)).rejects.toMatchObject({ code: 'ERR_CSE_INTEGRITY' })
    expect(closed).toBe(1)
  })
})

/** Tells when a reader has closed the bytes before their end. */
function closing(chunks: AsyncIterable<Uint8Array>, onClosed: () => void): AsyncIterable<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]()
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => iterator.next(),
      async return() {
        onClosed()
        return { done: true, value: undefined }
      },
    }),
  }
}
