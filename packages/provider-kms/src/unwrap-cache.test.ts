import { afterEach, expect, test, vi } from 'vitest'
import { cacheName, UnwrapCache } from './unwrap-cache.ts'

const key = (fill: number) => ({ cek: new Uint8Array(32).fill(fill), iv: new Uint8Array(16).fill(fill) })

/** Every array that is filled with zeros from now on, as it was before. */
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

test('a key that has to make room is overwritten', () => {
  const cache = new UnwrapCache({ maxEntries: 1, ttlMs: 1000 })
  cache.set('a', key(1))
  const wiped = watchWiping()
  cache.set('b', key(2))
  expect(wiped).toEqual([key(1).cek, key(1).iv])
})

test('a key whose time is over is overwritten then, not when somebody asks for it', () => {
  vi.useFakeTimers()
  vi.advanceTimersByTime(1)
  const cache = new UnwrapCache({ maxEntries: 5, ttlMs: 1000 })
  cache.set('a', key(1))
  const wiped = watchWiping()
  vi.advanceTimersByTime(1000)
  expect(wiped).toEqual([])
  vi.advanceTimersByTime(2)
  expect(wiped).toEqual([key(1).cek, key(1).iv])
  expect(cache.get('a')).toBeUndefined()
})

test('a cleared cache has overwritten every key; a replaced key is overwritten', () => {
  const cache = new UnwrapCache({ maxEntries: 5, ttlMs: 1000 })
  const wiped = watchWiping()
  cache.set('a', key(1))
  cache.set('a', key(2))
  expect(wiped).toEqual([key(1).cek, key(1).iv])
  cache.clear()
  expect(wiped.slice(2)).toEqual([key(2).cek, key(2).iv])
})

test('what is put in and handed out are copies', () => {
  const cache = new UnwrapCache({ maxEntries: 5, ttlMs: 1000 })
  const given = key(1)
  cache.set('a', given)
  given.cek.fill(0)
  cache.get('a')?.cek.fill(0)
  expect(cache.get('a')).toEqual(key(1))
})

test('a name holds nothing of its parts, and no two lists of parts share one', () => {
  expect(cacheName(['passphrase'])).not.toContain('passphrase')
  expect(cacheName(['a', 'b'])).not.toBe(cacheName(['a,b']))
  expect(cacheName(['a', 'b'])).not.toBe(cacheName(['ab', '']))
  expect(cacheName(['a', 'b'])).toBe(cacheName(['a', 'b']))
})
