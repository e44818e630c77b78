import { expect, test } from 'vitest'
import { generateCek } from './content-key.ts'
import { IssuedContentKeys } from './issued-content-keys.ts'

test('a key is new once, and known from then on, in any array', () => {
  const issued = new IssuedContentKeys(3)
  const cek = generateCek()
  expect(issued.add(cek)).toBe(true)
  expect(issued.add(Uint8Array.from(cek))).toBe(false)
  expect(issued.add(generateCek())).toBe(true)
})

test('it remembers as many keys as its capacity, and forgets the oldest first', () => {
  const issued = new IssuedContentKeys(3)
  const ceks = Array.from({ length: 7 }, generateCek)
  for (const cek of ceks) expect(issued.add(cek)).toBe(true)
  for (const cek of ceks.slice(-3)) expect(issued.add(cek)).toBe(false)
  for (const cek of ceks.slice(0, 4)) expect(issued.add(cek)).toBe(true)
})

test('keys that differ in one bit are different', () => {
  const issued = new IssuedContentKeys(300)
  const cek = generateCek()
  issued.add(cek)
  for (let bit = 0; bit < 256; bit++) {
    const other = Uint8Array.from(cek, (byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
    expect(issued.add(other)).toBe(true)
  }
})
