import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sampleBytes } from '../test/reference.ts'
import { combineCrc64 } from './combine-crc64.ts'
import { createCrc64 } from './crc64.ts'

function crc64(bytes: Uint8Array): bigint {
  const crc = createCrc64()
  crc.update(bytes)
  return crc.value()
}

test('the checksums of two runs combine to that of both', () => {
  const bytes = sampleBytes(60_000)
  const place = fc.nat({ max: bytes.length })
  fc.assert(
    fc.property(place, place, (a, b) => {
      const [cut, end] = a < b ? [a, b] : [b, a]
      const [first, second] = [bytes.subarray(0, cut), bytes.subarray(cut, end)]
      expect(combineCrc64(crc64(first), crc64(second), second.length)).toBe(crc64(bytes.subarray(0, end)))
    }),
  )
})

test('lengths beyond 2^32 combine in any order', () => {
  let zeros = { crc: crc64(new Uint8Array(1)), sizeBytes: 1 }
  while (zeros.sizeBytes < 2 ** 33) {
    zeros = { crc: combineCrc64(zeros.crc, zeros.crc, zeros.sizeBytes), sizeBytes: 2 * zeros.sizeBytes }
  }
  const [first, last] = [crc64(sampleBytes(9)), crc64(sampleBytes(99))]
  const fromTheLeft = combineCrc64(combineCrc64(first, zeros.crc, zeros.sizeBytes), last, 99)
  const fromTheRight = combineCrc64(first, combineCrc64(zeros.crc, last, 99), zeros.sizeBytes + 99)
  expect(fromTheLeft).toBe(fromTheRight)
  expect(fromTheLeft).not.toBe(combineCrc64(combineCrc64(first, zeros.crc, 2 ** 32), last, 99))
})
