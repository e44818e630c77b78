import * as v from 'valibot'
import type { ShardTotals } from '../job-queue.ts'
import type { Shard } from '../shard.ts'

const END = v.strictObject({
  end: v.strictObject({ shard: v.number(), totals: v.record(v.string(), v.number()) }),
})

/** What the last line of a part says. */
export interface PartEnd {
  /** The index of its shard. */
  readonly shard: number
  readonly totals: ShardTotals
}

/** Formats the last line of a part. A part without it was cut off. */
export function formatPartEnd({ index }: Shard, totals: ShardTotals): string {
  return JSON.stringify({ end: { shard: index, totals } })
}

/** Reads the last line of a part. Returns `undefined` for any other line. */
export function parsePartEnd(line: string): PartEnd | undefined {
  // No row begins like that, and most lines are rows.
  if (!line.startsWith('{"end":')) return undefined
  try {
    const end = v.safeParse(END, JSON.parse(line))
    return end.success ? end.output.end : undefined
  } catch {
    return undefined
  }
}
