import { afterEach, describe, expect, test, vi } from 'vitest'
import type { ContentKey } from './ports.ts'
import { UnwrapCache, type UnwrapCacheOptions } from './unwrap-cache.ts'

const key = (fill: number): ContentKey => ({
  cek: new Uint8Array(32).fill(fill),
  iv: new Uint8Array(16).fill(fill),
})

/** Adds a key to the cache, as an unwrap does. */
function put(cache: UnwrapCache, name: string, fill: number): Promise<ContentKey> {
  return cache.get([name], async () => key(fill), undefined)
}

function deferred<Result>(): { promise: Promise<Result>; resolve: (result: Result) => void } {
  let resolve: (result: Result) => void = () => {}
  const promise = new Promise<Result>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

/** The cached key of a name, if any. */
async function kept(cache: UnwrapCache, name: string): Promise<ContentKey | undefined> {
  return cache.get([name], () => Promise.reject(new Error('not kept')), undefined).catch(() => undefined)
}

/** The previous content of each array of a test's key that is filled with zeros from now on. */
function watchWiping(): Uint8Array[] {
  const wiped: Uint8Array[] = []
  const fill = Uint8Array.prototype.fill
  vi.spyOn(Uint8Array.prototype, 'fill').mockImplementation(function (this: Uint8Array, ...args) {
    // Others fill arrays too: a hash its own buffers, in a browser.
    const isOfKey = this.every((byte) => byte !== 0 && byte === this[0])
    if (args[0] === 0 && isOfKey) wiped.push(Uint8Array.from(this))
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
  expect(wiped.slice(0, 2)).toEqual([key(1).cek, key(1).iv])
})

test('an expired key is overwritten at once, not at the next access', async () => {
  vi.useFakeTimers()
  const cache = new UnwrapCache({ maxEntries: 5, ttlMs: 1000 })
  await put(cache, 'a', 1)
  const wiped = watchWiping()
  vi.advanceTimersByTime(999)
  expect(wiped).toEqual([])
  vi.advanceTimersByTime(1)
  expect(wiped).toEqual([key(1).cek, key(1).iv])
  expect(await kept(cache, 'a')).toBeUndefined()
})

test('an expired key is not returned, even if its timer is late', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const cache = new UnwrapCache({ maxEntries: 5, ttlMs: 60_000 })
  await put(cache, 'a', 1)
  vi.advanceTimersByTime(59_999)
  expect(await kept(cache, 'a')).toEqual(key(1))
  vi.advanceTimersByTime(1)
  const wiped = watchWiping()
  expect(await kept(cache, 'a')).toBeUndefined()
  expect(wiped).toEqual([key(1).cek, key(1).iv])
})

test('a key that is unwrapped again after its lifetime lives as long as the first', async () => {
  vi.useFakeTimers()
  const cache = new UnwrapCache({ maxEntries: 5, ttlMs: 1000 })
  await put(cache, 'a', 1)
  vi.advanceTimersByTime(1000)
  await put(cache, 'a', 2)
  vi.advanceTimersByTime(999)
  expect(await kept(cache, 'a')).toEqual(key(2))
  vi.advanceTimersByTime(1)
  expect(await kept(cache, 'a')).toBeUndefined()
})

test('the least recently used key is removed first, and a read counts as use', async () => {
  const cache = new UnwrapCache({ maxEntries: 2, ttlMs: 60_000 })
  for (const [fill, name] of ['a', 'b', 'a', 'c'].entries()) await put(cache, name, fill)
  expect(await kept(cache, 'b')).toBeUndefined()
  expect([await kept(cache, 'a'), await kept(cache, 'c')]).toEqual([key(0), key(3)])
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
  await Promise.all(Array.from({ length: 20 }, () => cache.get(['a'], unwrap, undefined)))
  expect(unwrap).toHaveBeenCalledTimes(1)
  const failing = vi.fn(() => Promise.reject(new Error('no')))
  const failed = await Promise.allSettled([
    cache.get(['b'], failing, undefined),
    cache.get(['b'], failing, undefined),
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
  const waiting = [cache.get(['a'], unwrap, one.signal), cache.get(['a'], unwrap, two.signal)]
  one.abort('one')
  await expect(waiting[0]).rejects.toBe('one')
  expect(signals.map(({ aborted }) => aborted)).toEqual([false])
  two.abort('two')
  await expect(waiting[1]).rejects.toBe('two')
  expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  expect(await put(cache, 'a', 1)).toEqual(key(1))
})

test('an unwrap in progress is not cached if the cache is cleared', async () => {
  const cache = new UnwrapCache({ maxEntries: 5, ttlMs: 60_000 })
  const finished = deferred<ContentKey>()
  const waiting = cache.get(['a'], () => finished.promise, undefined)
  cache.clear()
  finished.resolve(key(1))
  expect(await waiting).toEqual(key(1))
  expect(await kept(cache, 'a')).toBeUndefined()
})

test('the key that the unwrap returned is overwritten once each caller has its copy', async () => {
  const cache = new UnwrapCache({ maxEntries: 5, ttlMs: 60_000 })
  const unwrapped = key(1)
  const unwrap = async () => unwrapped
  const read = [cache.get(['a'], unwrap, undefined), cache.get(['a'], unwrap, undefined)]
  expect(await Promise.all(read)).toEqual([key(1), key(1)])
  await vi.waitFor(() => expect(unwrapped).toEqual(key(0)))
})

test('the key of an unwrap that ends after the last caller has given up is overwritten, and not cached', async () => {
  const cache = new UnwrapCache({ maxEntries: 5, ttlMs: 60_000 })
  const { promise, resolve } = deferred<ContentKey>()
  const controller = new AbortController()
  const waiting = cache.get(['a'], () => promise, controller.signal)
  controller.abort('enough')
  await expect(waiting).rejects.toBe('enough')
  const late = key(1)
  resolve(late)
  await vi.waitFor(() => expect(late).toEqual(key(0)))
  expect(await kept(cache, 'a')).toBeUndefined()
})

test('different parts are different entries, however their texts are joined', async () => {
  const cache = new UnwrapCache({ maxEntries: 9, ttlMs: 60_000 })
  const names = [['a', 'b'], ['a,b'], ['ab', ''], ['ab'], ['["a","b"]'], ['b', 'a']]
  for (const [fill, parts] of names.entries()) await cache.get(parts, async () => key(fill), undefined)
  for (const [fill, parts] of names.entries()) {
    expect(await cache.get(parts, () => Promise.reject(new Error('not kept')), undefined)).toEqual(key(fill))
  }
})

describe('options', () => {
  test.each([
    [{ maxEntries: 0, ttlMs: 1 }],
    [{ maxEntries: 1, ttlMs: 0 }],
    [{ maxEntries: 1.5, ttlMs: 1 }],
    [{ maxEntries: 1, ttlMs: Number.NaN }],
    [{ maxEntries: 100_001, ttlMs: 1 }],
    [{ maxEntries: 1, ttlMs: 86_400_001 }],
    [{ maxEntries: '5', ttlMs: 1 }],
    [true],
  ])('outside their limits are refused: %j', (options) => {
    expect(() => new UnwrapCache(options as UnwrapCacheOptions)).toThrow(
      expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }),
    )
  })

  test('at their limits are accepted', () => {
    expect(() => new UnwrapCache({ maxEntries: 1, ttlMs: 1 })).not.toThrow()
    expect(() => new UnwrapCache({ maxEntries: 100_000, ttlMs: 86_400_000 })).not.toThrow()
  })
})
