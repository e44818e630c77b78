import { type ListObjectsRequest, type ObjectPage, TransportError } from '@oss-cse/crypto-core'
import { MemoryTransport } from '@oss-cse/crypto-core/testing'
import { expect, test } from 'vitest'
import { all, networkError, QUICK } from '../test/mixed-bucket.ts'
import { shardObjects } from './ordered-listing.ts'

const page = (keys: readonly string[], nextContinuationToken?: string): ObjectPage => ({
  objects: keys.map((key) => ({ key, sizeBytes: 1, etag: '"E"', lastModified: new Date(0) })),
  prefixes: [],
  ...(nextContinuationToken !== undefined && { nextContinuationToken }),
})

/** A catalog that responds with these pages, one after another. */
function catalogOf(pages: readonly ObjectPage[]) {
  const requests: ListObjectsRequest[] = []
  const list = async (request: ListObjectsRequest): Promise<ObjectPage> => {
    requests.push(request)
    const next = pages[requests.length - 1]
    if (next === undefined) throw new Error('There is no such page.')
    return next
  }
  return { requests, list }
}

const service = expect.objectContaining({ code: 'ERR_CSE_SERVICE' })

test.each([
  ['keys out of order in a page', [page(['b', 'a'])]],
  ['a key twice in a page', [page(['b', 'b'])]],
  ['UTF-16 order, which is not that of bytes', [page(['\u{1f600}', '\uffee'])]],
  ['a page that starts before the end of the previous one', [page(['b'], '1'), page(['b', 'c'])]],
  ['keys before the start of the shard', [page(['a', 'b'])]],
  ['a token that does not change', [page(['b'], '1'), page(['c'], '1')]],
])('a listing with %s fails', async (_, pages) => {
  const rows = all(shardObjects({ index: 1, after: 'a' }, { catalog: catalogOf(pages) }))
  await expect(rows).rejects.toEqual(service)
})

test('a listing with keys of another prefix fails', async () => {
  const options = { catalog: catalogOf([page(['p/a', 'q'])]), prefix: 'p/' }
  await expect(all(shardObjects({ index: 0 }, options))).rejects.toEqual(service)
})

test('a listing that has nothing new for a thousand pages fails', async () => {
  const pages = Array.from({ length: 1002 }, (_, i) => page([], String(i)))
  await expect(all(shardObjects({ index: 0 }, { catalog: catalogOf(pages) }))).rejects.toEqual(service)
})

test.each([
  ['ends in a page', [page(['b', 'c', 'd'], '1')]],
  ['ends with a page', [page(['b', 'c'], '1')]],
  ['ends before a page', [page(['b'], '1'), page(['d'], '2')]],
])('nothing is requested after a shard that %s', async (_, pages) => {
  const catalog = catalogOf(pages)
  const shard = { index: 1, after: 'a', until: 'c' }
  const keys = (await all(shardObjects(shard, { catalog }))).map(({ key }) => key)
  expect(keys).toEqual(pages.length === 2 ? ['b'] : ['b', 'c'])
  expect(
    catalog.requests.map(({ startAfter, continuationToken }) => [startAfter, continuationToken]),
  ).toEqual(pages.map((_page, i) => (i === 0 ? ['a', undefined] : [undefined, String(i)])))
})

test('a request that fails is repeated', async () => {
  const transport = new MemoryTransport()
  await transport.plant('a', new Uint8Array(1))
  let failures = 1
  transport.intercept = () => {
    if (failures-- > 0) throw networkError()
  }
  const options = { catalog: transport, retry: QUICK }
  expect(await all(shardObjects({ index: 0 }, options))).toMatchObject([{ key: 'a' }])
  failures = QUICK.maxAttempts
  await expect(all(shardObjects({ index: 0 }, options))).rejects.toBeInstanceOf(TransportError)
})
