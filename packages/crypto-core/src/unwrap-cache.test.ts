import type { ContentKey } from '@oss-cse/crypto-core'
import { afterEach, expect, test, vi } from 'vitest'
import { cacheName, UnwrapCache } from './unwrap-cache.ts'

const key = (fill: number): ContentKey => ({
  cek: new Uint8Array(32).fill(fill),
  iv: new Uint8Array(16).fill(fill),
})

/** Adds a key to the cache, as an unwrap does. */
function put(cache: UnwrapCache, name: string, fill: number): Promise<ContentKey> {
  return cache.get(name, async () => key(fill), undefined)
}

/** The cached key of a name, if any. */
async function kept(cache: UnwrapCache, name: string): Promise<ContentKey | undefined> {
  return cache.get(name, () => Promise.reject(new Error('not kept')), undefined).catch(() => undefined)
}

/** The previous content of each array that is filled with zeros from now on. */
function watchWiping(): Uint8Array[] {
  const wiped: Uint8Array[] = []
  const fill = Uint8Array.prototype.fill
  vi.spyOn(Uint8Array.prototype, 'fill').mockImplementation(function (this: Uint8Array, ...args) {
    if (args[0] === 0) wiped.push(Uint8Array.from(this))
    return fill.apply(this, args)
  })
  return wiped
}

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

test('an evicted key is overwritten', async () => {
  const cache = new UnwrapCache({ maxEntries: 1, ttlMs: 1000 })
  await put(cache, 'a', 1)
  const wiped = watchWiping()
  await put(cache, 'b', 2)
  expect(wiped).toEqual([key(1).cek, key(1).iv])
})

test('an expired key is overwritten at once, not at the next access', async () => {
  vi.useFakeTimers()
  // lru-cache treats a time of zero as no time.
  vi.advanceTimersByTime(1)
  const cache = new UnwrapCache({ maxEntries: 5, ttlMs: 1000 })
  await put(cache, 'a', 1)
  const wiped = watchWiping()
  vi.advanceTimersByTime(1000)
  expect(wiped).toEqual([])
  vi.advanceTimersByTime(2)
  expect(wiped).toEqual([key(1).cek, key(1).iv])
  expect(await kept(cache, 'a')).toBeUndefined()
})

test('clear() overwrites each key', async () => {
  const cache = new UnwrapCache({ maxEntries: 5, ttlMs: 1000 })
  await put(cache, 'a', 1)
  const wiped = watchWiping()
  cache.clear()
  expect(wiped).toEqual([key(1).cek, key(1).iv])
  expect(await kept(cache, 'a')).toBeUndefined()
})

test('each caller receives a copy, even concurrent callers', async () => {
  const cache = new UnwrapCache({ maxEntries: 5, ttlMs: 1000 })
  const [first, second] = await Promise.all([put(cache, 'a', 1), put(cache, 'a', 1)])
  first.cek.fill(0)
  expect(second).toEqual(key(1))
  expect(await kept(cache, 'a')).toEqual(key(1))
})

test('concurrent callers share one unwrap and its failure, which is not cached', async () => {
  const cache = new UnwrapCache({ maxEntries: 5, ttlMs: 1000 })
  const unwrap = vi.fn(async () => key(1))
  await Promise.all(Array.from({ length: 20 }, () => cache.get('a', unwrap, undefined)))
  expect(unwrap).toHaveBeenCalledTimes(1)
  const failing = vi.fn(() => Promise.reject(new Error('no')))
  const failed = await Promise.allSettled([
    cache.get('b', failing, undefined),
    cache.get('b', failing, undefined),
  ])
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(failing).toHaveBeenCalledTimes(1)
  expect(await put(cache, 'b', 2)).toEqual(key(2))
})

test('an abort ends the wait of its caller, and the unwrap is aborted if no caller waits any more', async () => {
  const cache = new UnwrapCache({ maxEntries: 5, ttlMs: 1000 })
  const signals: AbortSignal[] = []
  const unwrap = (signal: AbortSignal): Promise<never> => {
    signals.push(signal)
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  }
  const [one, two] = [new AbortController(), new AbortController()]
  const waiting = [cache.get('a', unwrap, one.signal), cache.get('a', unwrap, two.signal)]
  one.abort('one')
  await expect(waiting[0]).rejects.toBe('one')
  expect(signals.map(({ aborted }) => aborted)).toEqual([false])
  two.abort('two')
  await expect(waiting[1]).rejects.toBe('two')
  expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  expect(await put(cache, 'a', 1)).toEqual(key(1))
})

test('an unwrap in progress is not cached if the cache is cleared', async () => {
  const cache = new UnwrapCache({ maxEntries: 5, ttlMs: 1000 })
  let finish = (_key: ContentKey): void => {}
  const waiting = cache.get('a', () => new Promise((resolve) => (finish = resolve)), undefined)
  cache.clear()
  finish(key(1))
  expect(await waiting).toEqual(key(1))
  expect(await kept(cache, 'a')).toBeUndefined()
})

test('a name reveals nothing of its parts, and different parts have different names', () => {
  expect(cacheName(['passphrase'])).not.toContain('passphrase')
  expect(cacheName(['a', 'b'])).not.toBe(cacheName(['a,b']))
  expect(cacheName(['a', 'b'])).not.toBe(cacheName(['ab', '']))
  expect(cacheName(['a', 'b'])).toBe(cacheName(['a', 'b']))
})
