import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { plaintextIn, plaintextLength, SegmentPlan } from './segment-plan.ts'

const Z = 65_536
/** Lengths of plaintext at which something changes: the first segments get full, or get one byte more. */
const BOUNDARIES = [0, 1, Z - 57, Z - 56, Z - 55, 2 * Z - 73, 2 * Z - 72, 2 * Z - 71, 3 * Z - 88, 10 * Z]
const sizes = fc.oneof(
  fc.constantFrom(...BOUNDARIES),
  fc.nat({ max: 5 * Z }),
  fc.integer({ min: 0, max: 2 ** 46 }),
)

describe('SegmentPlan', () => {
  test.each([
    [0, 56, 1],
    [1, 57, 1],
    [Z - 57, Z - 1, 1],
    [Z - 56, Z, 1],
    [Z - 55, Z + 17, 2],
    [2 * Z - 72, 2 * Z, 2],
    [2 * Z - 71, 2 * Z + 17, 3],
    [3 * 1024 ** 2 + 5, 3_146_557, 49],
  ])('%i bytes are stored as %i bytes in %i segments', (sizeBytes, storedBytes, segmentCount) => {
    expect(new SegmentPlan(sizeBytes)).toMatchObject({ storedBytes, segmentCount })
  })

  test('the segments of an object follow one another without a gap, and only the last one is not full', () => {
    fc.assert(
      fc.property(fc.oneof(fc.constantFrom(...BOUNDARIES), fc.nat({ max: 20 * Z })), (sizeBytes) => {
        const plan = new SegmentPlan(sizeBytes)
        let stored = 0
        let plaintext = 0
        for (let index = 0; index < plan.segmentCount; index++) {
          const segment = plan.segment(index)
          expect(segment).toMatchObject({ storedOffset: stored, plaintextOffset: plaintext })
          expect(segment.last).toBe(index === plan.segmentCount - 1)
          if (!segment.last) expect(segment.storedBytes).toBe(Z)
          if (sizeBytes > 0) expect(segment.plaintextBytes).toBeGreaterThan(0)
          expect(segment.storedBytes - segment.plaintextBytes).toBe(index === 0 ? 56 : 16)
          stored += segment.storedBytes
          plaintext += segment.plaintextBytes
        }
        expect([plaintext, stored]).toEqual([sizeBytes, plan.storedBytes])
      }),
    )
  })

  test('a stored length tells the plan, and no other length than that of a plan does', () => {
    fc.assert(
      fc.property(sizes, (sizeBytes) => {
        const plan = new SegmentPlan(sizeBytes)
        expect(SegmentPlan.ofStored(plan.storedBytes)).toEqual(plan)
        expect(plaintextLength(plan.storedBytes)).toBe(sizeBytes)
      }),
    )
    const lengths = new Set(
      Array.from({ length: 3 * Z }, (_, sizeBytes) => new SegmentPlan(sizeBytes).storedBytes),
    )
    for (let storedBytes = 0; storedBytes <= 3 * Z; storedBytes++) {
      expect(SegmentPlan.ofStored(storedBytes) !== undefined).toBe(lengths.has(storedBytes))
    }
  })

  test.each([-1, 0, 55, Z + 1, Z + 16, 2 * Z + 16, 56.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])(
    'no sealed object has %d bytes',
    (storedBytes) => {
      expect(() => plaintextLength(storedBytes)).toThrow(
        expect.objectContaining({ code: 'ERR_CSE_AUTHENTICATION_FAILED' }),
      )
    },
  )

  test('the segment of a byte holds it', () => {
    fc.assert(
      fc.property(
        sizes.filter((sizeBytes) => sizeBytes > 0),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (sizeBytes, share) => {
          const plan = new SegmentPlan(sizeBytes)
          for (const offset of [Math.floor(sizeBytes * share), 0, sizeBytes - 1]) {
            const { plaintextOffset, plaintextBytes } = plan.segmentAt(offset)
            expect(offset).toBeGreaterThanOrEqual(plaintextOffset)
            expect(offset).toBeLessThan(plaintextOffset + plaintextBytes)
          }
        },
      ),
    )
  })

  test('the stored range of a range is that of its segments, less than two of them more', () => {
    const plan = new SegmentPlan(5 * Z)
    expect(plan.storedRange({ start: 0, end: 0 })).toEqual({ start: 0, end: Z - 1 })
    expect(plan.storedRange({ start: Z - 57, end: Z - 56 })).toEqual({ start: 0, end: 2 * Z - 1 })
    expect(plan.storedRange({ start: 5 * Z - 1, end: 5 * Z - 1 })).toEqual({
      start: 5 * Z,
      end: plan.storedBytes - 1,
    })
    fc.assert(
      fc.property(fc.nat({ max: 5 * Z - 1 }), fc.nat({ max: 5 * Z - 1 }), (a, b) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)]
        const range = plan.storedRange({ start, end })
        const segments = Math.ceil((range.end - range.start + 1) / Z)
        expect(range.end - range.start - (end - start)).toBeLessThan(2 * Z + 16 * segments)
      }),
    )
  })

  test('the plaintext in the first stored bytes grows with them, to that of the object', () => {
    const plan = new SegmentPlan(2 * Z)
    const counted = Array.from({ length: plan.storedBytes + 1 }, (_, stored) => plaintextIn(stored))
    expect([counted[0], counted[Z], counted.at(-1)]).toEqual([0, Z - 56, 2 * Z])
    expect(counted.every((bytes, i) => bytes <= 2 * Z && bytes >= (counted[i - 1] ?? 0) - 15)).toBe(true)
  })

  test('the number of segments never leaves the nonce: the largest object is planned, one byte more is refused', () => {
    const most = (2 ** 31 - 1) * (Z - 16) - 40
    const plan = new SegmentPlan(most)
    expect(plan.segmentCount).toBe(2 ** 31 - 1)
    expect(plan.segmentAt(most - 1).index).toBe(2 ** 31 - 2)
    expect(SegmentPlan.ofStored(plan.storedBytes)).toEqual(plan)
    expect(SegmentPlan.ofStored(plan.storedBytes + 17)).toBeUndefined()
    for (const sizeBytes of [most + 1, -1, 0.5, Number.NaN, 2 ** 53]) {
      expect(() => new SegmentPlan(sizeBytes)).toThrow(
        expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }),
      )
    }
    for (const index of [-1, 2, 0.5, Number.NaN])
      expect(() => new SegmentPlan(Z).segment(index)).toThrow(RangeError)
  })
})
