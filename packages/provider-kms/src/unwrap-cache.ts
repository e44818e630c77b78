import { createHash } from 'node:crypto'
import { type ContentKey, CseError, wipe } from '@oss-cse/crypto-core'
import { LRUCache } from 'lru-cache'

/**
 * How many unwrapped content keys are kept, and for how long.
 *
 * A key that KMS has disabled, or a permission that was taken away, still opens for up to `ttlMs` what was opened
 * before; and the keys of that many objects lie in memory meanwhile. Only reading again the same object profits.
 *
 * @example
 * ```ts
 * const unwrapCache: UnwrapCacheOptions = { maxEntries: 1000, ttlMs: 60_000 }
 * ```
 */
export interface UnwrapCacheOptions {
  /** How many objects' keys are kept at most; the one that was not used for longest goes first. 1 to 1,000,000. */
  readonly maxEntries: number
  /** How many milliseconds after its unwrap a key is forgotten, however often it is used. 1 to 86,400,000 (a day). */
  readonly ttlMs: number
}

const MAX_ENTRIES = 1_000_000
const MAX_TTL_MS = 24 * 60 * 60 * 1000

/** Unwrapped content keys, for a while. A key that leaves is overwritten. */
export class UnwrapCache {
  readonly #keys: LRUCache<string, ContentKey>

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
      // A timer for each entry, so that a key does not lie there until somebody asks for it.
      ttlAutopurge: true,
      // Of the moment: it would keep to the one that there was when it was loaded.
      perf: performance,
      dispose: ({ cek, iv }) => wipe(cek, iv),
    })
  }

  /** A copy of a key that is kept under this name, for the caller to wipe. */
  get(name: string): ContentKey | undefined {
    const kept = this.#keys.get(name)
    return kept && copyOf(kept)
  }

  /** Keeps a copy of a key. */
  set(name: string, contentKey: ContentKey): void {
    this.#keys.set(name, copyOf(contentKey))
  }

  /** Forgets every key. */
  clear(): void {
    this.#keys.clear()
  }
}

/** The name of a key in the cache: a digest of everything that the unwrap depends on, a passphrase among it. */
export function cacheName(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64')
}

function copyOf({ cek, iv }: ContentKey): ContentKey {
  return { cek: Uint8Array.from(cek), iv: Uint8Array.from(iv) }
}

function isWithin(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= max
}
