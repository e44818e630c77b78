import { objectPages } from '@oss-cse/bucket/internal'
import {
  type CallOptions,
  CseError,
  callWithRetries,
  checkedRetryOptions,
  type ObjectCatalog,
  type ObjectSummary,
  type RetryOptions,
  TransportError,
} from '@oss-cse/crypto-core'
import { compareCodePoints, MAX_PAGE_ENTRIES } from '@oss-cse/crypto-core/internal'
import type { Shard } from './shard.ts'

/** The objects of a bucket that a run is about, and how they are listed. */
export interface ListingOptions extends CallOptions {
  readonly catalog: Pick<ObjectCatalog, 'list'>
  /** Only keys with this prefix. Default: all keys. */
  readonly prefix?: string | undefined
  /**
   * Keys with this prefix are left out. For a run with the placement `unversioned`: give the prefix of its temporary objects.
   * Default: none are left out.
   */
  readonly temporaryPrefix?: string | undefined
  /** The number of keys of a request, from 1 to 1,000. Default 1,000. */
  readonly maxKeys?: number | undefined
  /** How a request is retried. */
  readonly retry?: RetryOptions | undefined
}

/**
 * Lists the objects of a shard that exist now, in byte order.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for invalid options; `ERR_CSE_SERVICE` for keys that do not ascend; errors
 * of the catalog
 */
export async function* shardObjects(
  { after, until }: Shard,
  options: ListingOptions,
): AsyncGenerator<ObjectSummary, void, undefined> {
  for await (const { objects } of orderedPages(after, options)) {
    for (const object of objects) {
      const order = until === undefined ? -1 : compareCodePoints(object.key, until)
      if (order <= 0) yield object
      // The next page has nothing of this shard.
      if (order >= 0) return
    }
  }
}

/** A page of objects in byte order. */
export interface OrderedPage {
  readonly objects: readonly ObjectSummary[]
  readonly isLast: boolean
}

/**
 * Lists pages of objects after a key, and checks that the keys ascend.
 *
 * @throws CseError as `shardObjects`
 */
export async function* orderedPages(
  after: string | undefined,
  { catalog, prefix = '', temporaryPrefix, maxKeys = MAX_PAGE_ENTRIES, retry, signal }: ListingOptions,
): AsyncGenerator<OrderedPage, void, undefined> {
  if (!Number.isInteger(maxKeys) || maxKeys < 1 || maxKeys > MAX_PAGE_ENTRIES) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      `maxKeys must be a whole number from 1 to ${MAX_PAGE_ENTRIES}.`,
    )
  }
  const policy = checkedRetryOptions(retry)
  const pages = objectPages(
    (continuationToken) =>
      callWithRetries(
        () =>
          catalog.list({
            prefix,
            maxKeys,
            signal,
            ...(continuationToken === undefined ? { startAfter: after } : { continuationToken }),
          }),
        { retry: policy, signal },
      ),
    { maxKeys, after },
  )
  for await (const { objects, nextContinuationToken } of pages) {
    checkOrder(objects, prefix)
    yield {
      objects:
        temporaryPrefix === undefined
          ? objects
          : objects.filter(({ key }) => !key.startsWith(temporaryPrefix)),
      isLast: nextContinuationToken === undefined,
    }
  }
}

function checkOrder(objects: readonly ObjectSummary[], prefix: string): void {
  for (const [position, { key }] of objects.entries()) {
    const previous = objects[position - 1]?.key
    if (!key.startsWith(prefix)) throw unusable(`it lists ${key}, which does not start with ${prefix}`, key)
    if (previous !== undefined && compareCodePoints(previous, key) >= 0) {
      throw unusable(`it lists ${key} after ${previous}, which is not the order of their bytes`, key)
    }
  }
}

function unusable(why: string, objectKey: string): TransportError {
  return new TransportError(
    'ERR_CSE_SERVICE',
    `A run cannot divide this bucket into ranges of keys: ${why}. It would miss objects. Buckets with a hierarchical namespace may list like this.`,
    { retryable: false, objectKey },
  )
}
