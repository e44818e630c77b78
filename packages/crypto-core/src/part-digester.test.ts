import { digestEngine as chosen } from '@oss-cse/crypto-core/digest-engine'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import vectors from '../test/vectors/part-digest.json' with { type: 'json' }
import { concatBytes } from './bytes.ts'
import { digestEngine as noble } from './digest-engine.noble.ts'
import type { DigestEngine } from './digest-engine.ts'
import { digestEngine as web } from './digest-engine.web.ts'
import { PartDigester, PIECE_BYTES, partDigest } from './part-digester.ts'
import type { ContentKey } from './ports.ts'

const MIB = 1024 ** 2
const bytes = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
const hex = (data: Uint8Array) => Array.from(data, (byte) => byte.toString(16).padStart(2, '0')).join('')
/** What the vectors were made of. */
const content = Uint8Array.from({ length: 2.5 * MIB }, (_, i) => 31 * i + 7 * (i >> 8) + 5 * (i >> 16))
const contentKey: ContentKey = { cek: content.slice(100, 132), iv: content.slice(500, 516) }

/** The digests of a part whose bytes arrive in chunks of these sizes. */
async function digestsOf(
  data: Uint8Array,
  {
    key = contentKey,
    offsetBytes = 0,
    sizes = [data.length],
    engine,
  }: { key?: ContentKey; offsetBytes?: number; sizes?: readonly number[]; engine?: DigestEngine } = {},
): Promise<Uint8Array> {
  const digester = new PartDigester(key, offsetBytes, engine)
  for (let offset = 0, i = 0; offset < data.length; i++) {
    const chunk = data.slice(offset, offset + (sizes[i % sizes.length] ?? 1))
    offset += chunk.length
    await digester.update(chunk)
    // A caller may reuse its buffer.
    chunk.fill(0)
  }
  return digester.digests()
}

const engines: readonly DigestEngine[] = [chosen, web, noble]

describe.each(
  engines.map((engine, index) => ({ engine, label: index === 0 ? `chosen (${engine.name})` : engine.name })),
)('the engine $label', ({ engine }) => {
  test.each(vectors.cases)('computes the vector "$name"', async (vector) => {
    const { offsetBytes, sizeBytes } = vector
    const key = { cek: bytes(vector.cek), iv: bytes(vector.iv) }
    const data = content.subarray(0, sizeBytes)
    const digests = await digestsOf(data, { key, offsetBytes, engine })
    expect(hex(digests)).toBe(vector.pieces.join(''))
    expect(hex(partDigest(digests, engine))).toBe(vector.digest)
  })

  test('returns the same digests for any split of the bytes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 2000 }),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 }),
        fc.nat({ max: 2 ** 49 - 1 }),
        async (sizeBytes, sizes, block) => {
          const data = content.subarray(0, sizeBytes)
          const offsetBytes = 16 * block
          const whole = await digestsOf(data, { offsetBytes, engine: noble })
          expect(whole).toHaveLength(sizeBytes === 0 ? 0 : 16)
          expect(await digestsOf(data, { offsetBytes, sizes, engine })).toEqual(whole)
        },
      ),
      { numRuns: 50 },
    )
  })

  test.each([
    ['whole', [2.5 * MIB]],
    ['at the ends of the pieces', [MIB]],
    ['around them', [MIB - 1, 2, MIB - 2, 1]],
    ['in odd chunks', [99_999]],
  ])('cuts the same pieces of a part that arrives %s', async (_how, sizes) => {
    const pieces = [0, 1, 2].map((n) =>
      digestsOf(content.subarray(n * MIB, (n + 1) * MIB), { offsetBytes: n * MIB, engine: noble }),
    )
    const expected = concatBytes(await Promise.all(pieces))
    expect(await digestsOf(content, { sizes, engine })).toEqual(expected)
  })

  test('keeps a key of its own: the caller wipes the content key at once', async () => {
    const expected = await digestsOf(content.subarray(0, 100), { engine: noble })
    const key = { cek: contentKey.cek.slice(), iv: contentKey.iv.slice() }
    const digester = new PartDigester(key, 0, engine)
    key.cek.fill(0)
    key.iv.fill(0)
    await digester.update(content.subarray(0, 100))
    expect(await digester.digests()).toEqual(expected)
  })

  test('does not change what it is given', async () => {
    const data = content.slice(0, 1000)
    const digester = new PartDigester(contentKey, 0, engine)
    await digester.update(data)
    await digester.digests()
    expect(data).toEqual(content.subarray(0, 1000))
  })
})

test('a digest depends on each bit of the key, the IV and the offset, and on the length', async () => {
  const data = new Uint8Array(40)
  const flipped = (array: Uint8Array, bit: number): Uint8Array => {
    const copy = array.slice()
    copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    return copy
  }
  const { cek, iv } = contentKey
  const others = [
    ...Array.from({ length: 256 }, (_, bit) => ({ key: { cek: flipped(cek, bit), iv } })),
    ...Array.from({ length: 128 }, (_, bit) => ({ key: { cek, iv: flipped(iv, bit) } })),
    ...Array.from({ length: 49 }, (_, bit) => ({ offsetBytes: 16 * 2 ** bit })),
  ]
  const made = await Promise.all(others.map((options) => digestsOf(data, { ...options, engine: noble })))
  for (let size = 1; size <= 40; size++) {
    made.push(await digestsOf(data.subarray(0, size), { engine: noble }))
  }
  expect(new Set(made.map(hex)).size).toBe(256 + 128 + 49 + 40)
})

test('a changed bit changes the digest of its piece alone', async () => {
  const digests = await digestsOf(content)
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.constantFrom(0, 15, 16, MIB - 1, MIB, 2 * MIB - 1, 2 * MIB, content.length - 1),
        fc.nat({ max: content.length - 1 }),
      ),
      fc.nat({ max: 7 }),
      async (position, bit) => {
        const changed = content.slice()
        changed[position] = (changed[position] ?? 0) ^ (1 << bit)
        const other = await digestsOf(changed)
        const differing = [0, 1, 2].filter(
          (n) => hex(digests.subarray(16 * n, 16 * n + 16)) !== hex(other.subarray(16 * n, 16 * n + 16)),
        )
        expect(differing).toEqual([Math.floor(position / MIB)])
        expect(hex(partDigest(other))).not.toBe(hex(partDigest(digests)))
      },
    ),
    { numRuns: 20 },
  )
})

test('the digest of a part depends on the number and the order of its pieces', async () => {
  const digests = await digestsOf(content)
  const swapped = concatBytes([digests.slice(16, 32), digests.slice(0, 16), digests.slice(32)])
  const all = [new Uint8Array(), digests.slice(0, 16), digests.slice(0, 32), digests, swapped]
  const parts = all.map((list) => partDigest(list))
  expect(new Set(parts.map(hex)).size).toBe(5)
  for (const part of parts) expect(part).toHaveLength(16)
})

test('a piece that is ended by hand is the piece that the digester cuts itself', async () => {
  const expected = await digestsOf(content)
  const digester = new PartDigester(contentKey, 0)
  const ended: Uint8Array[] = []
  for (let offset = 0; offset < content.length; offset += PIECE_BYTES) {
    await digester.update(content.subarray(offset, offset + PIECE_BYTES))
    ended.push(await digester.endPiece())
  }
  expect(concatBytes(ended)).toEqual(expected)
  expect(await digester.digests()).toEqual(expected)
})

test('two pieces never share a nonce: an offset inside a block, and bytes after a short piece, are refused', async () => {
  for (const offsetBytes of [-16, 1, 15, 17, 8.5, Number.NaN, 2 ** 53]) {
    expect(() => new PartDigester(contentKey, offsetBytes)).toThrow(
      expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }),
    )
  }
  const digester = new PartDigester(contentKey, 0)
  await digester.update(content.subarray(0, 5))
  await digester.endPiece()
  expect(() => digester.update(content.subarray(5, 6))).toThrow('ended')
})

test('a digester that has ended takes no more bytes', async () => {
  const ended = new PartDigester(contentKey, 0)
  expect(await ended.digests()).toHaveLength(0)
  expect(() => ended.update(content.subarray(0, 1))).toThrow('ended')
  expect(() => ended.endPiece()).toThrow('No piece')
  const disposed = new PartDigester(contentKey, 0)
  disposed.dispose()
  expect(() => disposed.update(content.subarray(0, 1))).toThrow('ended')
})

test.each([
  ['CEK', { ...contentKey, cek: new Uint8Array(31) }],
  ['IV', { ...contentKey, iv: new Uint8Array(12) }],
])('a %s of another length is refused', (_what, key) => {
  expect(() => new PartDigester(key, 0)).toThrow(
    expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }),
  )
})
