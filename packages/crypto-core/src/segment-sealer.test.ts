import { expect, test } from 'vitest'
import { equalBytes } from './bytes.ts'
import { sealEngine as noble } from './seal-engine.noble.ts'
import { startSealRun } from './seal-run.ts'
import { startSealer } from './segment-sealer.ts'

const Z = 65_536
const contentKey = { cek: new Uint8Array(32).fill(3), iv: new Uint8Array(16).fill(4) }
const context = new Uint8Array()
/** The plaintext of the first segment, and of any later one. */
const [FIRST, LATER] = [Z - 56, Z - 16]
const data = Uint8Array.from({ length: 3 * Z }, (_, i) => (i * 31) >> 3)

const sealerOf = async (options = {}) =>
  startSealer({ contentKey, context }, { firstSegment: 0, endsObject: true, tags: true, ...options })

test('segments that are sealed one by one into memory of the caller are the object', async () => {
  const plaintext = data.subarray(0, FIRST + LATER + 100)
  const run = startSealRun({ contentKey, context, tags: true })
  const expected: Uint8Array[] = []
  const open = async function* () {
    yield plaintext
  }
  for await (const chunk of run.transform({ open })) expected.push(chunk)

  const sealer = await sealerOf()
  const out = new Uint8Array(Z + 5).fill(9)
  let offset = 0
  for (const [index, length] of [FIRST, LATER, 100].entries()) {
    expect(sealer.segmentBytes).toBe(index === 0 ? FIRST : LATER)
    const piece = plaintext.subarray(offset, offset + length)
    const stored = await sealer.seal(piece, index === 2, out.subarray(5))
    expect(stored.buffer).toBe(out.buffer)
    expect(equalBytes(stored, expected[index] ?? new Uint8Array())).toBe(true)
    expect(out.subarray(0, 5)).toEqual(new Uint8Array(5).fill(9))
    offset += length
  }
  expect(sealer.tags()).toEqual(run.result().tags)
})

test('an engine that does not use the memory of the caller seals into it all the same', async () => {
  const run = { firstSegment: 0, endsObject: true, tags: false }
  const out = new Uint8Array(1000)
  const portable = await startSealer({ contentKey, context, engine: noble }, run)
  const stored = await portable.seal(data.subarray(0, 10), true, out)
  const sealer = await sealerOf()
  expect(stored).toEqual(await sealer.seal(data.subarray(0, 10), true))
  expect(stored.buffer).toBe(out.buffer)
})

test('nothing is sealed after the end, and no segment twice', async () => {
  const whole = await sealerOf()
  await whole.seal(data.subarray(0, 10), true)
  expect(() => whole.seal(data.subarray(0, 10), true)).toThrow(TypeError)

  const part = await sealerOf({ endsObject: false })
  await part.seal(data.subarray(0, FIRST), true)
  expect(() => part.seal(data.subarray(0, LATER), false)).toThrow(TypeError)

  const disposed = await sealerOf()
  disposed.dispose()
  expect(() => disposed.seal(data.subarray(0, FIRST), false)).toThrow(TypeError)
})

test('only the last segment of the object may be shorter, and none is longer', async () => {
  for (const [options, length, ended] of [
    [{}, FIRST - 1, false],
    [{}, FIRST + 1, false],
    [{}, FIRST + 1, true],
    [{ endsObject: false }, FIRST - 1, true],
    [{ firstSegment: 1 }, FIRST, false],
    [{ firstSegment: 1 }, LATER + 1, true],
  ] as const) {
    const sealer = await sealerOf(options)
    const out = new Uint8Array(2 * Z)
    expect(() => sealer.seal(data.subarray(0, length), ended, out)).toThrow(TypeError)
    expect(out.every((byte) => byte === 0)).toBe(true)
  }
})

test('a key of another length is refused', () => {
  const short = { ...contentKey, cek: new Uint8Array(16) }
  const run = { firstSegment: 0, endsObject: true, tags: false }
  expect(() => startSealer({ contentKey: short, context }, run)).toThrow(
    expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }),
  )
})
