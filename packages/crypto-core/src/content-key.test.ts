import { expect, test } from 'vitest'
import { generateCek, generateIv } from './content-key.ts'

test('an IV is 8 random bytes, 4 zero bytes, 4 random bytes', () => {
  const ivs = Array.from({ length: 64 }, generateIv)
  for (const iv of ivs) {
    expect(iv.length).toBe(16)
    expect(iv.subarray(8, 12)).toEqual(new Uint8Array(4))
  }
  for (const index of [0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15]) {
    expect(new Set(ivs.map((iv) => iv[index])).size).toBeGreaterThan(1)
  }
})

test('a content key has 32 bytes, and no two are equal', () => {
  const keys = Array.from({ length: 64 }, generateCek)
  expect(keys.every((key) => key.length === 32)).toBe(true)
  expect(new Set(keys.map(String)).size).toBe(64)
})
