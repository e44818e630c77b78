import { createHash } from 'node:crypto'
import { type ContentKey, CseError, orAborted, wipe } from '@oss-cse/crypto-core'
import { LRUCache } from 'lru-cache'

/**
 * Options of the cache of unwrapped content keys.
 *
 * A cached key stays valid for up to `ttlMs` after its master key is disabled, or after a permission is revoked. The keys
 * of up to `maxEntries` objects are in memory during that time. The cache helps only if the same object is read again.
 *
 * @example
 * ```ts
 * const unwrapCache: UnwrapCacheOptions = { maxEntries: 1000, ttlMs: 60_000 }
 * ```
 */
export interface UnwrapCacheOptions {
  /** The maximum number of objects with a cached key: 1 to 100,000. The least recently used key is removed first. */
  readonly maxEntries: number
  /** The lifetime of a key after its unwrap in milliseconds: 1 to 86,400,000 (a day). Reads do not extend it. */
  readonly ttlMs: number
}

const MAX_ENTRIES = 100_000
const MAX_TTL_MS = 24 * 60 * 60 * 1000

/** An unwrap in progress, shared by all callers that wait for it. */
interface PendingUnwrap {
  readonly key: Promise<ContentKey>
  readonly abort: AbortController
  waiting: number
}

/** A cache of unwrapped content keys. It overwrites each key that it removes. */
export class UnwrapCache {
  readonly #keys: LRUCache<string, ContentKey>
  /** Replaced when the cache is cleared: the result of an unwrap in progress is then not cached. */
  #pending = new Map<string, PendingUnwrap>()

  /** @throws CseError `ERR_CSE_INVALID_ARGUMENT` */
  constructor({ maxEntries, ttlMs }: UnwrapCacheOptions) {
    if (!isWithin(maxEntries, MAX_ENTRIES) || !isWithin(ttlMs, MAX_TTL_MS)) {
      throw new CseError(
        'ERR_CSE_INVALID_ARGUMENT',
        `\`unwrapCache\` needs { maxEntries, ttlMs }: integers from 1 to ${MAX_ENTRIES}, and from 1 to ${MAX_TTL_MS} (a day).`,
      )
    }
    this.#keys = new LRUCache({
      max: maxEntries,
      ttl: ttlMs,
      // A timer for each entry: an expired key does not stay in memory until the next access.
      ttlAutopurge: true,
      // The current global: by default, lru-cache keeps the one from when it was loaded.
      perf: performance,
      dispose: ({ cek, iv }) => wipe(cek, iv),
    })
  }

  /**
   * Returns a copy of the key of this name, which the caller wipes. If the key is not cached, `unwrap` is called once for
   * all concurrent callers. Its signal aborts when no caller waits any more.
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

  /** Removes each key, including the keys of unwraps in progress. */
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
