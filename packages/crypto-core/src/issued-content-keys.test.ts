import { expect, test } from 'vitest'
import { generateCek } from './content-key.ts'
import { IssuedContentKeys } from './issued-content-keys.ts'

test('a key is new once, and known from then on, in any array', async () => {
  const issued = new IssuedContentKeys(3)
  const cek = generateCek()
  expect(await issued.add(cek)).toBe(true)
  expect(await issued.add(Uint8Array.from(cek))).toBe(false)
  expect(await issued.add(generateCek())).toBe(true)
})

test('of equal keys that are added concurrently, one is new', async () => {
  const issued = new IssuedContentKeys(3)
  const cek = generateCek()
  const added = await Promise.all(Array.from({ length: 5 }, () => issued.add(cek)))
  expect(added.filter(Boolean)).toHaveLength(1)
})

test('it remembers as many keys as its capacity, and forgets the oldest first', async () => {
  const issued = new IssuedContentKeys(3)
  const ceks = Array.from({ length: 7 }, generateCek)
  for (const cek of ceks) expect(await issued.add(cek)).toBe(true)
  for (const cek of ceks.slice(-3)) expect(await issued.add(cek)).toBe(false)
  for (const cek of ceks.slice(0, 4)) expect(await issued.add(cek)).toBe(true)
})

test('keys that differ in one bit are different', async () => {
  const issued = new IssuedContentKeys(300)
  const cek = generateCek()
  await issued.add(cek)
  for (let bit = 0; bit < 256; bit++) {
    const other = Uint8Array.from(cek, (byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
    expect(await issued.add(other)).toBe(true)
  }
})
