import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concatBytes } from './bytes.ts'
import { coalesceChunks } from './chunks.ts'

test('chunks are joined up to the wanted size, none is lost or reordered', async () => {
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
