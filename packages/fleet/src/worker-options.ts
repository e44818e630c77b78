import type { CallOptions, CseErrorCode } from '@oss-cse/crypto-core'
import type { CircuitBreakerOptions } from './circuit-breaker.ts'
import type { InventoryOptions } from './inventory/plan-from-inventory.ts'
import type { JobQueue, ShardTotals } from './job-queue.ts'
import type { ShardingOptions } from './plan-shards.ts'
import type { Shard } from './shard.ts'

/** What the work on a shard receives. */
export interface ShardContext {
  /** Aborts when the work must stop. The work then rejects soon: what it returns would not count. */
  readonly signal: AbortSignal
  /** How often the shard has been taken, from 1. */
  readonly attempt: number
  /** Records the result of an object for the circuit breaker: the code of its failure, or nothing. */
  record(code?: CseErrorCode | undefined): void
}

/** What a worker reports. A program shows or logs it. */
export type WorkerEvent =
  /** The worker has this shard now; returned it, because the worker stops or the run is paused; lost its lease. */
  | {
      readonly type: 'shard-taken' | 'shard-released' | 'lease-lost'
      readonly shard: Shard
      readonly attempt: number
    }
  | {
      readonly type: 'shard-completed'
      readonly shard: Shard
      readonly attempt: number
      readonly totals: ShardTotals
    }
  | {
      readonly type: 'shard-failed'
      readonly shard: Shard
      readonly attempt: number
      readonly error: unknown
    }
  /** A call of the queue failed with `ERR_CSE_QUEUE`, and will be repeated. */
  | { readonly type: 'queue-away'; readonly error: unknown; readonly attempt: number }
  /** The run is paused, and the worker has nothing to do. */
  | { readonly type: 'paused'; readonly reason: string | undefined }

/** Options of `runWorker`. */
export interface WorkerOptions extends CallOptions {
  readonly queue: JobQueue
  readonly runId: string
  /**
   * Does a shard, and returns what to add to the totals of the run. A shard may be done again from its start at any time,
   * also at the same time by another worker, so what is done already must be recognized. Rejects if the shard as a whole
   * failed: it is then done again, as often as the queue allows, and the circuit breaker counts it as an object that failed. If
   * it rejects because a bucket does not exist, the worker ends.
   */
  readonly doShard: (shard: Shard, context: ShardContext) => Promise<ShardTotals>
  /** How many shards are done at the same time. Default 1. */
  readonly parallel?: number | undefined
  /** Plans the run too, while it works: by its listing, or by an inventory. Absent: another worker does. */
  readonly plan?: Omit<ShardingOptions, 'signal'> | Omit<InventoryOptions, 'signal'> | undefined
  /** When the worker pauses the run by itself. */
  readonly breaker?: CircuitBreakerOptions | undefined
  /** What happens in a pause, when the worker has no shard left: `wait` for its end, or `return`. Default `wait`. */
  readonly whenPaused?: 'wait' | 'return' | undefined
  /** How often the worker looks whether the run is cancelled, in milliseconds. Default 5,000. */
  readonly checkEveryMs?: number | undefined
  /** The waits between calls of a queue that is away, in milliseconds. They grow. Default from 500 to 30,000. */
  readonly queueRetry?: { readonly minDelayMs: number; readonly maxDelayMs: number } | undefined
  readonly onEvent?: ((event: WorkerEvent) => void) | undefined
}
