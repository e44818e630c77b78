import { type CallOptions, CseError } from '@oss-cse/crypto-core'
import { compareCodePoints } from '@oss-cse/crypto-core/internal'
import type { ShardTotals } from '../job-queue.ts'
import type { Shard } from '../shard.ts'
import { keyRedactor } from './key-redaction.ts'
import { partName } from './latest-parts.ts'
import { formatPartEnd } from './part-end.ts'
import { formatRow, type ReportRow } from './report-row.ts'
import type { ReportStore } from './report-store.ts'
import { ReportTotals } from './report-totals.ts'

/** Options of `writePart`. */
export interface WritePartOptions extends CallOptions {
  /**
   * `TakenShard.attempt`, from 1: the part of the last attempt counts. Default 1, for a program in which no shard is taken from a
   * worker.
   */
  readonly attempt?: number | undefined
  /** The secret with which keys are replaced by hashes: see `keyRedactor`. Absent: the report contains the keys. */
  readonly redactKeys?: Uint8Array | undefined
  /** Called with each row, with its key, before it is stored: for a circuit breaker, or to show progress. */
  readonly onRow?: ((row: ReportRow) => void) | undefined
}

/**
 * Stores the rows of a shard as its part of the report, all or nothing. An earlier part of the same attempt is replaced.
 *
 * @param rows - with keys, in byte order, each once
 * @returns the totals for `TakenShard.complete`: `objects`, `bytes`, `readBytes` of a verification, and the number of objects
 * for each outcome
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for rows that are not in order, or not of this shard, and for a short secret;
 * what the rows, `onRow` and the store throw
 *
 * @example
 * ```ts
 * const { shard, attempt } = taken
 * await taken.complete(await writePart(store, shard, auditShard(shard, options), { attempt }))
 * ```
 */
export async function writePart(
  store: Pick<ReportStore, 'writePart'>,
  shard: Shard,
  rows: AsyncIterable<ReportRow>,
  { attempt = 1, redactKeys, onRow, signal }: WritePartOptions = {},
): Promise<ShardTotals> {
  const redact = redactKeys && (await keyRedactor(redactKeys))
  const totals = new ReportTotals()
  async function* lines(): AsyncGenerator<string, void, undefined> {
    let last = shard.after
    for await (const row of rows) {
      const { key } = row
      checkKey(shard, key, last)
      last = key
      totals.add(row)
      onRow?.(row)
      yield formatRow(redact ? { ...row, key: undefined, keyHash: await redact(key) } : row)
    }
    yield formatPartEnd(shard, totals.shardTotals)
  }
  await store.writePart(partName(shard, attempt), lines(), { signal })
  return totals.shardTotals
}

function checkKey(
  { index, until }: Shard,
  key: string | undefined,
  last: string | undefined,
): asserts key is string {
  const before = key !== undefined && (until === undefined || compareCodePoints(key, until) <= 0)
  if (before && (last === undefined || compareCodePoints(key, last) > 0)) return
  throw new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    `A row of shard ${index} is not in the order of its keys, or belongs to another shard.`,
  )
}
