import { compareCodePoints } from '@oss-cse/crypto-core/internal'
import { MemoryTransport } from '@oss-cse/crypto-core/testing'
import type { NewRun, Shard, ShardTotals } from '@oss-cse/fleet'
import { MemoryJobQueue } from '@oss-cse/fleet/testing'

/** The run of a bench. */
export const RUN: NewRun = { id: 'run', command: 'audit', settings: {} }

/** A bucket in memory with these objects, and a queue with a run. */
export async function fleetBench(
  objects: Readonly<Record<string, number>>,
  maxFailures = 3,
): Promise<{ readonly catalog: MemoryTransport; readonly queue: MemoryJobQueue }> {
  const catalog = new MemoryTransport()
  for (const [key, sizeBytes] of Object.entries(objects)) await catalog.plant(key, new Uint8Array(sizeBytes))
  const queue = new MemoryJobQueue({ maxFailures })
  await queue.createRun(RUN)
  return { catalog, queue }
}

/** Objects of one byte. */
export function oneByteEach(keys: readonly string[]): Record<string, number> {
  return Object.fromEntries(keys.map((key) => [key, 1]))
}

/** Takes and completes all shards that a queue has now, in the order in which it returns them. */
export async function drained(queue: MemoryJobQueue, totals: ShardTotals = {}): Promise<readonly Shard[]> {
  const shards: Shard[] = []
  for (;;) {
    const taken = await queue.take(RUN.id)
    if (taken === undefined) return shards
    shards.push(taken.shard)
    await taken.complete(totals)
  }
}

/** Whether a key is in the range of a shard. */
export function isIn({ after, until }: Shard, key: string): boolean {
  return (
    (after === undefined || compareCodePoints(key, after) > 0) &&
    (until === undefined || compareCodePoints(key, until) <= 0)
  )
}
