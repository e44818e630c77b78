import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { concatBytes } from './bytes.ts'
import { CseError } from './errors.ts'
import { startOpenRun } from './open-run.ts'
import { startSealRun } from './seal-run.ts'
import { encodeContext } from './sealed-context.ts'
import { type Segment, SegmentPlan } from './segment-plan.ts'

const Z = 65_536
const contentKey = {
  cek: Uint8Array.from({ length: 32 }, (_, i) => 7 * i + 100),
  iv: Uint8Array.from({ length: 16 }, (_, i) => 9 * i + 50),
}
const context = new Uint8Array()
const data = Uint8Array.from({ length: 4 * Z }, (_, i) => (i * 31) >> 3)

type Options = Partial<Parameters<typeof startOpenRun>[0]>

/** 0 if two arrays are equal. Faster than an assertion on long ones. */
function difference(actual: Uint8Array, expected: Uint8Array): number {
  return actual.length === expected.length && actual.every((byte, i) => byte === expected[i]) ? 0 : 1
}

async function* inChunks(stored: Uint8Array, sizeBytes: number): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < stored.length; offset += sizeBytes)
    yield stored.slice(offset, offset + sizeBytes)
}

async function seal(plaintext: Uint8Array, options: Partial<Parameters<typeof startSealRun>[0]> = {}) {
  const chunks: Uint8Array[] = []
  const run = startSealRun({ contentKey, context, tags: true, ...options })
  for await (const chunk of run.transform({ open: () => inChunks(plaintext, 100_000) })) chunks.push(chunk)
  return concatBytes(chunks)
}

/** Opens stored bytes as a reader does who has only them: their length says where the last segment is. */
async function open(stored: Uint8Array, options: Options = {}) {
  const plan = options.plan ?? (SegmentPlan.ofStored(stored.length) as SegmentPlan)
  const run = { contentKey, context, plan, firstSegment: 0, lastSegment: plan.segmentCount - 1, ...options }
  const released: Uint8Array[] = []
  let error: unknown
  try {
    for await (const chunk of startOpenRun(run).transform({ open: () => inChunks(stored, 30_000) }))
      released.push(chunk.slice())
  } catch (cause) {
    error = cause
  }
  return { plaintext: concatBytes(released), error }
}

/** Nothing but an authentic beginning was released, and the reader knows that it is not all. */
async function expectRefused(
  stored: Uint8Array,
  plaintext: Uint8Array,
  options: Options = {},
): Promise<void> {
  const result = await open(stored, options)
  expect(CseError.isInstance(result.error) && result.error.code).toBe('ERR_CSE_AUTHENTICATION_FAILED')
  expect(difference(result.plaintext, plaintext.subarray(0, result.plaintext.length))).toBe(0)
}

const sizeBytes = 3 * Z
const object: { readonly plaintext: Uint8Array; stored: Uint8Array } = {
  plaintext: data.subarray(0, sizeBytes),
  stored: new Uint8Array(),
}
beforeAll(async () => {
  object.stored = await seal(object.plaintext)
})

describe('startOpenRun', () => {
  test('opens any run of segments, and returns the wanted bytes of it', async () => {
    const plan = new SegmentPlan(sizeBytes)
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: sizeBytes - 1 }), fc.nat({ max: sizeBytes - 1 }), async (a, b) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)]
        const stored = plan.storedRange({ start, end })
        const first = plan.segmentAt(start)
        const { plaintext, error } = await open(object.stored.subarray(stored.start, stored.end + 1), {
          plan,
          firstSegment: first.index,
          lastSegment: plan.segmentAt(end).index,
          discardBytes: start - first.plaintextOffset,
          mostBytes: end - start + 1,
        })
        expect(error).toBeUndefined()
        expect(difference(plaintext, object.plaintext.subarray(start, end + 1))).toBe(0)
      }),
      { numRuns: 60 },
    )
  })

  test('an altered bit anywhere is refused: all of a small object', async () => {
    const plaintext = data.subarray(0, 20)
    const stored = await seal(plaintext)
    for (let bit = 0; bit < 8 * stored.length; bit++) {
      const altered = stored.slice()
      altered[bit >> 3] = (altered[bit >> 3] as number) ^ (1 << (bit & 7))
      const result = await open(altered)
      expect(CseError.isInstance(result.error) && result.error.code).toBe('ERR_CSE_AUTHENTICATION_FAILED')
      expect(result.plaintext).toHaveLength(0)
    }
  })

  test('an altered bit anywhere is refused: random ones of a large object', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 8 * object.stored.length - 1 }), async (bit) => {
        const altered = object.stored.slice()
        altered[bit >> 3] = (altered[bit >> 3] as number) ^ (1 << (bit & 7))
        await expectRefused(altered, object.plaintext)
      }),
      { numRuns: 200 },
    )
  })

  test('segments that are swapped, repeated, dropped, or of another object are refused', async () => {
    const { stored, plaintext } = object
    const segments = [0, 1, 2, 3].map((index) => stored.slice(index * Z, (index + 1) * Z))
    const another = await seal(data.subarray(7, 7 + sizeBytes), {
      contentKey: { ...contentKey, iv: contentKey.cek.slice(0, 16) },
    })
    const [a, b, c, d] = segments as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
    const forged = [
      [a, c, b, d],
      [b, a, c, d],
      [a, b, b, c, d],
      [a, c, d],
      [b, c, d],
      [a, b, d],
      [a, b, c, d, d],
      [a, another.subarray(Z, 2 * Z), c, d],
      [another.subarray(0, Z), b, c, d],
      [a, b, c, another.subarray(3 * Z)],
      [stored, stored],
    ]
    for (const parts of forged) await expectRefused(concatBytes(parts), plaintext)
  })

  test('a truncation at any border of a segment, or inside one, is refused', async () => {
    const { stored, plaintext } = object
    for (const border of [Z, 2 * Z, 3 * Z, stored.length - 1]) {
      for (const length of [border - 17, border - 1, border, border + 17]) {
        if (length < stored.length) await expectRefused(stored.subarray(0, length), plaintext)
      }
    }
  })

  test('an extension is refused', async () => {
    for (const more of [1, 16, 17, Z])
      await expectRefused(
        concatBytes([object.stored, new Uint8Array(more)]),
        object.plaintext,
        // No object has some of these lengths; then the total cannot state them.
        SegmentPlan.ofStored(object.stored.length + more) ? {} : { plan: new SegmentPlan(sizeBytes) },
      )
  })

  test('a total that is not that of the object is refused as soon as its last segment is read', async () => {
    const short = new SegmentPlan(2 * Z - 72)
    await expectRefused(object.stored.subarray(0, 2 * Z), object.plaintext, { plan: short })
    const long = new SegmentPlan(sizeBytes + 1)
    const last = { plan: long, firstSegment: 3, lastSegment: 3 }
    await expectRefused(concatBytes([object.stored.subarray(3 * Z), new Uint8Array(1)]), data, last)
  })

  test('fewer bytes than the segments have, and more, are refused', async () => {
    const plan = new SegmentPlan(sizeBytes)
    await expectRefused(object.stored.subarray(0, 2 * Z), object.plaintext, { plan })
    await expectRefused(object.stored.subarray(0, 3 * Z), object.plaintext, { plan, lastSegment: 1 })
    await expectRefused(new Uint8Array(), object.plaintext, { plan })
  })

  test('another content key, IV or context is refused', async () => {
    const flipped = (bytes: Uint8Array) => bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte))
    const { cek, iv } = contentKey
    await expectRefused(object.stored, new Uint8Array(), { contentKey: { cek: flipped(cek), iv } })
    await expectRefused(object.stored, new Uint8Array(), { contentKey: { cek, iv: flipped(iv) } })
    await expectRefused(object.stored, new Uint8Array(), { context: encodeContext('x') })
    // Also where no header is read.
    const middle = { plan: new SegmentPlan(sizeBytes), firstSegment: 1, lastSegment: 1 }
    const segment = object.stored.subarray(Z, 2 * Z)
    await expectRefused(segment, new Uint8Array(), { ...middle, context: encodeContext('x') })
  })

  test('a segment that was not authentic is read once more, and that one is verified too', async () => {
    const altered = object.stored.slice()
    altered[Z + 5] = (altered[Z + 5] as number) ^ 1
    const asked: number[] = []
    const again =
      (from: Uint8Array) =>
      async ({ index, storedOffset, storedBytes }: Segment) => {
        asked.push(index)
        return from.slice(storedOffset, storedOffset + storedBytes)
      }
    const healed = await open(altered, { readAgain: again(object.stored) })
    expect(healed.error).toBeUndefined()
    expect(difference(healed.plaintext, object.plaintext)).toBe(0)
    expect(asked).toEqual([1])
    await expectRefused(altered, object.plaintext, { readAgain: again(altered) })
    expect(asked).toEqual([1, 1])
    await expectRefused(altered, object.plaintext, { readAgain: async () => new Uint8Array(5) })
  })

  test('the error names the bytes that are not authentic', async () => {
    const altered = object.stored.slice()
    altered[2 * Z] = (altered[2 * Z] as number) ^ 1
    const { plaintext, error } = await open(altered)
    expect(plaintext.length).toBe(2 * Z - 72)
    expect((error as Error).message).toContain(`The bytes ${2 * Z - 72}-${3 * Z - 89} are not`)
    expect(error).toMatchObject({ byteRange: { start: 2 * Z - 72, end: 3 * Z - 89 } })
  })

  test('the error of an empty object names no bytes, because it has none', async () => {
    const stored = await seal(new Uint8Array())
    stored[55] = (stored[55] as number) ^ 1
    const { error } = await open(stored)
    expect(error).toMatchObject({ message: expect.stringMatching(/^The empty content is not/) })
    expect((error as CseError).byteRange).toBeUndefined()
  })

  test('the tags of a run are those that its part was sealed with', async () => {
    const sealing = startSealRun({ contentKey, context, tags: true })
    for await (const _ of sealing.transform({ open: () => inChunks(object.plaintext, Z) }));
    const plan = new SegmentPlan(sizeBytes)
    const opening = startOpenRun({ contentKey, context, plan, firstSegment: 1, lastSegment: 2, tags: true })
    for await (const _ of opening.transform({ open: () => inChunks(object.stored.slice(Z, 3 * Z), Z) }));
    expect(opening.tags()).toEqual(sealing.result().tags.slice(16, 48))
  })

  test('an empty object is one segment that is verified', async () => {
    const stored = await seal(new Uint8Array())
    expect(await open(stored)).toEqual({ plaintext: new Uint8Array(), error: undefined })
    stored[55] = (stored[55] as number) ^ 1
    await expectRefused(stored, new Uint8Array())
  })

  test('gives the chunks of the source back, and closes it on a failure', async () => {
    const altered = object.stored.slice()
    altered[Z] = (altered[Z] as number) ^ 1
    for (const stored of [object.stored, altered]) {
      let closed = false
      const recycled: number[] = []
      async function* chunks() {
        try {
          yield stored.slice(0, Z)
          yield stored.slice(Z)
        } finally {
          closed = true
        }
      }
      const plan = new SegmentPlan(sizeBytes)
      const run = startOpenRun({ contentKey, context, plan, firstSegment: 0, lastSegment: 3 })
      const body = {
        open: () => Object.assign(chunks(), { recycle: (c: Uint8Array) => recycled.push(c.length) }),
      }
      const watch = { onReturned: () => {}, onEnd: () => recycled.push(0) }
      const pass = async (): Promise<void> => {
        for await (const _ of run.transform(body, watch));
      }
      await pass().catch(() => {})
      expect(closed).toBe(true)
      expect(recycled).toEqual(stored === altered ? [Z] : [Z, object.stored.length - Z, 0])
      expect(() => run.transform(body)).toThrow(expect.objectContaining({ code: 'ERR_CSE_CIPHER_REUSED' }))
    }
  })
})
