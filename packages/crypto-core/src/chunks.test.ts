import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concatBytes } from './bytes.ts'
import { coalesceChunks, exactChunks } from './chunks.ts'

test('chunks are joined up to the minimum size; none is lost or reordered', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 20 })),
      fc.integer({ min: 1, max: 30 }),
      async (chunks, minBytes) => {
        const joined: Uint8Array[] = []
        async function* source(): AsyncGenerator<Uint8Array> {
          yield* chunks
        }
        for await (const chunk of coalesceChunks(source(), minBytes)) joined.push(chunk)
        expect(concatBytes(joined)).toEqual(concatBytes(chunks))
        for (const chunk of joined.slice(0, -1)) expect(chunk.length).toBeGreaterThanOrEqual(minBytes)
        expect(joined.every((chunk) => chunk.length > 0)).toBe(true)
      },
    ),
  )
})

test('a chunk that is large enough is not copied', async () => {
  const large = new Uint8Array(100)
  async function* source(): AsyncGenerator<Uint8Array> {
    yield large
  }
  expect((await coalesceChunks(source(), 100).next()).value).toBe(large)
})

test('exact chunks have the requested size, except the last, and hold the same bytes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 20 })),
      fc.integer({ min: 1, max: 30 }),
      async (chunks, sizeBytes) => {
        const cut: Uint8Array[] = []
        async function* source(): AsyncGenerator<Uint8Array> {
          yield* chunks
        }
        for await (const chunk of exactChunks(source(), sizeBytes)) cut.push(chunk)
        expect(concatBytes(cut)).toEqual(concatBytes(chunks))
        for (const chunk of cut.slice(0, -1)) expect(chunk.length).toBe(sizeBytes)
        const last = cut.at(-1)?.length ?? 1
        expect(last > 0 && last <= sizeBytes).toBe(true)
      },
    ),
  )
})

test.each([
  ['coalesceChunks', coalesceChunks],
  ['exactChunks', exactChunks],
])('a source may reuse one buffer for all its chunks (%s)', async (_name, cut) => {
  async function* source(): AsyncGenerator<Uint8Array> {
    const buffer = new Uint8Array(3)
    for (let n = 1; n <= 5; n++) yield buffer.fill(n)
  }
  const chunks: Uint8Array[] = []
  for await (const chunk of cut(source(), 10)) chunks.push(chunk)
  expect([...concatBytes(chunks)]).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5])
})

test.each([
  ['is cut', [25]],
  ['is joined with the one before', [5, 12]],
])('a chunk that %s and is detached meanwhile is not taken for a shorter one', async (_, lengths) => {
  const chunks = lengths.map((length) => new Uint8Array(length).fill(1))
  async function* source(): AsyncGenerator<Uint8Array> {
    yield* chunks
  }
  const cut = exactChunks(source(), 10)
  expect((await cut.next()).value).toHaveLength(10)
  structuredClone(null, { transfer: chunks.slice(-1).map(({ buffer }) => buffer) })
  await expect(cut.next()).rejects.toThrow(TypeError)
})
