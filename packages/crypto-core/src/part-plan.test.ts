import fc from 'fast-check'
import { expect, test } from 'vitest'
import { planParts, roundedPartSize } from './part-plan.ts'
import { SEGMENT_BYTES, SegmentPlan } from './segment-plan.ts'
import { MAX_PARTS, MAX_REQUEST_BYTES, MIN_PART_BYTES } from './service-limits.ts'

test('parts follow one another without a gap, and all but the last have the same size', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1_000_000_000 }),
      fc.integer({ min: 6400, max: 1_000_000 }),
      (dataSize, blocks) => {
        const plan = planParts(dataSize, blocks * 16)
        const last = plan.part(plan.partCount)
        expect(plan.part(1).offsetBytes).toBe(0)
        expect(last.offsetBytes + last.sizeBytes).toBe(dataSize)
        if (plan.partCount > 1) {
          expect(plan.part(2)).toMatchObject({ partNumber: 2, offsetBytes: plan.partSizeBytes })
          expect(plan.part(1).sizeBytes).toBe(plan.partSizeBytes)
          expect(last.sizeBytes).toBeGreaterThan(0)
        }
      },
    ),
  )
})

test.each([
  [10 * 1024 ** 2, 102_401, 102_400],
  [10 * 1024 ** 2, 102_410, 102_416],
  [10 * 1024 ** 2, 5, 102_400],
  [10_000 * 102_400 + 1, 102_400, 102_416],
  [1, MAX_REQUEST_BYTES + 16, MAX_REQUEST_BYTES],
])('%d bytes in parts of %d are refused, and the error names %d', (dataSize, partSize, nearest) => {
  expect(() => planParts(dataSize, partSize)).toThrow(
    expect.objectContaining({
      code: 'ERR_CSE_INVALID_ARGUMENT',
      message: expect.stringContaining(`nearest is ${nearest}.`),
    }),
  )
  expect(planParts(dataSize, nearest).partSizeBytes).toBe(nearest)
})

test('a chosen part size is valid up to the largest object of 10,000 parts', () => {
  for (const dataSize of [0, 1, MIN_PART_BYTES, 100 * 1024 ** 3, 1024 ** 4, MAX_PARTS * MAX_REQUEST_BYTES]) {
    const plan = planParts(dataSize)
    expect(plan.partCount).toBeLessThanOrEqual(MAX_PARTS)
    expect(plan.partSizeBytes % 16).toBe(0)
  }
  expect(() => planParts(MAX_PARTS * MAX_REQUEST_BYTES + 1)).toThrow(
    expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }),
  )
})

test.each([
  ['aes-ctr', 16, 102_400],
  ['sealed', SEGMENT_BYTES, 2 * SEGMENT_BYTES],
] as const)('a rounded part size of %s is the next valid one', (format, unitBytes, minBytes) => {
  for (const sizeBytes of [0, 1, 10 * 1024 ** 2, 10_000 * 3 * SEGMENT_BYTES + 1, 2 ** 40]) {
    const { storedBytes } = format === 'sealed' ? new SegmentPlan(sizeBytes) : { storedBytes: sizeBytes }
    for (const wanted of [0, minBytes - 1, minBytes, minBytes + 1, 1024 ** 2, 7_654_321]) {
      const rounded = roundedPartSize(storedBytes, wanted, format)
      expect(rounded).toBeGreaterThanOrEqual(wanted)
      expect(planParts(sizeBytes, rounded, format).partSizeBytes).toBe(rounded)
      const smaller = rounded - unitBytes
      if (smaller < wanted) continue
      expect(() => planParts(sizeBytes, smaller, format)).toThrow(
        expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }),
      )
    }
  }
})

test('invalid part numbers and sizes are refused', () => {
  const plan = planParts(300_000, 102_400)
  for (const number of [0, 4, 1.5, Number.NaN]) {
    expect(() => plan.part(number)).toThrow(expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }))
  }
  for (const size of [-1, 0.5, Number.NaN]) {
    expect(() => planParts(size)).toThrow(expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }))
    expect(() => planParts(1000, size)).toThrow(expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }))
  }
})
