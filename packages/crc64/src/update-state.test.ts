import { describe, expect, test } from 'vitest'
import { referenceCrc64, referencePrefixes, sampleBytes } from '../test/reference.ts'
import { startKernel } from './kernel.ts'
import { updateByTables } from './table-update.ts'
import type { UpdateState } from './update-state.ts'

const kernel = startKernel()
if (kernel === undefined) throw new Error('This runtime has no WebAssembly with SIMD to test.')

function checksum(update: UpdateState, ...chunks: readonly Uint8Array[]): bigint {
  const state = new Int32Array([-1, -1])
  for (const chunk of chunks) update(state, chunk)
  return (new BigUint64Array(state.buffer)[0] as bigint) ^ 0xffffffffffffffffn
}

describe('every length has the checksum that hash-wasm returns', () => {
  const bytes = sampleBytes(70_000)

  test('in WebAssembly', async () => {
    const expected = await referencePrefixes(bytes)
    const wrong = expected.findIndex((value, length) => checksum(kernel, bytes.subarray(0, length)) !== value)
    expect(wrong).toBe(-1)
  })

  test('in plain JavaScript', async () => {
    const expected = await referencePrefixes(bytes.subarray(0, 1000))
    const wrong = expected.findIndex(
      (value, length) => checksum(updateByTables, bytes.subarray(0, length)) !== value,
    )
    expect(wrong).toBe(-1)
    expect(checksum(updateByTables, bytes)).toBe(await referenceCrc64(bytes))
  })
})

test('a chunk longer than the input of the kernel goes through it in pieces', async () => {
  const bytes = sampleBytes(3 * 131_072 + 100)
  for (const pieces of [1, 2, 3]) {
    for (const length of [-2, -1, 0, 1, 2, 65, 100].map((more) => pieces * 131_072 + more)) {
      const chunk = bytes.subarray(0, length)
      expect(checksum(kernel, chunk)).toBe(await referenceCrc64(chunk))
    }
  }
})

test('a chunk whose methods compute another checksum changes neither', async () => {
  const bytes = sampleBytes(200_000)
  let others = 0
  class Chunk extends Uint8Array {
    override subarray(start?: number, end?: number): Uint8Array<ArrayBuffer> {
      others++
      checksum(kernel as UpdateState, bytes.subarray(0, 5000))
      return new Uint8Array(this).subarray(start, end)
    }
  }
  const chunk = new Chunk(bytes.length)
  chunk.set(bytes)
  expect(checksum(kernel, chunk)).toBe(await referenceCrc64(bytes))
  expect(others).toBe(2)
})

test('nothing of a chunk is left behind in the kernel for the next', async () => {
  const ones = new Uint8Array(131_072).fill(0xff)
  const bytes = sampleBytes(5000)
  const expected = await referencePrefixes(bytes)
  for (const length of [0, 1, 15, 1403, 2047, 2048, 2049, 3000, 5000]) {
    checksum(kernel, ones)
    expect(checksum(kernel, bytes.subarray(0, length))).toBe(expected[length])
  }
})

test('a state can go from one implementation to the other', async () => {
  const bytes = sampleBytes(9000)
  const alternately: UpdateState = (state, chunk) => {
    for (let at = 0; at < chunk.length; at += 3000) {
      const update = at % 6000 === 0 ? updateByTables : kernel
      update(state, chunk.subarray(at, at + 3000))
    }
  }
  expect(checksum(alternately, bytes)).toBe(await referenceCrc64(bytes))
})
