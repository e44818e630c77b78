import { formatMaterialDescription } from '@oss-cse/crypto-core/internal'
import { stringify } from 'csv-stringify/sync'
import { REPORT_FIELDS, type ReportRow } from './report-row.ts'

const OPTIONS = {
  // All texts: a spreadsheet that separates fields by something else, such as ";", must not find one in a key.
  quoted_string: true,
  // A key that a spreadsheet would run as a formula gets an apostrophe before it.
  escape_formulas: true,
} as const

/**
 * Formats rows as CSV for a spreadsheet: UTF-8 with a byte order mark, a line with the names of the fields, all texts quoted.
 * A text that begins with `=`, `+`, `-`, `@`, a tab or a carriage return gets an apostrophe before it, because a spreadsheet
 * would run it as a formula. The exact keys are in the JSON Lines.
 */
export async function* csvLines(rows: AsyncIterable<ReportRow>): AsyncGenerator<string, void, undefined> {
  yield stringify([REPORT_FIELDS], { ...OPTIONS, bom: true })
  for await (const row of rows) yield stringify([REPORT_FIELDS.map((field) => cell(row, field))], OPTIONS)
}

function cell(row: ReportRow, field: keyof ReportRow): string | number | undefined {
  const { materialDescription, byteRange } = row
  if (field === 'materialDescription')
    return materialDescription && formatMaterialDescription(materialDescription)
  if (field === 'byteRange') return byteRange && `${byteRange.start}-${byteRange.end}`
  if (field === 'notCarried') return row.notCarried?.join(' ')
  const value = row[field]
  return typeof value === 'boolean' ? String(value) : value
}
