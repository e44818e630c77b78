import { CseError, OSS_HEADERS } from '@oss-cse/crypto-core'
import { expect, test, vi } from 'vitest'
import { all, mixedBucket } from '../../test/mixed-bucket.ts'
import { auditShard } from './audit-shard.ts'
import { verifyShard } from './verify-shard.ts'

const WHOLE = { index: 0 }
const object = (key: string, more: object = {}) =>
  ({ key, kind: 'sealed', mishap: 'none', sizeBytes: 10, ...more }) as const

test('a row says what was verified, and how many bytes were read', async () => {
  const sizeBytes = 200_000
  const { transport, bucket } = await mixedBucket([
    object('ctr', { kind: 'ctr', sizeBytes }),
    object('flipped', { kind: 'flippedSealed', sizeBytes }),
    object('plain', { kind: 'plain' }),
    object('sealed', { sizeBytes }),
  ])
  const rows = await all(verifyShard(WHOLE, { catalog: transport, bucket }))
  expect(rows).toMatchObject([
    { key: 'ctr', outcome: 'verified', verification: 'crc64', readBytes: sizeBytes, sizeBytes },
    {
      key: 'flipped',
      outcome: 'altered',
      // Three whole segments before the altered one.
      readBytes: 3 * (65_536 - 16) - 40,
      byteRange: { start: 3 * (65_536 - 16) - 40, end: sizeBytes - 1 },
    },
    { key: 'plain', outcome: 'plain', readBytes: 0 },
    {
      key: 'sealed',
      outcome: 'verified',
      verification: 'aead',
      readBytes: sizeBytes,
      sizeBytes: 40 + sizeBytes + 4 * 16,
      format: 'sealed',
      envelopeVersion: 2,
    },
  ])
  expect(rows.find(({ key }) => key === 'plain')?.code).toBeUndefined()
})

test('an archived object needs a restore', async () => {
  const { transport, bucket } = await mixedBucket([object('a')])
  const stored = transport.objects.get('a')
  if (stored === undefined) throw new Error('not stored')
  const headers = { ...stored.headers, [OSS_HEADERS.storageClass]: 'ColdArchive' }
  transport.objects.set('a', { ...stored, headers })
  const [row] = await all(verifyShard(WHOLE, { catalog: transport, bucket }))
  expect(row).toMatchObject({ key: 'a', outcome: 'needs-restore', storageClass: 'ColdArchive' })
  expect(row?.code).toBeUndefined()
  expect(await all(auditShard(WHOLE, { catalog: transport, transport }))).toMatchObject([
    { outcome: 'encrypted', needsRestore: true, storageClass: 'ColdArchive' },
  ])
})

test.each([
  [1, 'verified'],
  [2, 'verified'],
  [3, 'failed'],
])('an object that is replaced %i times while it is read is %s', async (times, outcome) => {
  const { transport, bucket } = await mixedBucket([object('a')])
  const replaced = new CseError('ERR_CSE_PRECONDITION_FAILED', 'Replaced.')
  const verify = vi.fn(bucket.verify.bind(bucket))
  for (let i = 0; i < times; i++) verify.mockRejectedValueOnce(replaced)
  const rows = await all(verifyShard(WHOLE, { catalog: transport, bucket: { verify } }))
  expect(rows).toMatchObject([{ key: 'a', outcome }])
})

test('a program error is no row', async () => {
  const { transport } = await mixedBucket([object('a')])
  const verify = () => Promise.reject(new TypeError('wrong'))
  await expect(all(verifyShard(WHOLE, { catalog: transport, bucket: { verify } }))).rejects.toThrow(TypeError)
})

test('the objects that are read at once have no more bytes than it is told, and a larger one is alone', async () => {
  const sizes = [60, 30, 20, 250, 50, 50, 10, 100]
  const lastModified = new Date(0)
  const objects = sizes.map((sizeBytes, i) => ({ key: `k${i}`, sizeBytes, etag: '"E"', lastModified }))
  const catalog = { list: async () => ({ objects, prefixes: [] }) }
  const reading = new Map<string, number>()
  const seen: number[][] = []
  const verify = async (key: string): Promise<never> => {
    reading.set(key, objects.find((one) => one.key === key)?.sizeBytes ?? 0)
    seen.push([...reading.values()])
    await new Promise((resolve) => setImmediate(resolve))
    reading.delete(key)
    throw new CseError('ERR_CSE_NOT_FOUND', 'Gone.')
  }
  const options = { catalog, bucket: { verify }, parallel: 8, parallelBytes: 100 }
  expect((await all(verifyShard(WHOLE, options))).map(({ key }) => key)).toEqual(
    objects.map(({ key }) => key),
  )
  const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)
  expect(seen.filter((together) => sum(together) > 100)).toEqual([[250]])
  // Not one after another either.
  expect(seen.some((together) => together.length > 1)).toBe(true)
})

test('an abort reaches what waits for its turn', async () => {
  const { transport } = await mixedBucket(['a', 'b', 'c'].map((key) => object(key)))
  const controller = new AbortController()
  const verify = (_key: string, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<never> =>
    new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason))
      controller.abort(new Error('enough'))
    })
  const options = { catalog: transport, bucket: { verify }, parallelBytes: 1, signal: controller.signal }
  await expect(all(verifyShard(WHOLE, options))).rejects.toThrow('enough')
})
