import type { CryptoBucket } from '@oss-cse/bucket'
import { CseError, type ObjectSummary } from '@oss-cse/crypto-core'
import { checkedCount } from '../checked-count.ts'
import { type ListingOptions, shardObjects } from '../ordered-listing.ts'
import type { ReportRow } from '../report/report-row.ts'
import type { Shard } from '../shard.ts'
import { ByteGate } from './byte-gate.ts'
import { attributesOf, describeEnvelope } from './classify.ts'
import { failureRow } from './failure-row.ts'
import { inKeyOrder } from './in-key-order.ts'
import { listedRow, storedBytes } from './listed-row.ts'

/** Options of a verification. */
export interface VerifyShardOptions extends ListingOptions {
  /** Reads the objects, with its own keys, policies and retries. Its transport decides how fast: see `throttledTransport`. */
  readonly bucket: Pick<CryptoBucket, 'verify'>
  /** The number of objects that are read at the same time. Default 8. */
  readonly parallel?: number | undefined
  /**
   * The length in bytes of all objects together that are read at the same time, so that a few large ones are not slowed down
   * by each other. A larger object is read alone. Default 64 MiB.
   */
  readonly parallelBytes?: number | undefined
}

/** An object that is replaced each time while it is read is not read more often than that. */
const MAX_READS = 3

/**
 * Reads each object of a shard to its end and verifies it as `CryptoBucket.verify` does: every byte of a sealed object, of any
 * other one the service's CRC-64 and the length. Streams, with constant memory. An object that is replaced while it is read
 * is read again.
 *
 * @returns one row for each listed key, in byte order: `verified`, `altered`, `damaged`, `plain` (not read, unless the bucket
 * passes plain objects through), `needs-restore`, `gone` or `failed`
 * @throws CseError as `auditShard`
 *
 * @example
 * ```ts
 * const limited = throttledTransport(transport, throttle)
 * const bucket = new CryptoBucket({ transport: limited, keyring })
 * const rows = verifyShard(taken.shard, { catalog: limited, bucket, prefix, signal: taken.leaseLost })
 * ```
 */
export async function* verifyShard(
  shard: Shard,
  { bucket, parallel = 8, parallelBytes = 64 * 1024 ** 2, ...listing }: VerifyShardOptions,
): AsyncGenerator<ReportRow, void, undefined> {
  checkedCount('parallel', parallel)
  const gate = new ByteGate(checkedCount('parallelBytes', parallelBytes))
  const { signal } = listing
  yield* inKeyOrder(shardObjects(shard, listing), { parallel, signal }, async (object, signal) => {
    const leave = await gate.enter(object.sizeBytes, signal)
    try {
      return await verifyObject(bucket, object, signal)
    } finally {
      leave()
    }
  })
}

async function verifyObject(
  bucket: Pick<CryptoBucket, 'verify'>,
  object: ObjectSummary,
  signal: AbortSignal,
  reads = 1,
): Promise<ReportRow> {
  let readBytes = 0
  const onProgress = ({ transferredBytes }: { readonly transferredBytes: number }): void => {
    readBytes = transferredBytes
  }
  try {
    const verified = await bucket.verify(object.key, { signal, onProgress })
    const { envelope, headers, sizeBytes, verification, versionId } = verified
    return {
      ...listedRow(object),
      sizeBytes: storedBytes(object, headers),
      ...(versionId !== undefined && { versionId }),
      ...(envelope && describeEnvelope(envelope)),
      ...attributesOf(headers),
      outcome: envelope === undefined ? 'plain' : 'verified',
      verification,
      readBytes: sizeBytes,
    }
  } catch (error) {
    signal.throwIfAborted()
    if (reads < MAX_READS && wasReplaced(error)) return verifyObject(bucket, object, signal, reads + 1)
    return { ...failureRow(object, error), readBytes }
  }
}

function wasReplaced(error: unknown): boolean {
  return CseError.isInstance(error) && error.code === 'ERR_CSE_PRECONDITION_FAILED'
}
