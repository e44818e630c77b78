import { printable } from '@oss-cse/crypto-core/internal'
import type { KeyTotals, ObjectTotals } from './report-totals.ts'

/** What a report says in numbers. */
export interface ReportSummary extends ObjectTotals {
  readonly shards: number
  /** The bytes of plaintext that a verification read. */
  readonly readBytes?: number | undefined
  /** By `ReportOutcome`. */
  readonly outcomes: Readonly<Record<string, ObjectTotals>>
  /** By `ContentFormat`: of the objects whose envelope is known. */
  readonly formats: Readonly<Record<string, ObjectTotals>>
  /** By master key, the one with the most objects first: at most 1,000 keys. */
  readonly keys: readonly KeyTotals[]
  /** The objects under any further keys. */
  readonly otherKeys: ObjectTotals
  /** The number of things that are wrong with the report itself. 0: it is complete, and its numbers add up. */
  readonly problemCount: number
  /** The first 100 of them, as the ends of sentences. They contain no keys. */
  readonly problems: readonly string[]
}

/** Formats a summary as a text for a terminal, with control characters escaped. Its last line is ended. */
export function summaryTable(summary: ReportSummary): string {
  const { shards, objects, bytes, readBytes, outcomes, formats, keys, otherKeys } = summary
  const { problemCount, problems } = summary
  const keyRows = keys.map((key): Row => [keyName(key), key])
  if (otherKeys.objects > 0) keyRows.push(['other keys', otherKeys])
  const untold = problemCount - problems.length
  return [
    `Objects: ${grouped(objects)}. Bytes: ${grouped(bytes)}. Shards: ${grouped(shards)}.`,
    ...(readBytes === undefined ? [] : [`Bytes that were read: ${grouped(readBytes)}.`]),
    ...table('OUTCOME', Object.entries(outcomes)),
    ...table('FORMAT', Object.entries(formats)),
    ...table('KEY', keyRows),
    ...(problemCount === 0 ? [] : ['', `THIS REPORT IS NOT COMPLETE (${grouped(problemCount)}):`]),
    ...problems.map((problem) => `  ${printable(problem)}`),
    ...(untold === 0 ? [] : [`  and ${grouped(untold)} more`]),
    '',
  ].join('\n')
}

type Row = readonly [name: string, totals: ObjectTotals]

/** The names come last: nobody knows how wide a terminal shows them. */
function table(title: string, rows: readonly Row[]): readonly string[] {
  if (rows.length === 0) return []
  const cells = rows.map(([name, { objects, bytes }]) => [grouped(objects), grouped(bytes), printable(name)])
  const all = [['OBJECTS', 'BYTES', title], ...cells]
  const width = (column: number): number => Math.max(...all.map((row) => row[column]?.length ?? 0))
  const [objects, bytes] = [width(0), width(1)]
  const line = ([first = '', second = '', name]: readonly string[]): string =>
    `${first.padStart(objects)}  ${second.padStart(bytes)}  ${name}`
  return ['', ...all.map(line)]
}

function keyName({ wrapAlgorithm, materialDescription }: KeyTotals): string {
  return `${wrapAlgorithm} ${materialDescription || '(no description)'}`
}

function grouped(count: number): string {
  return count.toLocaleString('en-US')
}
