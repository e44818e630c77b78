import { CseError, type ObjectSummary } from '@oss-cse/crypto-core'
import { advancePlan } from './advance-plan.ts'
import type { JobQueue, PlanProgress, PlanStep } from './job-queue.ts'
import { type ListingOptions, type OrderedPage, orderedPages } from './ordered-listing.ts'
import type { Shard } from './shard.ts'

/** How a run is divided into shards. */
export interface ShardingOptions extends ListingOptions {
  /**
   * A shard has at most this many bytes of listed objects, unless it is a single object. Default: no limit, for work that
   * reads no content.
   */
  readonly maxBytes?: number | undefined
}

/** Options of `planShards`. */
export interface PlanOptions extends ShardingOptions {
  readonly queue: JobQueue
  readonly runId: string
}

/**
 * Plans a run, or continues its plan: lists the objects after the stored cursor and adds one shard for each page, or more
 * where `maxBytes` asks for it. Several planners may work on one run at the same time: only one of them adds each step, and
 * the others continue after it.
 *
 * The first shard has no start and the last one no end, so that the shards cover each key under the prefix once, also keys
 * that are created later. An empty bucket has one shard.
 *
 * @returns the plan: complete, or as it was when the run was cancelled
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for invalid options; `ERR_CSE_SERVICE` for keys that do not ascend in byte
 * order; `ERR_CSE_QUEUE`; errors of the catalog. The same call continues the plan
 */
export async function planShards(options: PlanOptions): Promise<PlanProgress> {
  const { queue, runId, maxBytes, signal } = options
  if (maxBytes !== undefined && !(Number.isSafeInteger(maxBytes) && maxBytes >= 1)) {
    throw new CseError('ERR_CSE_INVALID_ARGUMENT', 'maxBytes must be a whole number of at least 1.')
  }
  for (;;) {
    signal?.throwIfAborted()
    const { state, plan } = await queue.getRun(runId)
    if (plan.complete || state === 'cancelled') return plan
    await addPages(options, plan)
  }
}

/** Adds shards until the plan is complete, or until another planner was faster. */
async function addPages(options: PlanOptions, start: PlanProgress): Promise<void> {
  const { queue, runId, maxBytes, signal } = options
  let plan: PlanProgress | undefined = start
  for await (const page of orderedPages(start.cursor, options)) {
    if (page.objects.length === 0 && !page.isLast) continue
    const step = stepOf(page, plan, maxBytes)
    signal?.throwIfAborted()
    if (!(await queue.addShards(runId, step))) return
    plan = advancePlan(plan, step)
    if (plan === undefined) return
  }
}

function stepOf(page: OrderedPage, plan: PlanProgress, maxBytes: number | undefined): PlanStep {
  const cuts = cutKeys(page.objects, maxBytes)
  const last = page.objects.at(-1)
  const ends = page.isLast || last === undefined ? [...cuts, undefined] : [...cuts, last.key]
  const shards = ends.map(
    (until, position): Shard => ({
      index: plan.shards + position,
      after: position === 0 ? plan.cursor : ends[position - 1],
      until,
    }),
  )
  return { expectedShards: plan.shards, shards, listedKeys: page.objects.length }
}

/** The keys after which a page is cut, so that no piece has too many bytes. */
function cutKeys(objects: readonly ObjectSummary[], maxBytes = Number.POSITIVE_INFINITY): string[] {
  const cuts: string[] = []
  let pieceBytes = 0
  let previous: string | undefined
  for (const { key, sizeBytes } of objects) {
    if (previous !== undefined && pieceBytes + sizeBytes > maxBytes) {
      cuts.push(previous)
      pieceBytes = 0
    }
    pieceBytes += sizeBytes
    previous = key
  }
  return cuts
}
