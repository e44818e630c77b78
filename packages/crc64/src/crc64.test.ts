import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { referenceCrc64, sampleBytes } from '../test/reference.ts'
import { createCrc64 } from './crc64.ts'

const text = (value: string) => new TextEncoder().encode(value)

function crc64(...chunks: readonly Uint8Array[]): bigint {
  const crc = createCrc64()
  for (const chunk of chunks) crc.update(chunk)
  return crc.value()
}

describe('createCrc64', () => {
  test('returns the published check value, and 0 for no bytes', () => {
    expect(crc64()).toBe(0n)
    expect(crc64(new Uint8Array(0))).toBe(0n)
    expect(crc64(text('123456789'))).toBe(0x995dc9bbdf1939fan)
  })

  test('returns what hash-wasm does, however the bytes are cut and wherever they stand in memory', async () => {
    const memory = sampleBytes(400_000)
    const sizes = fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 4000 }), fc.nat({ max: 140_000 }))
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 1000 }), fc.array(sizes, { maxLength: 6 }), async (start, lengths) => {
        let at = start
        const chunks = lengths.map((length) => {
          at += length
          return memory.subarray(at - length, at)
        })
        expect(crc64(...chunks)).toBe(await referenceCrc64(memory.subarray(start, at)))
      }),
    )
  })

  test('can be read at any time without an effect on the following bytes', async () => {
    const bytes = sampleBytes(90_000)
    const crc = createCrc64()
    for (const [start, end] of [
      [0, 5],
      [5, 30_000],
      [30_000, 30_000],
      [30_000, 90_000],
    ] as const) {
      crc.update(bytes.subarray(start, end))
      expect(crc.value()).toBe(await referenceCrc64(bytes.subarray(0, end)))
      expect(crc.value()).toBe(crc.value())
    }
  })

  test('any number of checksums run side by side', async () => {
    const bytes = sampleBytes(60_000)
    const running = Array.from({ length: 100 }, (_, index) => ({ index, crc: createCrc64() }))
    const cuts = [0, 1000, 21_000, 21_007, 60_000]
    for (const [round, start] of cuts.slice(0, -1).entries()) {
      for (const { index, crc } of running) crc.update(bytes.subarray(start + index, cuts[round + 1]))
    }
    for (const { index, crc } of running) {
      const chunks = cuts.slice(0, -1).map((start, round) => bytes.subarray(start + index, cuts[round + 1]))
      expect(crc.value()).toBe(await referenceCrc64(...chunks))
    }
  })

  test('neither changes nor keeps the bytes', async () => {
    const bytes = sampleBytes(100_000)
    const before = bytes.slice()
    const crc = createCrc64()
    crc.update(bytes)
    expect(bytes).toEqual(before)
    bytes.fill(0)
    crc.update(before)
    expect(crc.value()).toBe(await referenceCrc64(before, before))
  })

  test.runIf(typeof SharedArrayBuffer === 'function')('takes bytes of shared memory', async () => {
    const bytes = sampleBytes(50_000)
    const shared = new Uint8Array(new SharedArrayBuffer(50_001), 1)
    shared.set(bytes)
    expect(crc64(shared.subarray(0, 100), shared.subarray(100))).toBe(await referenceCrc64(bytes))
  })

  test('refuses what is not an array of bytes', () => {
    const crc = createCrc64()
    for (const chunk of [
      'text',
      [1, 2],
      new ArrayBuffer(3),
      new Uint16Array(3),
      new DataView(new ArrayBuffer(3)),
    ]) {
      expect(() => crc.update(chunk as unknown as Uint8Array)).toThrow(TypeError)
    }
    expect(crc.value()).toBe(0n)
  })
})
