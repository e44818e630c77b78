import { type CallOptions, CseError } from '@oss-cse/crypto-core'
import { compareCodePoints } from '@oss-cse/crypto-core/internal'
import { checkedCount } from '../checked-count.ts'
import type { ShardTotals } from '../job-queue.ts'
import { shardName } from '../shard.ts'
import { type LatestPart, latestParts } from './latest-parts.ts'
import { type PartEnd, parsePartEnd } from './part-end.ts'
import { csvLines } from './report-csv.ts'
import { formatRow, parseRow, type ReportRow } from './report-row.ts'
import type { ReportStore } from './report-store.ts'
import type { ReportSummary } from './report-summary.ts'
import { ReportTotals } from './report-totals.ts'

/** Options of `mergeReport`. */
export interface MergeReportOptions extends CallOptions {
  /** The number of shards of the run: `PlanProgress.shards`. */
  readonly shards: number
  /** Whether these are all shards of the run: `PlanProgress.complete`. If not, the report is not complete. Default true. */
  readonly planComplete?: boolean | undefined
  /** What the queue counted: `RunStatus.totals`. Absent: the rows are not compared with it. */
  readonly totals?: ShardTotals | undefined
}

/** The names of the results of `mergeReport`. */
export const REPORT_FILES = {
  /** All rows as JSON Lines, in byte order of the keys. */
  rows: 'report.jsonl',
  /** All rows as CSV, for a spreadsheet. */
  csv: 'report.csv',
  /** The `ReportSummary` as JSON. */
  summary: 'summary.json',
} as const

/** So many problems are told one by one. */
const MAX_PROBLEMS = 100

/**
 * Makes the results of a run out of its parts: `report.jsonl`, `report.csv` and `summary.json`. Reads the part of each shard's last attempt
 * twice, in order, with constant memory. Results that exist are replaced.
 *
 * What is wrong with the parts does not stop it. It is in the `problems` of the summary: a part that is missing, cut off, of
 * no shard, or that has invalid lines; keys that occur twice or out of order; rows whose numbers are not those that a part or
 * the queue counted; a plan that is not complete. A report is complete only if `problemCount` is 0. Duplicates of redacted keys are found within a part.
 *
 * @returns the summary
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for an invalid number of shards; what the store throws; the signal's reason
 *
 * @example
 * ```ts
 * const { plan, totals } = await queue.getRun(runId)
 * const summary = await mergeReport(store, { shards: plan.shards, planComplete: plan.complete, totals })
 * if (summary.problemCount > 0) process.exitCode = 1
 * ```
 */
export async function mergeReport(
  store: ReportStore,
  { shards, planComplete = true, totals: expected, signal }: MergeReportOptions,
): Promise<ReportSummary> {
  checkedCount('shards', shards)
  const totals = new ReportTotals()
  const problems = new Problems()
  async function* lines(): AsyncGenerator<string, void, undefined> {
    for await (const row of mergedRows(store, shards, problems, signal)) {
      totals.add(row)
      yield `${formatRow(row)}\n`
    }
  }
  await store.writeResult(REPORT_FILES.rows, lines(), { signal })
  const rows = mergedRows(store, shards, new Problems(), signal)
  await store.writeResult(REPORT_FILES.csv, csvLines(rows), { signal })
  const { shardTotals, tables } = totals
  if (expected !== undefined) {
    const names = differentNames(shardTotals, expected)
    if (names.length > 0) problems.add(`the rows and the queue differ in: ${names.join(', ')}`)
  }
  if (!planComplete) problems.add('the plan is not complete: keys after the last shard are missing')
  const { objects = 0, bytes = 0, readBytes } = shardTotals
  const summary: ReportSummary = {
    shards,
    objects,
    bytes,
    ...(readBytes !== undefined && { readBytes }),
    ...tables,
    problemCount: problems.count,
    problems: problems.texts,
  }
  await store.writeResult(REPORT_FILES.summary, once(`${JSON.stringify(summary, undefined, 2)}\n`), {
    signal,
  })
  return summary
}

/** What is wrong with a report. It holds no keys. */
class Problems {
  count = 0
  readonly texts: string[] = []

  add(text: string): void {
    this.count += 1
    if (this.texts.length < MAX_PROBLEMS) this.texts.push(text)
  }
}

/** The rows of all parts, in the order of the shards. */
async function* mergedRows(
  store: ReportStore,
  shards: number,
  problems: Problems,
  signal: AbortSignal | undefined,
): AsyncGenerator<ReportRow, void, undefined> {
  const order = new RowOrder()
  let next = 0
  for await (const part of latestParts(store, { signal })) {
    const { index } = part
    if (index >= shards) {
      problems.add(`part ${shardName(part)} belongs to no shard`)
      continue
    }
    tellMissing(next, index, problems)
    next = index + 1
    yield* partRows(store, part, order, problems, signal)
  }
  tellMissing(next, shards, problems)
  if (order.hasKeys && order.hasHashes) problems.add('some keys are redacted, and others are not')
}

function tellMissing(from: number, to: number, problems: Problems): void {
  if (from >= to) return
  const last = to - 1
  const what = from === last ? `part ${shardName({ index: from })} is` : `parts ${from} to ${last} are`
  problems.add(`${what} missing`)
}

async function* partRows(
  store: ReportStore,
  { index, name: storedName }: LatestPart,
  order: RowOrder,
  problems: Problems,
  signal: AbortSignal | undefined,
): AsyncGenerator<ReportRow, void, undefined> {
  const name = shardName({ index })
  const totals = new ReportTotals()
  let end: PartEnd | undefined
  let invalid = 0
  let misplaced = 0
  order.startPart()
  for await (const line of store.readPart(storedName, { signal })) {
    signal?.throwIfAborted()
    const found = end === undefined ? parsePartEnd(line) : undefined
    if (found !== undefined) {
      end = found
      continue
    }
    const row = rowOf(line)
    // Nothing comes after the end.
    if (row === undefined || end !== undefined) {
      invalid += 1
      continue
    }
    if (!order.follows(row)) misplaced += 1
    totals.add(row)
    yield row
  }
  if (invalid > 0) problems.add(`part ${name} has invalid lines (${invalid})`)
  if (misplaced > 0) problems.add(`part ${name} has keys that occur twice or are out of order (${misplaced})`)
  if (end === undefined) problems.add(`part ${name} has no end: it was cut off`)
  else if (end.shard !== index) problems.add(`part ${name} is that of shard ${end.shard}`)
  else {
    const names = differentNames(totals.shardTotals, end.totals)
    if (names.length > 0) problems.add(`part ${name} and its end differ in: ${names.join(', ')}`)
  }
}

function rowOf(line: string): ReportRow | undefined {
  try {
    return parseRow(line)
  } catch (error) {
    if (CseError.isInstance(error)) return undefined
    throw error
  }
}

/** Tells whether rows are in the order of their keys, each once. The order of hashes is none. */
class RowOrder {
  hasKeys = false
  hasHashes = false
  #last: string | undefined
  readonly #hashes = new Set<string>()

  startPart(): void {
    this.#hashes.clear()
  }

  follows({ key, keyHash }: ReportRow): boolean {
    if (keyHash !== undefined) {
      this.hasHashes = true
      const known = this.#hashes.has(keyHash)
      this.#hashes.add(keyHash)
      return !known
    }
    this.hasKeys = true
    const follows = this.#last === undefined || compareCodePoints(key ?? '', this.#last) > 0
    if (follows) this.#last = key
    return follows
  }
}

function differentNames(a: ShardTotals, b: ShardTotals): readonly string[] {
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  const total = (totals: ShardTotals, name: string): number | undefined =>
    Object.hasOwn(totals, name) ? totals[name] : 0
  return [...names].filter((name) => total(a, name) !== total(b, name))
}

async function* once(text: string): AsyncGenerator<string, void, undefined> {
  yield text
}
