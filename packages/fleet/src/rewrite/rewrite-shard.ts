import {
  type CallOptions,
  CseError,
  callWithRetries,
  checkedRetryOptions,
  type Keyring,
  type RetryOptions,
} from '@oss-cse/crypto-core'
import { checkedCount } from '../checked-count.ts'
import type { ContentDestination } from '../content/new-content.ts'
import { ByteGate } from '../objects/byte-gate.ts'
import { inKeyOrder } from '../objects/in-key-order.ts'
import { readSource } from '../objects/source-object.ts'
import { shardObjects } from '../ordered-listing.ts'
import { IntentLog } from '../placement/intent-log.ts'
import { type IntentStore, MemoryIntentStore } from '../placement/intent-store.ts'
import type { ReportRow } from '../report/report-row.ts'
import { type Shard, shardName } from '../shard.ts'
import { type FleetTransport, openPlacement, type PlacementChoice, withSettings } from './open-placement.ts'
import { type RewriteContext, type Rewriting, rewriteObject } from './rewrite-object.ts'

/** Options of giving objects new content. */
export interface RewriteObjectOptions extends CallOptions {
  /** Reads and writes the bucket of the objects. Its requests are as many and as fast as it allows: see `throttledTransport`. */
  readonly transport: FleetTransport
  /** Its encrypting key is the one that all objects are to be under. Its other keys read what there is. */
  readonly keyring: Keyring
  readonly placement: PlacementChoice
  /** The context of sealed objects by their key: see `CryptoBucketOptions.context`. */
  readonly context?: ((key: string) => string) | undefined
  /**
   * Records when the source was last modified, as `x-oss-meta-oss-cse-original-last-modified` in ISO 8601: the service sets
   * `Last-Modified` itself. Default false.
   */
  readonly keepLastModified?: boolean | undefined
  /** Judges the objects, and writes nothing. Default false. */
  readonly dryRun?: boolean | undefined
  /** The attempts on one object. After a race with another writer they count from 0 again. Default: 5 attempts. */
  readonly retry?: RetryOptions | undefined
}

/** Options of giving the objects of a shard new content. */
export interface RewriteShardOptions extends RewriteObjectOptions {
  /** The prefix of the run. Default: all keys. */
  readonly prefix?: string | undefined
  /** Where the run keeps what it is about to write. A shard that is done again reads it: use one that outlives the worker. */
  readonly intents: IntentStore
  /** The number of objects that are worked on at the same time. Default 8. */
  readonly parallel?: number | undefined
  /** The length in bytes of all objects together that are worked on at the same time. A larger one is alone. Default 64 MiB. */
  readonly parallelBytes?: number | undefined
  /** The most objects of the shard that are written. The others have a row as in a dry run. Default: all. */
  readonly limit?: number | undefined
}

/** Makes what a command does of its options, after it checked them. */
export type RewritingOf<Options extends RewriteObjectOptions> = (
  options: Options,
  destination: ContentDestination,
) => Rewriting

/** See `rotateShard` and `migrateShard`. */
export async function* rewriteShard<Options extends RewriteShardOptions>(
  shard: Shard,
  rewritingOf: RewritingOf<Options>,
  options: Options,
): AsyncGenerator<ReportRow, void, undefined> {
  const { transport, prefix, intents, parallel = 8, parallelBytes = 64 * 1024 ** 2, signal } = options
  checkedCount('parallel', parallel)
  if (options.limit !== undefined) checkedCount('limit', options.limit)
  const gate = new ByteGate(checkedCount('parallelBytes', parallelBytes))
  const log = await openLog(intents, shardName(shard), options)
  const context = await openContext(rewritingOf, options, log)
  const { placement } = options
  const objects = shardObjects(shard, {
    catalog: transport,
    prefix,
    temporaryPrefix: placement.mode === 'unversioned' ? placement.temporaryPrefix : undefined,
    retry: context.retry,
    signal,
  })
  const unsettled = new Set<string | undefined>()
  const unsure = new Set<string | undefined>()
  const rows = inKeyOrder(objects, { parallel, signal }, async (object, signal) => {
    const leave = await gate.enter(object.sizeBytes, signal)
    try {
      return await rewriteObject(context, object, signal)
    } finally {
      leave()
    }
  })
  for await (const row of rows) {
    if (row.unsettled === true) unsettled.add(row.key)
    else if (row.key !== undefined && log.of(row.key).length > 0) unsure.add(row.key)
    yield row
  }
  await settleOthers(context, log, { unsettled, unsure, index: shard.index, signal })
  await log.close({ signal })
}

/**
 * Settles the writes that the rows do not show: at keys that were deleted since, and so are not listed; by other workers while this one
 * was at the shard; and by writes that failed, but that the service completed later.
 *
 * @throws CseError `ERR_CSE_SOURCE_CHANGED` when that was not in order. The rows of these keys may be wrong then, so that the shard
 * must be done again
 */
async function settleOthers(
  { placement, rewriting, retry }: RewriteContext,
  log: IntentLog,
  { unsettled, unsure, index, signal }: LastLookOptions,
): Promise<void> {
  const left = log.openKeys
  const others = await log.readOthers({ signal })
  let removed = false
  for (const key of new Set([...left, ...others])) {
    if (unsettled.has(key)) continue
    const settled = await callWithRetries(() => placement.settle(key, rewriting), { retry, signal })
    removed ||= settled.removed && (others.has(key) || unsure.has(key))
    log.settled(key)
  }
  if (!removed) return
  throw new CseError(
    'ERR_CSE_SOURCE_CHANGED',
    `Objects of shard ${index} were written at the same time, by another worker or by a request that had failed. What that hid is shown again. Do the shard again.`,
  )
}

interface LastLookOptions extends CallOptions {
  /** Keys whose rows say that they are not in order. */
  readonly unsettled: ReadonlySet<string | undefined>
  /** Keys with writes that failed, and that were not found when their row was made. */
  readonly unsure: ReadonlySet<string | undefined>
  readonly index: number
}

/** See `rotateObject` and `migrateObject`. */
export async function rewriteSingleObject<Options extends RewriteObjectOptions>(
  key: string,
  rewritingOf: RewritingOf<Options>,
  options: Options,
): Promise<ReportRow> {
  const { transport, signal } = options
  const log = await openLog(new MemoryIntentStore(), key, options)
  const context = await openContext(rewritingOf, options, log)
  const { sizeBytes, etag, lastModified } = await callWithRetries(
    () => readSource(transport, key, { signal }),
    {
      retry: context.retry,
      signal,
    },
  )
  return rewriteObject(context, { key, sizeBytes, etag, lastModified }, signal)
}

/** A dry run neither repairs nor records anything. */
function openLog(
  store: IntentStore,
  name: string,
  { dryRun, signal }: RewriteObjectOptions,
): Promise<IntentLog> {
  return IntentLog.open(dryRun === true ? new MemoryIntentStore() : store, name, { signal })
}

async function openContext<Options extends RewriteObjectOptions & { readonly limit?: number | undefined }>(
  rewritingOf: RewritingOf<Options>,
  options: Options,
  log: IntentLog,
): Promise<RewriteContext> {
  const { keepLastModified = false, dryRun = false, limit = Number.POSITIVE_INFINITY, signal } = options
  const transport = withSettings(options.transport)
  const retry = checkedRetryOptions({ maxAttempts: 5, ...options.retry })
  const placement = await callWithRetries(
    () => openPlacement(options.placement, transport, log, { signal }),
    {
      retry,
      signal,
    },
  )
  let left = dryRun ? 0 : limit
  const mayWrite = (): boolean => {
    left -= 1
    return left >= 0
  }
  const rewriting = rewritingOf(options, placement.destination)
  return { transport, rewriting, placement, keepLastModified, mayWrite, retry }
}
