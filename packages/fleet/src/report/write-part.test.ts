import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { MemoryReportStore } from '../../test/memory-report-store.ts'
import { all, each } from '../../test/mixed-bucket.ts'
import { keyRedactor } from './key-redaction.ts'
import type { ReportRow } from './report-row.ts'
import { writePart } from './write-part.ts'

const invalid = expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' })
const row = (key: string, more: Partial<ReportRow> = {}): ReportRow => ({
  key,
  outcome: 'encrypted',
  sizeBytes: 10,
  lastModified: '2026-11-30T00:00:00.000Z',
  ...more,
})
const SHARD = { index: 3, after: 'a', until: 'd' }
const SECRET = new Uint8Array(32).fill(5)

test('the totals count objects, bytes, and objects by outcome', async () => {
  const store = new MemoryReportStore()
  const rows = [row('b', { readBytes: 7 }), row('c', { outcome: 'altered', readBytes: 1 }), row('d')]
  const totals = { objects: 3, bytes: 30, readBytes: 8, encrypted: 2, altered: 1 }
  expect(await writePart(store, SHARD, each(rows))).toEqual(totals)
  expect((await all(store.readPart('0000000003-0001'))).map((line) => JSON.parse(line))).toEqual([
    ...rows,
    { end: { shard: 3, totals } },
  ])
})

test('each row is shown before it is stored, and what that throws stops it', async () => {
  const store = new MemoryReportStore()
  const seen: ReportRow[] = []
  const onRow = (shown: ReportRow) => {
    seen.push(shown)
    if (shown.outcome === 'failed') throw new Error('tripped')
  }
  const rows = [row('b'), row('c', { outcome: 'failed' }), row('d')]
  const written = writePart(store, SHARD, each(rows), { redactKeys: SECRET, onRow })
  await expect(written).rejects.toThrow('tripped')
  expect(seen).toEqual(rows.slice(0, 2))
  expect(store.parts.size).toBe(0)
})

test('a shard without objects has a part, so that it is not missed', async () => {
  const store = new MemoryReportStore()
  expect(await writePart(store, SHARD, each([]))).toEqual({ objects: 0, bytes: 0 })
  expect(await all(store.partNames())).toEqual(['0000000003-0001'])
})

test('a second attempt replaces the part', async () => {
  const store = new MemoryReportStore()
  await writePart(store, SHARD, each([row('b'), row('c')]))
  await writePart(store, SHARD, each([row('c')]))
  expect(await all(store.readPart('0000000003-0001'))).toHaveLength(2)
})

test.each([
  ['out of order', ['c', 'b']],
  ['twice', ['b', 'b']],
  ['before the shard', ['a']],
  ['after the shard', ['d/']],
])('rows with a key %s are refused, and nothing is stored', async (_, keys) => {
  const store = new MemoryReportStore()
  await expect(writePart(store, SHARD, each(keys.map((key) => row(key))))).rejects.toEqual(invalid)
  expect(store.parts.size).toBe(0)
})

test('rows that fail leave nothing behind', async () => {
  const store = new MemoryReportStore()
  async function* rows() {
    yield row('b')
    throw new Error('lost')
  }
  await expect(writePart(store, SHARD, rows())).rejects.toThrow('lost')
  expect(store.parts.size).toBe(0)
})

describe('redacted keys', () => {
  test('are HMAC-SHA-256 under the secret, and the part contains no key', async () => {
    const store = new MemoryReportStore()
    await writePart(store, { index: 0 }, each([row('people/jane-doe.pdf'), row('people/ünï.pdf')]), {
      redactKeys: SECRET,
    })
    const lines = await all(store.readPart('0000000000-0001'))
    expect(lines.join('\n')).not.toMatch(/people|jane|pdf|"key"/)
    expect(lines.slice(0, 2).map((line) => JSON.parse(line).keyHash)).toEqual(
      ['people/jane-doe.pdf', 'people/ünï.pdf'].map((key) =>
        createHmac('sha256', SECRET).update(key).digest('hex'),
      ),
    )
  })

  test('cannot be guessed without the secret, and can be looked up with it', async () => {
    const [one, same, other] = await Promise.all(
      [SECRET, SECRET, new Uint8Array(32).fill(6)].map(async (secret) => (await keyRedactor(secret))('a')),
    )
    expect(same).toBe(one)
    expect(other).not.toBe(one)
  })

  test('need a secret of 16 bytes, before anything is read', async () => {
    const store = new MemoryReportStore()
    let read = false
    async function* rows() {
      read = true
      yield row('b')
    }
    await expect(writePart(store, SHARD, rows(), { redactKeys: new Uint8Array(15) })).rejects.toEqual(invalid)
    expect(read).toBe(false)
  })
})
