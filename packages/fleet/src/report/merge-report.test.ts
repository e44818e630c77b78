import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { arbitraryRun } from '../../test/arbitrary-rows.ts'
import { MemoryReportStore } from '../../test/memory-report-store.ts'
import { each } from '../../test/mixed-bucket.ts'
import { mergeReport, REPORT_FILES } from './merge-report.ts'
import { parseRow, REPORT_FIELDS, type ReportRow } from './report-row.ts'
import { writePart } from './write-part.ts'

const row = (key: string, more: Partial<ReportRow> = {}): ReportRow => ({
  key,
  outcome: 'encrypted',
  sizeBytes: 10,
  lastModified: '2026-11-30T00:00:00.000Z',
  ...more,
})
const SECRET = new Uint8Array(32).fill(5)
const SHARDS = [
  { index: 0, until: 'b' },
  { index: 1, after: 'b', until: 'd' },
  { index: 2, after: 'd' },
]
const KEYS = [['a', 'b'], ['c'], ['e', 'f']]

/** A store with the parts of three shards. */
async function threeParts({ redactKeys }: { redactKeys?: Uint8Array } = {}) {
  const store = new MemoryReportStore()
  for (const [i, shard] of SHARDS.entries()) {
    await writePart(store, shard, each((KEYS[i] ?? []).map((key) => row(key))), { redactKeys })
  }
  return store
}

function rowsOf(store: MemoryReportStore): readonly ReportRow[] {
  const lines = (store.results.get(REPORT_FILES.rows) ?? '').split('\n')
  expect(lines.pop()).toBe('')
  return lines.map(parseRow)
}

function csvOf(store: MemoryReportStore): readonly Record<string, string>[] {
  return parse(store.results.get(REPORT_FILES.csv) ?? '', { columns: true, bom: true })
}

test('all rows of all shards are in the results once, in order, and the numbers add up', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryRun, fc.boolean(), async (run, redacted) => {
      const store = new MemoryReportStore()
      const sums: Record<string, number> = {}
      // In any order, as workers finish.
      for (const { shard, rows } of [...run].reverse()) {
        const totals = await writePart(store, shard, each(rows), { ...(redacted && { redactKeys: SECRET }) })
        for (const [name, count] of Object.entries(totals)) sums[name] = (sums[name] ?? 0) + count
      }
      const summary = await mergeReport(store, { shards: run.length, totals: sums })
      const rows = run.flatMap((part) => part.rows)
      expect(summary).toMatchObject({
        shards: run.length,
        objects: rows.length,
        bytes: rows.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
        problemCount: 0,
        problems: [],
      })
      const count = (totals: Readonly<Record<string, { objects: number }>>) =>
        Object.values(totals).reduce((sum, { objects }) => sum + objects, 0)
      expect(count(summary.outcomes)).toBe(rows.length)
      expect(count(summary.formats)).toBe(rows.filter(({ format }) => format !== undefined).length)
      expect(count(Object.fromEntries(summary.keys.entries()))).toBe(
        rows.filter((one) => one.wrapAlgorithm !== undefined).length,
      )
      expect(JSON.parse(store.results.get(REPORT_FILES.summary) ?? '')).toEqual(summary)
      const merged = rowsOf(store)
      if (redacted) expect(merged.every(({ key }) => key === undefined)).toBe(true)
      const comparable = redacted ? rows.map(({ key: _key, ...rest }) => rest) : rows
      expect(merged.map(({ keyHash: _hash, ...rest }) => rest)).toEqual(comparable)
      expect(csvOf(store).map(({ outcome }) => outcome)).toEqual(rows.map(({ outcome }) => outcome))
    }),
    { numRuns: 60 },
  )
})

test('the same key is one key, however its description is written', async () => {
  const store = new MemoryReportStore()
  const descriptions = [{ a: '1', b: '2' }, { b: '2', a: '1' }, {}]
  const rows = descriptions.map((materialDescription, i) =>
    row(`k${i}`, { wrapAlgorithm: 'RSA', materialDescription }),
  )
  await writePart(store, { index: 0 }, each(rows))
  const { keys } = await mergeReport(store, { shards: 1 })
  expect(keys).toEqual([
    { wrapAlgorithm: 'RSA', materialDescription: '{"a":"1","b":"2"}', objects: 2, bytes: 20 },
    { wrapAlgorithm: 'RSA', materialDescription: '', objects: 1, bytes: 10 },
  ])
})

test('a bucket with a key for each object does not fill the memory', async () => {
  const store = new MemoryReportStore()
  const rows = Array.from({ length: 1200 }, (_, i) =>
    row(`k${String(i).padStart(4, '0')}`, { wrapAlgorithm: 'RSA', materialDescription: { key: String(i) } }),
  )
  await writePart(store, { index: 0 }, each(rows))
  const { keys, otherKeys } = await mergeReport(store, { shards: 1 })
  expect(keys).toHaveLength(1000)
  expect(otherKeys).toEqual({ objects: 200, bytes: 2000 })
})

describe('a problem of the parts is in the summary, and the rest in the results', () => {
  const part = (store: MemoryReportStore, name: string): string[] => store.parts.get(name) ?? []
  test.each<[string, (store: MemoryReportStore) => void, string]>([
    ['a missing part', (store) => store.parts.delete('0000000001-0001'), 'part 0000000001 is missing'],
    [
      'missing parts at the end',
      (store) => {
        store.parts.delete('0000000001-0001')
        store.parts.delete('0000000002-0001')
      },
      'parts 1 to 2 are missing',
    ],
    [
      'a part of no shard',
      (store) => store.parts.set('0000000003-0001', part(store, '0000000002-0001')),
      'part 0000000003 belongs to no shard',
    ],
    [
      'the part of another shard',
      (store) => store.parts.set('0000000002-0001', part(store, '0000000001-0001')),
      'part 0000000002 is that of shard 1',
    ],
    [
      'a cut part',
      (store) => part(store, '0000000000-0001').pop(),
      'part 0000000000 has no end: it was cut off',
    ],
    [
      'a lost row',
      (store) => part(store, '0000000000-0001').shift(),
      'part 0000000000 and its end differ in: objects, bytes, encrypted',
    ],
    [
      'a row twice',
      (store) => part(store, '0000000000-0001').unshift(part(store, '0000000000-0001')[0] ?? ''),
      'part 0000000000 has keys that occur twice or are out of order (1)',
    ],
    [
      'a row of another part',
      (store) => part(store, '0000000001-0001').unshift(part(store, '0000000000-0001')[0] ?? ''),
      'part 0000000001 has keys that occur twice or are out of order (1)',
    ],
    [
      'an invalid line',
      (store) => part(store, '0000000000-0001').unshift('{"key":"secret-name"'),
      'part 0000000000 has invalid lines (1)',
    ],
    [
      'a line after the end',
      (store) => part(store, '0000000000-0001').push(part(store, '0000000000-0001')[0] ?? ''),
      'part 0000000000 has invalid lines (1)',
    ],
  ])('%s', async (_, spoil, problem) => {
    const store = await threeParts()
    spoil(store)
    const summary = await mergeReport(store, { shards: 3 })
    expect(summary.problems).toContain(problem)
    expect(summary.problemCount).toBe(summary.problems.length)
    expect(JSON.stringify(summary)).not.toContain('secret-name')
    expect(rowsOf(store)).toHaveLength(summary.objects)
    expect(csvOf(store)).toHaveLength(summary.objects)
  })

  test('numbers that the queue counted otherwise', async () => {
    const store = await threeParts()
    const totals = { objects: 5, bytes: 50, encrypted: 5 }
    expect(await mergeReport(store, { shards: 3, totals })).toMatchObject({ problemCount: 0 })
    expect(await mergeReport(store, { shards: 3, totals: { ...totals, bytes: 51, gone: 1 } })).toMatchObject({
      problems: ['the rows and the queue differ in: bytes, gone'],
    })
  })

  test('a plan that is not complete', async () => {
    const store = await threeParts()
    expect(await mergeReport(store, { shards: 3, planComplete: true })).toMatchObject({ problemCount: 0 })
    expect(await mergeReport(store, { shards: 3, planComplete: false })).toMatchObject({
      objects: 5,
      problems: ['the plan is not complete: keys after the last shard are missing'],
    })
  })

  test('a redacted key twice', async () => {
    const store = await threeParts({ redactKeys: SECRET })
    const lines = part(store, '0000000000-0001')
    lines.unshift(lines[1] ?? '')
    expect((await mergeReport(store, { shards: 3 })).problems).toContain(
      'part 0000000000 has keys that occur twice or are out of order (1)',
    )
  })

  test('keys and redacted keys', async () => {
    const store = await threeParts()
    await writePart(store, SHARDS[1] ?? { index: 1 }, each([row('c')]), { redactKeys: SECRET })
    expect((await mergeReport(store, { shards: 3 })).problems).toEqual([
      'some keys are redacted, and others are not',
    ])
  })

  test('more problems than anybody reads are counted', async () => {
    const store = new MemoryReportStore()
    for (let i = 0; i < 150; i++) await writePart(store, { index: i }, each([row('a')]))
    const { problemCount, problems } = await mergeReport(store, { shards: 150 })
    expect(problemCount).toBe(149)
    expect(problems).toHaveLength(100)
  })
})

test('of each shard the part of the last attempt counts, also if another one was stored later', async () => {
  const attempts = fc.shuffledSubarray([1, 2, 3, 9, 10, 11], { minLength: 1 })
  await fc.assert(
    fc.asyncProperty(fc.array(attempts, { minLength: 1, maxLength: 4 }), async (stored) => {
      const store = new MemoryReportStore()
      for (const [index, order] of stored.entries()) {
        for (const attempt of order) {
          const one = row(`key-${index}`, { sizeBytes: attempt })
          await writePart(store, { index }, each([one]), { attempt })
        }
      }
      const bytes = stored.reduce((sum, order) => sum + Math.max(...order), 0)
      const { problems, ...summary } = await mergeReport(store, { shards: stored.length })
      expect(problems).toEqual([])
      expect(summary).toMatchObject({ objects: stored.length, bytes })
    }),
    { numRuns: 50 },
  )
})

describe('the CSV', () => {
  test('returns each field as text, with its name, and keys with quotes, commas and line breaks', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryRun, async (run) => {
        const store = new MemoryReportStore()
        for (const { shard, rows } of run) await writePart(store, shard, each(rows))
        await mergeReport(store, { shards: run.length })
        const rows = run.flatMap((part) => part.rows)
        const escaped = (text: string | undefined) => text?.replace(/^(?=[=+\-@\t\r＝＋－＠])/, "'")
        expect(csvOf(store).map((found) => found['key'])).toEqual(rows.map(({ key }) => escaped(key)))
        expect(csvOf(store).map((found) => found['sizeBytes'])).toEqual(
          rows.map((one) => String(one.sizeBytes)),
        )
        for (const found of csvOf(store)) expect(Object.keys(found)).toEqual(REPORT_FIELDS)
      }),
      { numRuns: 40 },
    )
  })

  test('formats descriptions and ranges for a cell', async () => {
    const store = new MemoryReportStore()
    const more = {
      materialDescription: { b: 'ü', a: '1' },
      byteRange: { start: 1, end: 5 },
      needsRestore: true,
    }
    await writePart(store, { index: 0 }, each([row('a', more)]))
    await mergeReport(store, { shards: 1 })
    expect(csvOf(store)).toMatchObject([
      { materialDescription: '{"a":"1","b":"\\u00fc"}', byteRange: '1-5', needsRestore: 'true', keyHash: '' },
    ])
  })

  test.each(['=HYPERLINK("http://x")', '+1', '-1+1', '@SUM(A1)', '\t=1', '\r=1', '＝1'])(
    'lets no spreadsheet run the key %j',
    async (key) => {
      const store = new MemoryReportStore()
      await writePart(store, { index: 0 }, each([row(key)]))
      await mergeReport(store, { shards: 1 })
      expect(csvOf(store)[0]?.['key']).toBe(`'${key}`)
    },
  )

  test('is the same for a spreadsheet that separates fields by semicolons or tabs', async () => {
    const store = new MemoryReportStore()
    await writePart(store, { index: 0 }, each([row('a\t=1+1'), row('a;=1+1')]))
    await mergeReport(store, { shards: 1 })
    for (const delimiter of [';', '\t']) {
      const options = { delimiter, bom: true, relax_quotes: true, relax_column_count: true }
      const cells = parse(store.results.get(REPORT_FILES.csv) ?? '', options).flat() as string[]
      expect(cells.filter((cell) => cell.startsWith('='))).toEqual([])
    }
  })
})
