import { createHash } from 'node:crypto'
import { type ContentKey, CseError, orAborted, wipe } from '@oss-cse/crypto-core'
import { LRUCache } from 'lru-cache'

/**
 * The size and the lifetime of the cache of unwrapped content keys.
 *
 * For up to `ttlMs`, the cache still opens objects that were opened before, even if KMS has disabled the key or a
 * permission was revoked. The keys of these objects are in memory meanwhile. Only repeated reads of the same object
 * benefit.
 *
 * @example
 * ```ts
 * const unwrapCache: UnwrapCacheOptions = { maxEntries: 1000, ttlMs: 60_000 }
 * ```
 */
export interface UnwrapCacheOptions {
  /**
   * The maximum number of objects whose keys are cached. The least recently used one is removed first. 1 to 100,000.
   */
  readonly maxEntries: number
  /** The lifetime of a key after its unwrap in milliseconds, however often it is used. 1 to 86,400,000 (a day). */
  readonly ttlMs: number
}

const MAX_ENTRIES = 100_000
const MAX_TTL_MS = 24 * 60 * 60 * 1000

/** A running unwrap, shared by all callers that wait for it. */
interface PendingUnwrap {
  readonly key: Promise<ContentKey>
  readonly abort: AbortController
  waiting: number
}

/** A cache of unwrapped content keys. A key that is removed is overwritten. */
export class UnwrapCache {
  readonly #keys: LRUCache<string, ContentKey>
  /** Replaced when the cache is cleared, so that unwraps that run at that time are not cached. */
  #pending = new Map<string, PendingUnwrap>()

  /** @throws CseError `ERR_CSE_INVALID_ARGUMENT` */
  constructor({ maxEntries, ttlMs }: UnwrapCacheOptions) {
    if (!isWithin(maxEntries, MAX_ENTRIES) || !isWithin(ttlMs, MAX_TTL_MS)) {
      throw new CseError(
        'ERR_CSE_INVALID_ARGUMENT',
        `\`unwrapCache\` needs { maxEntries, ttlMs }: whole numbers from 1 to ${MAX_ENTRIES}, and to ${MAX_TTL_MS} (a day).`,
      )
    }
    this.#keys = new LRUCache({
      max: maxEntries,
      ttl: ttlMs,
      // A timer for each entry, so that an expired key does not stay until the next access.
      ttlAutopurge: true,
      // The current object: the default is the one at load time.
      perf: performance,
      dispose: ({ cek, iv }) => wipe(cek, iv),
    })
  }

  /**
   * Returns a copy of the key of this name, for the caller to wipe: the cached key, or the result of `unwrap`.
   * Concurrent callers share one `unwrap`. Its signal aborts when none of them waits any more.
   */
  async get(
    name: string,
    unwrap: (signal: AbortSignal) => Promise<ContentKey>,
    signal: AbortSignal | undefined,
  ): Promise<ContentKey> {
    const kept = this.#keys.get(name)
    if (kept !== undefined) return copyOf(kept)
    const pending = this.#pending.get(name) ?? this.#begin(name, unwrap)
    pending.waiting += 1
    try {
      return copyOf(await orAborted(pending.key, signal))
    } finally {
      pending.waiting -= 1
      if (pending.waiting === 0) {
        if (this.#pending.get(name) === pending) this.#pending.delete(name)
        pending.abort.abort()
      }
    }
  }

  /** Removes every key, also those that are being unwrapped. */
  clear(): void {
    this.#pending = new Map()
    this.#keys.clear()
  }

  #begin(name: string, unwrap: (signal: AbortSignal) => Promise<ContentKey>): PendingUnwrap {
    const abort = new AbortController()
    const all = this.#pending
    const keep = async (): Promise<ContentKey> => {
      const key = await unwrap(abort.signal)
      if (this.#pending === all && !abort.signal.aborted) this.#keys.set(name, copyOf(key))
      return key
    }
    const pending = { key: keep(), abort, waiting: 0 }
    all.set(name, pending)
    return pending
  }
}

/** The name of a key in the cache: a digest of everything that the unwrap depends on, including a passphrase. */
export function cacheName(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64')
}

function copyOf({ cek, iv }: ContentKey): ContentKey {
  return { cek: Uint8Array.from(cek), iv: Uint8Array.from(iv) }
}

function isWithin(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= max
}
