import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addToCounter } from './ctr-counter.ts'

const block = fc.uint8Array({ minLength: 16, maxLength: 16 })
const amount = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n })
const bytes = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))

test('the counter is one 128-bit big-endian number: a carry runs through every byte', () => {
  expect(addToCounter(bytes('00000000000000000000000000000000'), 1)).toEqual(
    bytes('00000000000000000000000000000001'),
  )
  expect(addToCounter(bytes('000000000000000000000000ffffffff'), 1)).toEqual(
    bytes('00000000000000000000000100000000'),
  )
  expect(addToCounter(bytes('0000000000000000ffffffffffffffff'), 1)).toEqual(
    bytes('00000000000000010000000000000000'),
  )
  expect(addToCounter(bytes('00ffffffffffffffffffffffffffffff'), 1)).toEqual(
    bytes('01000000000000000000000000000000'),
  )
})

test('the counter wraps after 2^128', () => {
  expect(addToCounter(bytes('ffffffffffffffffffffffffffffffff'), 1)).toEqual(new Uint8Array(16))
  expect(addToCounter(bytes('fffffffffffffffffffffffffffffffe'), 5)).toEqual(
    bytes('00000000000000000000000000000003'),
  )
})

test('addition is associative and does not change its input', () => {
  fc.assert(
    fc.property(block, amount, amount, (counter, a, b) => {
      const before = Uint8Array.from(counter)
      expect(addToCounter(addToCounter(counter, a), b)).toEqual(addToCounter(counter, a + b))
      expect(counter).toEqual(before)
    }),
  )
})

test('the offset of the last block of a 48.8 TB object is exact', () => {
  const blocks = (10_000 * (5 * 1024 ** 3)) / 16
  expect(addToCounter(new Uint8Array(16), blocks)).toEqual(addToCounter(new Uint8Array(16), BigInt(blocks)))
})
