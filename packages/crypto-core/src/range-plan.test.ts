import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ByteRange, checkRange, parseRange, rangeHeader, sliceResponse } from './range-plan.ts'

const code = (value: string) => expect.objectContaining({ code: value })

test('every form of range text is parsed', () => {
  for (const prefix of ['', 'bytes=']) {
    expect(parseRange(`${prefix}0-0`)).toEqual({ start: 0, end: 0 })
    expect(parseRange(`${prefix}5-99`)).toEqual({ start: 5, end: 99 })
    expect(parseRange(`${prefix}5-`)).toEqual({ start: 5 })
    expect(parseRange(`${prefix}-7`)).toEqual({ suffixLength: 7 })
  }
})

test.each(['', '-', 'bytes=', 'bytes=-', 'a-b', '5', '9-5', '1-2,4-5', '0x1-2', '1.5-2', '--1'])(
  '%j is not a range',
  (text) => {
    expect(() => parseRange(text)).toThrow(code('ERR_CSE_INVALID_ARGUMENT'))
  },
)

test('a range of the last 0 bytes is not satisfiable', () => {
  expect(() => parseRange('-0')).toThrow(code('ERR_CSE_RANGE_NOT_SATISFIABLE'))
})

test('numbers that are not offsets are refused', () => {
  for (const range of [
    { start: -1 },
    { start: 1.5 },
    { start: 0, end: Number.NaN },
    { suffixLength: -1 },
    { start: Number.NEGATIVE_INFINITY },
    { end: 5 },
    {},
    { start: 0, end: 9, suffixLength: 5 },
    { start: 10, suffixLength: 5 },
  ]) {
    expect(() => checkRange(range as ByteRange)).toThrow(code('ERR_CSE_INVALID_ARGUMENT'))
  }
})

const LARGEST = Number.MAX_SAFE_INTEGER

test.each([
  ['an end', { start: 5, end: 2 ** 53 }, '5-9007199254740993', [5, 95]],
  [
    'an end of very many digits',
    { start: 5, end: Number.POSITIVE_INFINITY },
    `5-${'9'.repeat(400)}`,
    [5, 95],
  ],
  ['a suffix', { suffixLength: 2 ** 60 }, `-${2n ** 60n}`, [0, 100]],
] as const)(
  '%s that is larger than any object is cut to the object',
  (_, range, text, [start, sizeBytes]) => {
    for (const checked of [checkRange(range), parseRange(text)]) {
      expect(rangeHeader(checked)).toMatch(/^bytes=\d*-\d{16}$/)
      expect(sliceResponse(checked, made(200, 100))).toMatchObject({ start, sizeBytes })
    }
  },
)

test('a start beyond the end of any object is not satisfiable', () => {
  for (const start of [LARGEST, 2 ** 53, 2 ** 70, Number.POSITIVE_INFINITY]) {
    expect(() => checkRange({ start })).toThrow(code('ERR_CSE_RANGE_NOT_SATISFIABLE'))
    expect(() => checkRange({ start, end: start })).toThrow(code('ERR_CSE_RANGE_NOT_SATISFIABLE'))
  }
  for (const text of [
    '9007199254740992-',
    '99999999999999999-',
    `${'9'.repeat(400)}-`,
    '9007199254740993-9007199254740993',
  ]) {
    expect(() => parseRange(text)).toThrow(code('ERR_CSE_RANGE_NOT_SATISFIABLE'))
  }
})

test.each(['bytes 0--1/0', 'bytes */0', 'bytes 0-0/0', 'bytes -1/0'])(
  'a partial response of an empty object (%s) satisfies no range, and is the whole object',
  (contentRange) => {
    for (const range of [{ suffixLength: 1 }, { start: 0 }, { start: 0, end: 5 }]) {
      for (const length of [undefined, 0]) {
        expect(() => sliceResponse(range, made(206, length, contentRange))).toThrow(
          code('ERR_CSE_RANGE_NOT_SATISFIABLE'),
        )
      }
      expect(() => sliceResponse(range, made(206, 1, contentRange))).toThrow(code('ERR_CSE_INTEGRITY'))
    }
    expect(sliceResponse(undefined, made(206, 0, contentRange))).toMatchObject({
      sizeBytes: 0,
      responseIsWhole: true,
    })
  },
)

test('a range is copied: a later change by the caller has no effect', () => {
  const range = { start: 1, end: 2 }
  const checked = checkRange(range)
  range.end = 99
  expect(checked).toEqual({ start: 1, end: 2 })
})

test('any text leads to a range or a CseError', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^(bytes=)?\d{0,17}-\d{0,17}$/)), (text) => {
      try {
        checkRange(parseRange(text))
      } catch (error) {
        expect(error).toHaveProperty('code', expect.stringMatching(/^ERR_CSE_/))
      }
    }),
  )
})

test('the start of the request is aligned down, and its end is unchanged', () => {
  expect(rangeHeader({ start: 0, end: 0 })).toBe('bytes=0-0')
  expect(rangeHeader({ start: 15, end: 16 })).toBe('bytes=0-16')
  expect(rangeHeader({ start: 16 })).toBe('bytes=16-')
  expect(rangeHeader({ start: 1_000_001, end: 2_000_000 })).toBe('bytes=1000000-2000000')
  expect(rangeHeader({ suffixLength: 1 })).toBe('bytes=-16')
})

function made(status: number, contentLength: number | undefined, contentRange?: string) {
  return {
    status,
    headers: {
      ...(contentLength !== undefined && { 'content-length': String(contentLength) }),
      ...(contentRange !== undefined && { 'content-range': contentRange }),
    },
  }
}

/** The response of a server, with either range behaviour. */
function respond(header: string, total: number, behavior: 'standard' | 'lenient') {
  const range = parseRange(header)
  const start = 'suffixLength' in range ? Math.max(0, total - range.suffixLength) : range.start
  const end = 'start' in range ? (range.end ?? total - 1) : total - 1
  const leaves = 'suffixLength' in range ? range.suffixLength > total : start >= total || end >= total
  if (leaves && behavior === 'lenient') return made(200, total)
  if (start >= total) return undefined
  const last = Math.min(end, total - 1)
  return made(206, last - start + 1, `bytes ${start}-${last}/${total}`)
}

/** The slice that a reader cuts from the whole object, or undefined for an unsatisfiable range. */
function wanted(range: ByteRange, total: number): [number, number] | undefined {
  const start = 'suffixLength' in range ? Math.max(0, total - range.suffixLength) : range.start
  const end = 'start' in range ? Math.min(range.end ?? total - 1, total - 1) : total - 1
  return start >= total ? undefined : [start, end - start + 1]
}

test.each(['standard', 'lenient'] as const)(
  'every range of every small object is exact, with the %s range behaviour',
  (behavior) => {
    const ranges: ByteRange[] = []
    for (let start = 0; start <= 36; start++) {
      ranges.push({ start })
      for (let end = start; end <= 36; end++) ranges.push({ start, end })
    }
    for (let suffixLength = 1; suffixLength <= 40; suffixLength++) ranges.push({ suffixLength })
    for (let total = 0; total <= 34; total++) {
      for (const range of ranges) {
        const expected = wanted(range, total)
        const got = respond(rangeHeader(range), total, behavior)
        if (got === undefined) {
          expect(expected).toBeUndefined()
        } else if (expected === undefined) {
          expect(() => sliceResponse(range, got)).toThrow(code('ERR_CSE_RANGE_NOT_SATISFIABLE'))
        } else {
          const slice = sliceResponse(range, got)
          expect([slice.start, slice.sizeBytes, slice.totalBytes]).toEqual([...expected, total])
          expect(slice.responseStart + slice.discardBytes).toBe(slice.start)
          expect(got.headers['content-length']).toBe(String(slice.responseBytes))
          expect(slice.responseIsWhole).toBe(slice.responseBytes === total)
        }
      }
    }
  },
)

test('the keystream offset comes from the response: after a 200 to an aligned request it is zero', () => {
  expect(sliceResponse({ start: 100, end: 5000 }, made(200, 1000))).toEqual({
    responseStart: 0,
    discardBytes: 100,
    sizeBytes: 900,
    start: 100,
    responseBytes: 1000,
    totalBytes: 1000,
    responseIsWhole: true,
  })
})

test('a response that does not hold the requested bytes is an integrity error', () => {
  const range = { start: 32, end: 63 }
  for (const contentRange of [
    undefined,
    'bytes 48-63/100',
    'bytes 32-60/100',
    'bytes 32-63/*',
    'bytes 63-32/100',
    'bytes 32-100/100',
    'nonsense',
  ]) {
    expect(() => sliceResponse(range, made(206, undefined, contentRange)), contentRange).toThrow(
      code('ERR_CSE_INTEGRITY'),
    )
  }
  expect(() => sliceResponse(range, made(206, 31, 'bytes 32-63/100'))).toThrow(code('ERR_CSE_INTEGRITY'))
  expect(() => sliceResponse(undefined, made(206, undefined, 'bytes 0-10/100'))).toThrow(
    code('ERR_CSE_INTEGRITY'),
  )
  expect(() => sliceResponse(undefined, made(200, undefined))).toThrow(code('ERR_CSE_INTEGRITY'))
})
