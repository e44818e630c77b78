import { createHash } from 'node:crypto'
import { type ContentKey, CseError, orAborted, wipe } from '@oss-cse/crypto-core'
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
  /** How many objects' keys are kept at most; the one that was not used for longest goes first. 1 to 100,000. */
  readonly maxEntries: number
  /** How many milliseconds after its unwrap a key is forgotten, however often it is used. 1 to 86,400,000 (a day). */
  readonly ttlMs: number
}

const MAX_ENTRIES = 100_000
const MAX_TTL_MS = 24 * 60 * 60 * 1000

/** An unwrap that is under way, for all who wait for it. */
interface PendingUnwrap {
  readonly key: Promise<ContentKey>
  readonly abort: AbortController
  waiting: number
}

/** Unwrapped content keys, for a while. A key that leaves is overwritten. */
export class UnwrapCache {
  readonly #keys: LRUCache<string, ContentKey>
  /** Replaced when the cache is cleared: what was under way by then is not kept. */
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
      // A timer for each entry, so that a key does not lie there until somebody asks for it.
      ttlAutopurge: true,
      // Of the moment: it would keep to the one that there was when it was loaded.
      perf: performance,
      dispose: ({ cek, iv }) => wipe(cek, iv),
    })
  }

  /**
   * A copy of the key of this name, for the caller to wipe: the kept one, or what `unwrap` gives, which is called once
   * for all who ask meanwhile, and whose signal aborts when none of them waits any more.
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

  /** Forgets every key, also those that are being unwrapped. */
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
