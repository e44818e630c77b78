import {
  callWithRetries,
  checkedRetryOptions,
  type HeaderMap,
  type ObjectSummary,
  type ObjectTransport,
  OSS_HEADERS,
} from '@oss-cse/crypto-core'
import { checkedCount } from '../checked-count.ts'
import { type ListingOptions, shardObjects } from '../ordered-listing.ts'
import type { ReportRow } from '../report/report-row.ts'
import type { Shard } from '../shard.ts'
import { classify } from './classify.ts'
import { failureRow } from './failure-row.ts'
import { inKeyOrder } from './in-key-order.ts'
import { listedRow, storedBytes } from './listed-row.ts'

/** Options of an audit. The requests are as many and as fast as the transport allows: see `throttledTransport`. */
export interface AuditShardOptions extends ListingOptions {
  readonly transport: Pick<ObjectTransport, 'head'>
  /** The number of HEADs that are sent at the same time. Default 16. */
  readonly parallel?: number | undefined
}

/**
 * Tells of each object of a shard how it is encrypted and under which key: lists the shard, sends a HEAD for each key, and
 * reads no content. Needs no key. Uses constant memory.
 *
 * @returns one row for each listed key, in byte order: `encrypted`, `plain`, `link`, `damaged`, `altered` (by its length),
 * `gone` (deleted since it was listed) or `failed`
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` before any request; `ERR_CSE_SERVICE` for an invalid listing; what the listing
 * throws; `ERR_CSE_NOT_FOUND` when the bucket does not exist; the signal's reason. Another failure of one object is its row
 *
 * @example
 * ```ts
 * const limited = throttledTransport(transport, new TokenBucketThrottle({ requestsPerSecond: 500 }))
 * const rows = auditShard(taken.shard, { catalog: limited, transport: limited, prefix, signal: taken.leaseLost })
 * await taken.complete(await writePart(store, taken.shard, rows))
 * ```
 */
export async function* auditShard(
  shard: Shard,
  { transport, parallel = 16, ...listing }: AuditShardOptions,
): AsyncGenerator<ReportRow, void, undefined> {
  checkedCount('parallel', parallel)
  const { signal } = listing
  const retry = checkedRetryOptions(listing.retry)
  yield* inKeyOrder(shardObjects(shard, listing), { parallel, signal }, async (object, signal) => {
    const request = { key: object.key, headers: {}, signal }
    try {
      const { headers } = await callWithRetries(() => transport.head(request), { retry, signal })
      return auditedRow(object, headers)
    } catch (error) {
      signal.throwIfAborted()
      return failureRow(object, error)
    }
  })
}

function auditedRow(object: ObjectSummary, headers: HeaderMap): ReportRow {
  const sizeBytes = storedBytes(object, headers)
  const versionId = headers[OSS_HEADERS.versionId]
  return {
    ...listedRow(object),
    sizeBytes,
    ...(versionId !== undefined && { versionId }),
    ...classify(headers, sizeBytes),
  }
}
