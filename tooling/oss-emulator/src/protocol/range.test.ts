import { describe, expect, it } from 'vitest'
import { OssError } from './oss-error.ts'
import { parseRange } from './range.ts'

const SIZE = 1000

describe('a range of 1,000 bytes', () => {
  it.each([
    ['bytes=0-499', { start: 0, sizeBytes: 500 }],
    ['bytes=500-', { start: 500, sizeBytes: 500 }],
    ['bytes=-500', { start: 500, sizeBytes: 500 }],
    ['bytes=999-999', { start: 999, sizeBytes: 1 }],
    ['bytes=0-9,20-29', { start: 0, sizeBytes: 10 }],
  ])('%s is valid in both behaviours', (header, range) => {
    expect(parseRange(header, undefined, SIZE)).toEqual(range)
    expect(parseRange(header, 'standard', SIZE)).toEqual(range)
  })

  it.each([
    ['bytes=0-1000', { start: 0, sizeBytes: 1000 }],
    ['bytes=500-2000', { start: 500, sizeBytes: 500 }],
    ['bytes=-2000', { start: 0, sizeBytes: 1000 }],
  ])('%s is ignored by default and clipped in the standard behaviour', (header, range) => {
    expect(parseRange(header, undefined, SIZE)).toBeUndefined()
    expect(parseRange(header, 'standard', SIZE)).toEqual(range)
  })

  it.each(['bytes=1000-', 'bytes=1000-2000'])(
    '%s is ignored by default and refused in the standard behaviour',
    (header) => {
      expect(parseRange(header, undefined, SIZE)).toBeUndefined()
      expect(() => parseRange(header, 'standard', SIZE)).toThrow(OssError)
    },
  )

  it.each(['byte=0-499', 'bytes=a-b', 'bytes=-', 'bytes=5-4', '', undefined])(
    '%s is not a range',
    (header) => {
      expect(parseRange(header, undefined, SIZE)).toBeUndefined()
      expect(parseRange(header, 'standard', SIZE)).toBeUndefined()
    },
  )
})

it.each(['bytes=-1', 'bytes=-0', 'bytes=0-', 'bytes=0-0', 'bytes=-9'])(
  'a range of an empty object is ignored by default and refused in the standard behaviour: %s',
  (header) => {
    expect(parseRange(header, undefined, 0)).toBeUndefined()
    expect(() => parseRange(header, 'standard', 0)).toThrow(
      expect.objectContaining({ status: 416, code: 'InvalidRange' }),
    )
  },
)

it('a suffix of no bytes is ignored by default and refused in the standard behaviour', () => {
  expect(parseRange('bytes=-0', undefined, SIZE)).toBeUndefined()
  expect(() => parseRange('bytes=-0', 'standard', SIZE)).toThrow(OssError)
})
