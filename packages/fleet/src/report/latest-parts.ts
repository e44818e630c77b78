import type { CallOptions } from '@oss-cse/crypto-core'
import { type Shard, shardName } from '../shard.ts'
import type { ReportStore } from './report-store.ts'

/** The part of a shard that counts. */
export interface LatestPart {
  /** The index of its shard. */
  readonly index: number
  /** The name of the part in its store. */
  readonly name: string
}

/**
 * Returns the name of a part of a report. Each attempt at a shard has a part of its own: a worker that lost the shard, and does not
 * know it yet, cannot replace what another one reported.
 *
 * @param attempt - `TakenShard.attempt`, from 1
 */
export function partName(shard: Pick<Shard, 'index'>, attempt: number): string {
  return `${shardName(shard)}-${String(attempt).padStart(4, '0')}`
}

/**
 * Returns the parts that count, in the order of the shards: of each shard that of the last attempt. When the run is over, this is
 * the attempt that completed the shard, because nothing takes a completed shard.
 */
export async function* latestParts(
  store: Pick<ReportStore, 'partNames'>,
  options: CallOptions = {},
): AsyncGenerator<LatestPart, void, undefined> {
  let latest: LatestPart | undefined
  for await (const name of store.partNames(options)) {
    const [index] = name.split('-').map(Number)
    if (index === undefined) continue
    if (latest !== undefined && latest.index !== index) yield latest
    latest = { index, name }
  }
  if (latest !== undefined) yield latest
}
