import { expect, test } from 'vitest'
import { type ReportSummary, summaryTable } from './report-summary.ts'

const SUMMARY: ReportSummary = {
  shards: 3,
  objects: 1234,
  bytes: 5_000_000,
  outcomes: { encrypted: { objects: 1200, bytes: 4_900_000 }, plain: { objects: 34, bytes: 100_000 } },
  formats: { sealed: { objects: 1200, bytes: 4_900_000 } },
  keys: [{ wrapAlgorithm: 'KMS/ALICLOUD', materialDescription: '', objects: 1200, bytes: 4_900_000 }],
  otherKeys: { objects: 0, bytes: 0 },
  problemCount: 0,
  problems: [],
}

test('numbers are aligned, and names come last', () => {
  expect(summaryTable(SUMMARY)).toBe(
    [
      'Objects: 1,234. Bytes: 5,000,000. Shards: 3.',
      '',
      'OBJECTS      BYTES  OUTCOME',
      '  1,200  4,900,000  encrypted',
      '     34    100,000  plain',
      '',
      'OBJECTS      BYTES  FORMAT',
      '  1,200  4,900,000  sealed',
      '',
      'OBJECTS      BYTES  KEY',
      '  1,200  4,900,000  KMS/ALICLOUD (no description)',
      '',
    ].join('\n'),
  )
})

test('what was read, further keys, and problems are told', () => {
  const text = summaryTable({
    ...SUMMARY,
    readBytes: 77,
    otherKeys: { objects: 9, bytes: 90 },
    problemCount: 3,
    problems: ['part 0000000001 is missing', 'parts 5 to 9 are missing'],
  })
  expect(text).toContain('Bytes that were read: 77.\n')
  expect(text).toMatch(/ +9 +90 {2}other keys\n/)
  expect(text).toContain(
    '\nTHIS REPORT IS NOT COMPLETE (3):\n  part 0000000001 is missing\n  parts 5 to 9 are missing\n  and 1 more\n',
  )
})

test('an empty bucket has no tables', () => {
  const nothing = { objects: 0, bytes: 0, outcomes: {}, formats: {}, keys: [] }
  expect(summaryTable({ ...SUMMARY, ...nothing, shards: 1 })).toBe('Objects: 0. Bytes: 0. Shards: 1.\n')
})

test('names of keys cannot move the cursor or start a line', () => {
  const keys = [{ wrapAlgorithm: '\u001b[2J', materialDescription: '\n\u202e', objects: 1, bytes: 1 }]
  const text = summaryTable({ ...SUMMARY, keys })
  expect(text).toContain('\\x1b[2J \\x0a\\u{202e}\n')
  for (const control of ['\u001b', '\u202e']) expect(text).not.toContain(control)
})
