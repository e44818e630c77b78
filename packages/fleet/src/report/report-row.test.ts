import fc from 'fast-check'
import { expect, test } from 'vitest'
import { arbitraryRow } from '../../test/arbitrary-rows.ts'
import { formatRow, parseRow, REPORT_FIELDS } from './report-row.ts'

const ROW = { key: 'a', outcome: 'plain', sizeBytes: 1, lastModified: '2026-11-30T00:00:00.000Z' } as const
const invalid = expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' })

test('a row comes back from its line', () => {
  fc.assert(
    fc.property(arbitraryRow, (row) => {
      const line = formatRow(row)
      expect(line).not.toMatch(/[\r\n]/)
      expect(parseRow(line)).toEqual(row)
    }),
  )
})

test('the names and their order are stable, because programs read them', () => {
  expect(REPORT_FIELDS).toEqual([
    'key',
    'keyHash',
    'outcome',
    'code',
    'serviceCode',
    'requestId',
    'sizeBytes',
    'lastModified',
    'versionId',
    'objectType',
    'storageClass',
    'needsRestore',
    'envelopeVersion',
    'format',
    'wrapAlgorithm',
    'materialDescription',
    'unencryptedContentLength',
    'verification',
    'readBytes',
    'byteRange',
    'notCarried',
    'races',
    'unsettled',
  ])
  expect(formatRow({ ...ROW, code: undefined })).toBe(
    '{"key":"a","outcome":"plain","sizeBytes":1,"lastModified":"2026-11-30T00:00:00.000Z"}',
  )
})

test.each([
  ['no JSON', '{'],
  ['no object', '[]'],
  ['neither key nor hash', JSON.stringify({ ...ROW, key: undefined })],
  ['both key and hash', JSON.stringify({ ...ROW, keyHash: 'b' })],
  ['an unknown outcome', JSON.stringify({ ...ROW, outcome: 'fine' })],
  ['a code that is none', JSON.stringify({ ...ROW, code: 'EIO' })],
  ['an unknown field', JSON.stringify({ ...ROW, more: 1 })],
  ['a size that is no whole number', JSON.stringify({ ...ROW, sizeBytes: 1.5 })],
  ['a negative size', JSON.stringify({ ...ROW, sizeBytes: -1 })],
  ['a date that is none', JSON.stringify({ ...ROW, lastModified: 'today' })],
])('a line with %s is refused, and its values are not in the error', (_, line) => {
  expect(() => parseRow(line)).toThrow(invalid)
  expect(() => parseRow(line)).not.toThrow(/fine|today/)
})
