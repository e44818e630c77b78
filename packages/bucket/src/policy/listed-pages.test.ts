import type { ObjectPage, PartPage, PendingUploadPage } from '@oss-cse/crypto-core'
import { describe, expect, test } from 'vitest'
import { memoryBucket } from '../../test/memory-bucket.ts'

const refused = expect.objectContaining({ code: 'ERR_CSE_SERVICE', retryable: false })
const date = new Date(0)

/** Counts the requests of an endless listing, and ends it if the bucket does not. */
function counted<Page>(page: (count: number) => Page): { readonly ask: () => Promise<Page>; count: number } {
  const counter = {
    count: 0,
    async ask() {
      counter.count += 1
      if (counter.count > 2000) throw new Error('The listing had no end.')
      return page(counter.count)
    },
  }
  return counter
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = []
  for await (const item of items) found.push(item)
  return found
}

describe('a listing of objects ends', () => {
  const object = (key: string) => ({ key, sizeBytes: 1, etag: 'e', lastModified: date })

  test.each<[string, number, (count: number) => ObjectPage]>([
    [
      'at a repeated token',
      2,
      (n) => ({ objects: [object(`k${n}`)], prefixes: [], nextContinuationToken: 't' }),
    ],
    [
      'at tokens that form a loop',
      2,
      (n) => ({ objects: [object(`k${n % 2}`)], prefixes: [], nextContinuationToken: `t${n % 2}` }),
    ],
    [
      'at repeated keys',
      2,
      (n) => ({ objects: [object('k')], prefixes: [], nextContinuationToken: `t${n}` }),
    ],
    ['after 1,000 empty pages', 1001, (n) => ({ objects: [], prefixes: [], nextContinuationToken: `t${n}` })],
    [
      'after 1,000 pages of the same prefix',
      1002,
      (n) => ({ objects: [], prefixes: ['p/'], nextContinuationToken: `t${n}` }),
    ],
    [
      'at a page with more entries than requested',
      1,
      () => ({ objects: Array.from({ length: 1001 }, (_, i) => object(`k${i}`)), prefixes: [] }),
    ],
    ['at an empty token', 1, () => ({ objects: [], prefixes: [], nextContinuationToken: '' })],
    [
      'at an impossible size',
      1,
      () => ({ objects: [{ ...object('k'), sizeBytes: Number.POSITIVE_INFINITY }], prefixes: [] }),
    ],
  ])('%s', async (_what, requests, page) => {
    const { bucket, transport } = memoryBucket()
    const listing = counted(page)
    transport.list = listing.ask
    await expect(all(bucket.list())).rejects.toEqual(refused)
    expect(listing.count).toBe(requests)
  })

  test('but not at empty pages between others', async () => {
    const { bucket, transport } = memoryBucket()
    transport.list = counted((n) => ({
      objects: n % 900 === 0 ? [object(String(n).padStart(4, '0'))] : [],
      prefixes: [],
      ...(n < 1800 && { nextContinuationToken: `t${n}` }),
    })).ask
    expect(await all(bucket.list())).toHaveLength(2)
  })
})

describe('a listing of uploads ends', () => {
  const uploads = [{ key: 'k', uploadId: 'u' }]

  test.each<[string, number, (count: number) => PendingUploadPage]>([
    ['at repeated markers', 2, () => ({ uploads, nextKeyMarker: 'k', nextUploadIdMarker: 'u' })],
    ['at a key marker that goes back', 2, (n) => ({ uploads, nextKeyMarker: `k${9 - n}` })],
    [
      'at an upload id marker that goes back',
      2,
      (n) => ({ uploads, nextKeyMarker: 'k', nextUploadIdMarker: `u${9 - n}` }),
    ],
    ['at an empty marker', 1, () => ({ uploads, nextKeyMarker: '' })],
    ['after 1,000 empty pages', 1001, (n) => ({ uploads: [], nextKeyMarker: String(n).padStart(5, '0') })],
    ['at an upload without an id', 1, () => ({ uploads: [{ key: 'k', uploadId: '' }] })],
  ])('%s', async (_what, requests, page) => {
    const { bucket, transport } = memoryBucket()
    const listing = counted(page)
    transport.listUploads = listing.ask
    await expect(all(bucket.listUploads())).rejects.toEqual(refused)
    expect(listing.count).toBe(requests)
  })

  test('after all pages', async () => {
    const { bucket, transport } = memoryBucket()
    for (let i = 0; i < 2001; i++) await transport.initiate({ key: `k${i % 3}`, headers: {} })
    expect(new Set((await all(bucket.listUploads())).map(({ uploadId }) => uploadId)).size).toBe(2001)
  })
})

describe('a listing of parts ends', () => {
  const part = (partNumber: number) => ({ partNumber, etag: 'e' })

  test.each<[string, number, (count: number) => PartPage]>([
    ['at a repeated marker', 2, (n) => ({ parts: [part(n)], nextMarker: '1' })],
    ['at repeated parts', 2, (n) => ({ parts: [part(1)], nextMarker: String(n) })],
    ['at an empty page that is not the last', 1, () => ({ parts: [], nextMarker: '1' })],
    [
      'at 200,000 parts on a page',
      1,
      () => ({ parts: Array.from({ length: 200_000 }, (_, i) => part(i + 1)) }),
    ],
    [
      'after part 10,000',
      11,
      (n) => ({
        parts: Array.from({ length: 1000 }, (_, i) => part((n - 1) * 1000 + i + 1)),
        nextMarker: String(n * 1000),
      }),
    ],
    ['at an impossible part number', 1, () => ({ parts: [part(1.5)] })],
  ])('%s', async (_what, requests, page) => {
    const { bucket, transport } = memoryBucket()
    const upload = await bucket.initiateMultipartUpload('a', { sizeBytes: 1, partSizeBytes: 102_400 })
    const listing = counted(page)
    transport.listParts = listing.ask
    await expect(upload.listParts()).rejects.toEqual(refused)
    expect(listing.count).toBe(requests)
  })
})

describe('deleteMany', () => {
  test('returns each requested key once if the service reports it, and no other keys', async () => {
    const { bucket, transport } = memoryBucket()
    transport.deleteMany = async () => [
      ...Array.from({ length: 200_000 }, (_, i) => `other-${i}`),
      'b',
      'b',
      '__proto__',
    ]
    expect(await bucket.deleteMany(['a', 'b', '__proto__'])).toEqual(['b', '__proto__'])
  })
})
