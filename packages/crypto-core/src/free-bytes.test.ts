import { expect, test } from 'vitest'
import { freeBytes } from './free-bytes.ts'

test('frees an array that is all of its buffer, where the runtime can', () => {
  const bytes = new Uint8Array(9).fill(7)
  freeBytes(bytes)
  const expected = 'transfer' in ArrayBuffer.prototype ? 0 : 9
  expect(bytes.length).toBe(expected)
})

test('leaves a part of a buffer as it is, because somebody else may use the rest', () => {
  const whole = new Uint8Array(9).fill(7)
  freeBytes(whole.subarray(1))
  freeBytes(whole.subarray(0, 8))
  expect(whole).toEqual(new Uint8Array(9).fill(7))
})

test('leaves an array whose buffer was transferred or freed before', () => {
  const bytes = new Uint8Array(9)
  structuredClone(bytes, { transfer: [bytes.buffer] })
  freeBytes(bytes)
  expect(bytes.length).toBe(0)
})
