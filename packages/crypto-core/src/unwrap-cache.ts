import { digestEngine } from '@oss-cse/crypto-core/digest-engine'
import { backgroundTimer } from './background-timer.ts'
import { encodeBase64, wipe } from './bytes.ts'
import { CseError } from './errors.ts'
import { orAborted } from './or-aborted.ts'
import type { ContentKey } from './ports.ts'

/**
 * Options of a provider's cache of unwrapped content keys.
 *
 * The keys of up to `maxEntries` objects are in memory, each for up to `ttlMs`. Revocation lags by as much: a cached key
 * stays valid after its master key is disabled. The cache helps only if the same object is read again.
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

/** A key in the cache. */
interface CachedKey {
  readonly key: ContentKey
  readonly expiresAtMs: number
  readonly stopTimer: () => void
}

/** An unwrap in progress, shared by all callers that wait for it. */
interface PendingUnwrap {
  readonly key: Promise<ContentKey>
  readonly abort: AbortController
  waiting: number
}

/**
 * A cache of unwrapped content keys. It overwrites each key that it removes. A failure is never cached.
 *
 * @example
 * ```ts
 * const cache = new UnwrapCache({ maxEntries: 1000, ttlMs: 60_000 })
 * const key = await cache.get([wrappedCek, wrappedIv], (signal) => service.unwrap(envelope, signal), signal)
 * ```
 */
export class UnwrapCache {
  readonly #maxEntries: number
  readonly #ttlMs: number
  /** The least recently used key comes first. */
  readonly #keys = new Map<string, CachedKey>()
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
    this.#maxEntries = maxEntries
    this.#ttlMs = ttlMs
  }

  /**
   * Returns a copy of a key, which nobody else uses. If the key is not cached, `unwrap` is called once for all concurrent
   * callers. Its signal aborts when no caller waits any more.
   *
   * @param parts - everything that the result of the unwrap depends on. The cache keeps only a digest of it
   * @param unwrap - returns a key that nobody else uses: it is wiped when each caller has its copy
   */
  async get(
    parts: readonly string[],
    unwrap: (signal: AbortSignal) => Promise<ContentKey>,
    signal: AbortSignal | undefined,
  ): Promise<ContentKey> {
    const name = digestOf(parts)
    const cached = this.#used(name)
    if (cached !== undefined) return copyOf(cached)
    const all = this.#pending
    const pending = all.get(name) ?? this.#begin(name, unwrap)
    pending.waiting += 1
    try {
      return copyOf(await orAborted(pending.key, signal))
    } finally {
      pending.waiting -= 1
      if (pending.waiting === 0) {
        if (all.get(name) === pending) all.delete(name)
        giveUp(pending)
      }
    }
  }

  /** Removes each key, including the keys of unwraps in progress. */
  clear(): void {
    this.#pending = new Map()
    for (const name of [...this.#keys.keys()]) this.#remove(name)
  }

  #begin(name: string, unwrap: (signal: AbortSignal) => Promise<ContentKey>): PendingUnwrap {
    const abort = new AbortController()
    const all = this.#pending
    const keep = async (): Promise<ContentKey> => {
      const key = await unwrap(abort.signal)
      if (this.#pending === all && !abort.signal.aborted) this.#add(name, copyOf(key))
      return key
    }
    const pending = { key: keep(), abort, waiting: 0 }
    all.set(name, pending)
    return pending
  }

  #add(name: string, key: ContentKey): void {
    this.#remove(name)
    const [oldest] = this.#keys.keys()
    if (oldest !== undefined && this.#keys.size >= this.#maxEntries) this.#remove(oldest)
    // A timer for each key: an expired key does not stay in memory until the next read.
    const stopTimer = backgroundTimer(() => this.#remove(name), this.#ttlMs)
    this.#keys.set(name, { key, expiresAtMs: performance.now() + this.#ttlMs, stopTimer })
  }

  /** Returns the cached key and makes it the most recently used one. */
  #used(name: string): ContentKey | undefined {
    const cached = this.#keys.get(name)
    if (cached === undefined) return undefined
    // On a busy thread the timer fires late.
    if (performance.now() >= cached.expiresAtMs) {
      this.#remove(name)
      return undefined
    }
    this.#keys.delete(name)
    this.#keys.set(name, cached)
    return cached.key
  }

  #remove(name: string): void {
    const cached = this.#keys.get(name)
    if (cached === undefined) return
    this.#keys.delete(name)
    cached.stopTimer()
    wipe(cached.key.cek, cached.key.iv)
  }
}

/** Ends an unwrap that nobody waits for any more. Its key, if it has one or will have one, is overwritten. */
function giveUp({ key, abort }: PendingUnwrap): void {
  abort.abort()
  key.then(
    ({ cek, iv }) => wipe(cek, iv),
    () => {},
  )
}

/** A name of fixed length, which reveals nothing of the parts: one of them may be a passphrase. */
function digestOf(parts: readonly string[]): string {
  return encodeBase64(digestEngine.sha256(new TextEncoder().encode(JSON.stringify(parts))))
}

function copyOf({ cek, iv }: ContentKey): ContentKey {
  return { cek: Uint8Array.from(cek), iv: Uint8Array.from(iv) }
}

function isWithin(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= max
}
