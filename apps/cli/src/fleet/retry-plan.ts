import {
  type JobQueue,
  latestParts,
  parseRow,
  type ReportOutcome,
  type ReportStore,
  type Shard,
} from '@oss-cse/fleet'
import { usageError } from '../base/cli-error.ts'

/** The shards of a run that repeats what failed in another one. */
export interface RetryPlan {
  /** They cover all keys: the shards of a plan leave no gap. */
  readonly shards: readonly Shard[]
  /** The indexes of those that cover what failed. The others are gaps, in which nothing is done. */
  readonly chosen: readonly number[]
  /** The number of objects that are known to have failed. */
  readonly failedObjects: number
}

/** A range of keys: after the first one, up to the second one. */
type Range = Pick<Shard, 'after' | 'until'>

/**
 * Finds what failed in a run: of each part of its report the range from the first failed object to the last one, and what a
 * missing part must have covered.
 *
 * @param shards - the number of shards of the run
 * @param failed - the outcomes that count as failures
 * @throws CliError of kind `usage` when nothing failed, or when the report contains no keys
 */
export async function retryPlan(
  runId: string,
  store: ReportStore,
  shards: number,
  failed: ReadonlySet<ReportOutcome>,
): Promise<RetryPlan> {
  const ranges: Range[] = []
  let failedObjects = 0
  /** The last key before the present row. */
  let last: string | undefined
  /** A missing part covers what is between its neighbours. */
  let missing: { readonly after: string | undefined } | undefined
  const parts = new Map<number, string>()
  for await (const { index, name } of latestParts(store)) parts.set(index, name)
  for (let index = 0; index < shards; index++) {
    const name = parts.get(index)
    if (name === undefined) {
      missing ??= { after: last }
      continue
    }
    let range: { readonly after: string | undefined; until: string } | undefined
    for await (const line of store.readPart(name)) {
      if (line.startsWith('{"end":')) continue
      const { key, outcome } = parseRow(line)
      if (key === undefined) {
        throw usageError(
          `The report of the run ${runId} contains no keys (--redact-keys), so its failures cannot be found.`,
        )
      }
      if (missing !== undefined) {
        // One object more, which no other range has: a range ends with a key.
        ranges.push({ ...missing, until: key })
        missing = undefined
        if (failed.has(outcome)) failedObjects++
      } else if (failed.has(outcome)) {
        failedObjects++
        range = { after: range === undefined ? last : range.after, until: key }
      }
      last = key
    }
    if (range !== undefined) ranges.push(range)
  }
  if (missing !== undefined) ranges.push({ ...missing, until: undefined })
  if (ranges.length === 0) throw usageError(`Nothing failed in the run ${runId}.`)
  return { ...withGaps(ranges), failedObjects }
}

function withGaps(ranges: readonly Range[]): Pick<RetryPlan, 'shards' | 'chosen'> {
  const shards: Shard[] = []
  const chosen: number[] = []
  let end: string | undefined
  for (const { after, until } of ranges) {
    if (after !== end) shards.push({ index: shards.length, after: end, until: after })
    chosen.push(shards.length)
    shards.push({ index: shards.length, after, until })
    end = until
  }
  if (shards.at(-1)?.until !== undefined) shards.push({ index: shards.length, after: end, until: undefined })
  return { shards, chosen }
}

/** Plans a run at once, with shards that are known. Does nothing if it is planned already. */
export async function addRetryPlan(queue: JobQueue, runId: string, plan: RetryPlan): Promise<void> {
  await queue.addShards(runId, {
    expectedShards: 0,
    shards: plan.shards,
    listedKeys: plan.failedObjects,
  })
}
