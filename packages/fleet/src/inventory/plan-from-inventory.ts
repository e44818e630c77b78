import { type CallOptions, CseError, checkedRetryOptions, type RetryOptions } from '@oss-cse/crypto-core'
import { MAX_PAGE_ENTRIES } from '@oss-cse/crypto-core/internal'
import { advancePlan } from '../advance-plan.ts'
import { checkedCount } from '../checked-count.ts'
import type { JobQueue, PlanProgress, PlanStep } from '../job-queue.ts'
import type { Shard } from '../shard.ts'
import { type InventoryRequests, type InventorySource, readInventoryManifest } from './inventory-manifest.ts'
import { inventoryObjects } from './inventory-objects.ts'
import { KeySample } from './key-sample.ts'

/** An inventory, and how a run is divided into shards by it. */
export interface InventoryOptions extends InventorySource, CallOptions {
  /** Only keys with this prefix. Default: all keys. */
  readonly prefix?: string | undefined
  /** The number of keys of a shard, about. Default 1,000. */
  readonly maxKeys?: number | undefined
  /**
   * The number of bytes of a shard, about, unless it is a single object. Default: no limit. Without effect in an inventory
   * without the column `Size`.
   */
  readonly maxBytes?: number | undefined
  /** How a request is retried. */
  readonly retry?: RetryOptions | undefined
}

/** Options of `planFromInventory`. */
export interface InventoryPlanOptions extends InventoryOptions {
  readonly queue: JobQueue
  readonly runId: string
}

/** The keys that are held at a time: tens of megabytes. They divide 10⁸ keys into shards of about 1,000. */
const MAX_SAMPLE = 2 ** 18
/** The shards that are added at a time. */
const STEP_SHARDS = 1000

/**
 * Plans a run by an OSS inventory of its bucket, instead of the many requests that list it: see `planShards`. The inventory
 * gives only the keys at which shards end. The shards cover each key under the prefix once, also keys that are not in the
 * inventory, and `shardObjects` lists what is in them. So an inventory may be hours old.
 *
 * All files of the inventory are read once, with constant memory, before the first shard is added. If more than 262,144 keys
 * are in it, a sample of them is held, and the sizes of the shards vary. The sample depends on nothing but the inventory and
 * `runId`: several planners may work at once, and a planner that was killed reads the inventory again and continues the plan.
 * `PlanProgress.listedKeys` is the number of keys in the inventory.
 *
 * @returns the plan: complete, or as it was when the run was cancelled
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for invalid options, for an inventory that does not fit, see
 * `checkInventory`, and when the plan that is stored was made in another way; `ERR_CSE_INTEGRITY` for a file that is damaged;
 * `ERR_CSE_QUEUE`; what the transport throws
 */
export function planFromInventory(options: InventoryPlanOptions): Promise<PlanProgress> {
  return inventoryPlanner(options)()
}

/**
 * Reads the manifest of an inventory, and checks that a run can be planned by it. Reads no other file.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the object is no manifest, when the inventory is of another bucket or is
 * incremental, and for another format than CSV or files without the columns `Bucket` and `Key`; what the transport throws
 */
export async function checkInventory(options: InventoryOptions): Promise<void> {
  await readInventoryManifest(options, requestsOf(options))
}

/** Returns `planFromInventory` with its options, for calls that may fail: what was read is kept for the next one. */
export function inventoryPlanner(options: InventoryPlanOptions): () => Promise<PlanProgress> {
  const { queue, runId, signal } = options
  let division: Division | undefined
  return async () => {
    const requests = requestsOf(options)
    const maxKeys = checkedCount('maxKeys', options.maxKeys ?? MAX_PAGE_ENTRIES)
    if (options.maxBytes !== undefined) checkedCount('maxBytes', options.maxBytes)
    for (;;) {
      signal?.throwIfAborted()
      const { state, plan } = await queue.getRun(runId)
      if (plan.complete || state === 'cancelled') return plan
      division ??= await readDivision({ ...options, maxKeys }, requests)
      if (division !== undefined) await addShards(options, division, plan)
    }
  }
}

/** What an inventory says about a run. */
interface Division {
  /** Where shards end: each but the last one. */
  readonly cuts: readonly string[]
  readonly listedKeys: number
}

function requestsOf({ retry, signal }: InventoryOptions): InventoryRequests {
  return { retry: checkedRetryOptions(retry), signal: signal ?? new AbortController().signal }
}

/** Reads the inventory. Returns `undefined` as soon as nobody needs it: the plan is complete, or the run is cancelled. */
async function readDivision(
  options: InventoryPlanOptions & { readonly maxKeys: number },
  requests: InventoryRequests,
): Promise<Division | undefined> {
  const { runId, transport, prefix = '', maxKeys, maxBytes = Number.POSITIVE_INFINITY } = options
  const manifest = await readInventoryManifest(options, requests)
  const sample = new KeySample({ seed: runId, capacity: MAX_SAMPLE })
  let listedKeys = 0
  for (const file of manifest.files) {
    if (await isPlanned(options)) return undefined
    for await (const { key, sizeBytes } of inventoryObjects(transport, file, manifest, requests)) {
      if (!key.startsWith(prefix)) continue
      listedKeys += 1
      // The part of a shard that the object fills, in keys.
      sample.add(key, Math.min(maxKeys, Math.max(1, Math.ceil((sizeBytes / maxBytes) * maxKeys))))
    }
  }
  return { cuts: sample.cuts(maxKeys), listedKeys }
}

async function isPlanned({ queue, runId }: InventoryPlanOptions): Promise<boolean> {
  try {
    const { state, plan } = await queue.getRun(runId)
    return plan.complete || state === 'cancelled'
  } catch (error) {
    // The inventory can be read while the queue is away.
    if (CseError.isInstance(error) && error.code === 'ERR_CSE_QUEUE') return false
    throw error
  }
}

/** Adds shards until the plan is complete, or until another planner was faster. */
async function addShards(
  { queue, runId, signal }: InventoryPlanOptions,
  division: Division,
  start: PlanProgress,
): Promise<void> {
  checkSamePlan(runId, division, start)
  for (let plan: PlanProgress | undefined = start; plan !== undefined && !plan.complete; ) {
    signal?.throwIfAborted()
    const step = stepOf(division, plan.shards)
    if (!(await queue.addShards(runId, step))) return
    plan = advancePlan(plan, step)
  }
}

function stepOf(division: Division, first: number): PlanStep {
  const { cuts } = division
  const end = Math.min(first + STEP_SHARDS, cuts.length + 1)
  const shards = Array.from({ length: end - first }, (_, position): Shard => {
    const index = first + position
    return { index, after: cuts[index - 1], until: cuts[index] }
  })
  return { expectedShards: first, shards, listedKeys: keysOf(division, end) - keysOf(division, first) }
}

/** The number of keys that count for the first shards of a plan. */
function keysOf({ cuts, listedKeys }: Division, shards: number): number {
  return Math.round(listedKeys * (shards / (cuts.length + 1)))
}

/** Shards of two plans would leave gaps in the report, or overlap. */
function checkSamePlan(
  runId: string,
  division: Division,
  { shards, cursor, listedKeys }: PlanProgress,
): void {
  if (shards === 0) return
  if (cursor === division.cuts[shards - 1] && listedKeys === keysOf(division, shards)) return
  throw new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    `The plan of the run ${runId} was begun in another way: by another inventory, with other options, or without one. Start another run.`,
  )
}
