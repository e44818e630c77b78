import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ByteRange, checkRange } from './range-plan.ts'
import { checkSealedLengths, sealedRangeHeader, sliceSealed } from './sealed-slice.ts'
import { SegmentPlan } from './segment-plan.ts'

const Z = 65_536

/** What a server responds to a Range header, for an object of that many stored bytes. */
function responseTo(header: string, total: number) {
  const [, first = '', last = ''] = /^bytes=([0-9]*)-([0-9]*)$/.exec(header) as RegExpExecArray
  const start = first === '' ? Math.max(0, total - Number(last)) : Number(first)
  const end = first === '' || last === '' ? total - 1 : Math.min(Number(last), total - 1)
  if (start >= total) return undefined
  return { status: 206, headers: { 'content-range': `bytes ${start}-${end}/${total}` } }
}

const whole = (total: number) => ({ status: 200, headers: { 'content-length': String(total) } })

const ranges: fc.Arbitrary<ByteRange> = fc.oneof(
  fc.record({ suffixLength: fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 6 * Z })) }),
  fc.record({ start: fc.nat({ max: 6 * Z }) }),
  fc
    .tuple(fc.nat({ max: 6 * Z }), fc.nat({ max: 6 * Z }))
    .map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) })),
)
const sizes = fc.oneof(fc.constantFrom(0, 1, Z - 56, Z - 55, 2 * Z - 72, 2 * Z - 71), fc.nat({ max: 5 * Z }))

describe('sealedRangeHeader and sliceSealed', () => {
  test('one request is enough for any range of an object of unknown length', () => {
    fc.assert(
      fc.property(sizes, ranges, (sizeBytes, range) => {
        const plan = new SegmentPlan(sizeBytes)
        const response = responseTo(sealedRangeHeader(range), plan.storedBytes)
        const start = 'start' in range ? range.start : Math.max(0, sizeBytes - range.suffixLength)
        const end = Math.min('start' in range ? (range.end ?? sizeBytes) : sizeBytes, sizeBytes - 1)
        // Only a range behind the last segment gets none.
        if (response === undefined) {
          expect(start).toBeGreaterThanOrEqual(sizeBytes)
          return
        }
        const slice = sliceSealed(range, response)
        expect(slice.plan).toEqual(plan)
        expect(slice.sizeBytes).toBe(Math.max(0, end - start + 1))
        if (slice.sizeBytes === 0) return
        expect(slice.covered).toBe(true)
        const [first, last] = [plan.segment(slice.firstSegment), plan.segment(slice.lastSegment)]
        expect(first.plaintextOffset + slice.discardBytes).toBe(start)
        expect(end).toBeLessThan(last.plaintextOffset + last.plaintextBytes)
        expect(slice.stored).toEqual(plan.storedRange({ start, end }))
      }),
      { numRuns: 1000 },
    )
  })

  test('a range is widened by less than two segments and a tag for each of its own', () => {
    fc.assert(
      fc.property(ranges, (range) => {
        const total = new SegmentPlan(20 * Z).storedBytes
        const response = responseTo(sealedRangeHeader(range), total)
        if (response === undefined) return
        const slice = sliceSealed(range, response)
        const segments = slice.lastSegment - slice.firstSegment + 1
        expect(slice.responseBytes - slice.sizeBytes).toBeLessThan(2 * Z + 16 * segments + 40)
      }),
    )
  })

  test('a response that lacks stored bytes of the range does not cover it', () => {
    const total = new SegmentPlan(3 * Z).storedBytes
    const range = { start: Z, end: Z + 10 }
    const covered = (contentRange: string) =>
      sliceSealed(range, { status: 206, headers: { 'content-range': contentRange } }).covered
    expect(covered(`bytes ${Z}-${2 * Z - 1}/${total}`)).toBe(true)
    expect(covered(`bytes ${Z - 1}-${2 * Z}/${total}`)).toBe(true)
    expect(covered(`bytes ${Z + 1}-${2 * Z - 1}/${total}`)).toBe(false)
    expect(covered(`bytes ${Z}-${2 * Z - 2}/${total}`)).toBe(false)
    expect(() =>
      sliceSealed(undefined, { status: 206, headers: { 'content-range': `bytes 1-9/${total}` } }),
    ).toThrow(expect.objectContaining({ code: 'ERR_CSE_INTEGRITY' }))
  })

  test('an empty object has one segment to verify, and so has the answer that a range is not in the object', () => {
    const empty = sliceSealed(undefined, whole(56))
    expect(empty).toMatchObject({ sizeBytes: 0, firstSegment: 0, lastSegment: 0, covered: true })
    const behind = sliceSealed({ start: 3 * Z }, whole(new SegmentPlan(3 * Z).storedBytes))
    expect(behind).toMatchObject({ sizeBytes: 0, firstSegment: 3, lastSegment: 3 })
  })

  test('a length that no sealed object has is refused', () => {
    expect(() => sliceSealed(undefined, whole(Z + 5))).toThrow(
      expect.objectContaining({ code: 'ERR_CSE_AUTHENTICATION_FAILED' }),
    )
  })

  test('offsets beyond any object do not become others', () => {
    const most = checkRange({ start: 0, end: Number.MAX_VALUE })
    expect(sealedRangeHeader(most)).toBe(`bytes=0-${Number.MAX_SAFE_INTEGER - 16}`)
    expect(sealedRangeHeader(checkRange({ suffixLength: Number.MAX_VALUE }))).toBe(
      `bytes=-${Number.MAX_SAFE_INTEGER - 16}`,
    )
  })
})

test('the lengths that an envelope records must be those of the object', () => {
  const plan = new SegmentPlan(100)
  expect(() => checkSealedLengths(plan, {})).not.toThrow()
  expect(() => checkSealedLengths(plan, { unencryptedContentLength: 100, dataSizeBytes: 156 })).not.toThrow()
  for (const recorded of [
    { unencryptedContentLength: 156 },
    { dataSizeBytes: 100 },
    { unencryptedContentLength: 0 },
  ])
    expect(() => checkSealedLengths(plan, recorded)).toThrow(
      expect.objectContaining({ code: 'ERR_CSE_AUTHENTICATION_FAILED' }),
    )
})
