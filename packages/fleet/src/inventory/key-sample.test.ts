import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KeySample } from './key-sample.ts'

const named = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i).padStart(6, '0'))

function sampleOf(keys: readonly string[], seed = 'run', capacity = 16): KeySample {
  const sample = new KeySample({ seed, capacity })
  for (const key of keys) sample.add(key)
  return sample
}

test('holds at most its capacity, and all keys while it can', () => {
  fc.assert(
    fc.property(fc.nat(400), fc.integer({ min: 1, max: 20 }), (count, half) => {
      const capacity = 2 * half
      const { keys, stride } = sampleOf(named(count), 'run', capacity)
      expect(keys.length).toBeLessThan(capacity)
      if (count < capacity) expect([keys, stride]).toEqual([named(count), 1])
      // What is left over does not fill a stride.
      expect(count - keys.length * stride).toBeLessThan(stride)
    }),
  )
})

test('has one key of each stride, whatever the seed', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(1000), (seed, count) => {
      const { keys, stride } = sampleOf(named(count), seed)
      expect(keys.map((key) => Math.floor(Number(key) / stride))).toEqual(keys.map((_, stretch) => stretch))
    }),
  )
})

test('is the same for the same seed, and another one for another', () => {
  const keys = named(1000)
  expect(sampleOf(keys, 'a').keys).toEqual(sampleOf(keys, 'a').keys)
  expect(sampleOf(keys, 'a').keys).not.toEqual(sampleOf(keys, 'b').keys)
})

test('chooses each key of a stride about as often', () => {
  const counts = new Map<number, number>()
  for (let seed = 0; seed < 800; seed++) {
    const { keys, stride } = sampleOf(named(127), String(seed))
    for (const key of keys) {
      const position = Number(key) % stride
      counts.set(position, (counts.get(position) ?? 0) + 1)
    }
  }
  expect([...counts.keys()].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  // 12,000 keys at 8 positions: 1,500 each, with a standard deviation of 36.
  for (const count of counts.values()) expect(Math.abs(count - 1500)).toBeLessThan(220)
})

test('cuts a sample of ordered keys into pieces near the weight', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 900 }), (count, weight) => {
      const sample = sampleOf(named(count), 'run', 64)
      const ends = sample.cuts(weight).map(Number)
      const sizes = ends.map((end, i) => end - (ends[i - 1] ?? -1))
      for (const size of sizes) expect(size).toBeLessThan(weight + 3 * sample.stride)
    }),
  )
})
